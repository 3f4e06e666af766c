"""Anthropic Messages pairs, streams and batches."""

from __future__ import annotations

import json

import pytest

from router_audit.types import Filtered, LoggedRequest, Merged

pytestmark = pytest.mark.shared


def test_cached_tokens_are_added_to_the_input(calls):
    read, written = calls("anthropic_pairs/messages_cache_real_api.jsonl")

    assert (read.input_tokens, read.cache_read_tokens, read.cache_write_tokens) == (1114, 1111, 0)
    assert (written.input_tokens, written.cache_read_tokens, written.cache_write_tokens) == (1532, 1111, 418)


def test_a_stream_is_the_message_it_would_have_been(calls):
    (call,) = calls("anthropic_pairs/messages_thinking_stream_sse.jsonl")

    assert (call.input_tokens, call.output_tokens, call.finish_reason) == (43, 282, "end_turn")
    assert [part.type for part in call.output[0].parts] == ["reasoning", "text"]
    assert call.params["thinking_budget"] == 1024


def test_the_delta_overrides_the_start_and_is_not_added(sample):
    found = sample("responses_only/anthropic-message-delta-input-tokens.chunks.txt")

    (call,) = (one for one in found if isinstance(one, LoggedRequest))
    assert (call.input_tokens, call.output_tokens) == (61, 2)
    assert sum(isinstance(one, Merged) for one in found) == 7


def test_parallel_tools_and_system_are_kept(calls):
    first, second = calls("anthropic_pairs/messages_parallel_tools.jsonl")

    assert first.system is not None
    assert first.system.strip().startswith("Use the `retrieve_entity_info`")
    asked = {part.id for part in first.output[0].parts if part.type == "tool_call"}
    heard = {part.id for part in second.messages[-1].parts if part.type == "tool_call_response"}
    assert len(asked) == 4
    assert asked == heard


def test_effort_is_a_parameter(calls):
    (call,) = calls("anthropic_pairs/messages_opus_effort.jsonl")

    assert call.params["effort"] == "low"


def test_batch_results_tell_served_from_never_served(logged):
    message = {
        "type": "message",
        "id": "msg_0123456789abcdefghijkl",
        "model": "claude-haiku-4-5",
        "content": [{"type": "text", "text": "yes"}],
        "stop_reason": "end_turn",
        "usage": {"input_tokens": 7, "output_tokens": 1},
    }
    lines = [
        {"custom_id": "a", "result": {"type": "succeeded", "message": message}},
        {
            "custom_id": "b",
            "result": {"type": "errored", "error": {"error": {"type": "invalid_request_error"}}},
        },
        {"custom_id": "c", "result": {"type": "expired"}},
    ]
    served, failed, expired = logged("\n".join(map(json.dumps, lines)))

    assert (served.input_tokens, served.service_tier, served.status) == (7, "batch", "ok")
    assert (failed.status, failed.error_type) == ("error", "invalid_request_error")
    assert isinstance(expired, Filtered)


def test_one_hour_writes_are_told_from_five_minutes(logged):
    message = {
        "type": "message",
        "id": "msg_0123456789abcdefghijkl",
        "model": "claude-haiku-4-5",
        "content": [],
        "usage": {
            "input_tokens": 1,
            "output_tokens": 1,
            "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
        },
    }
    (call,) = logged(json.dumps(message))

    assert (call.input_tokens, call.cache_write_tokens, call.cache_write_1h_tokens) == (31, 30, 20)
