"""Bedrock exchanges, recordings and invocation logs."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from router_audit.types import Filtered


@pytest.mark.shared
def test_cached_tokens_stand_beside_the_input(calls):
    write, read = calls("bedrock/converse_cache_write_read.jsonl")

    assert (write.input_tokens, write.cache_write_tokens, write.cache_read_tokens) == (1324, 1322, 0)
    assert (read.input_tokens, read.cache_write_tokens, read.cache_read_tokens) == (1324, 0, 1322)
    assert write.request_id != read.request_id
    assert (write.latency_ms, write.region, write.provider) == (2023, "us-east-1", "aws")
    assert write.request_model == "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
    assert [tool["name"] for tool in write.tools] == ["catalog_lookup", "diagnostics"]
    kinds = [part.type for part in write.messages[0].parts]
    assert kinds[:2] == ["text", "blob"]
    assert write.messages[0].parts[1].bytes == 29


@pytest.mark.shared
def test_a_plain_exchange(calls):
    (call,) = calls("bedrock/converse_model.jsonl")

    assert (call.input_tokens, call.output_tokens, call.latency_ms) == (7, 30, 268)
    assert (call.system, call.finish_reason) == ("You are a chatbot.", "end_turn")


@pytest.mark.shared
def test_nock_recordings(calls):
    found = calls("bedrock/nock_all_token_types.json")
    (nova,) = calls("bedrock/nock_nova.json")

    assert [(call.input_tokens, call.output_tokens) for call in found] == [(57, 100)] * 3
    assert {call.finish_reason for call in found} == {"max_tokens"}
    assert found[0].started_at == datetime(2025, 7, 22, 20, 54, 47, 273000, UTC)
    assert (nova.input_tokens, nova.output_tokens, nova.finish_reason) == (454, 75, "tool_use")
    assert nova.output[0].parts[1].name == "get_weather"
    assert nova.output[0].parts[1].arguments == {"unit": "celsius", "location": "San Francisco"}
    assert "FAKE-SESSION-TOKEN" not in repr((found, nova))


def invocation(**changes):
    """One record of the log, written by us after AWS's documentation."""
    record = {
        "schemaType": "ModelInvocationLog",
        "timestamp": "2026-01-02T03:04:05Z",
        "accountId": "123456789012",
        "identity": {"arn": "arn:aws:sts::123456789012:assumed-role/app/i-1"},
        "region": "eu-west-1",
        "requestId": "0f6a7b7c-0000-4000-8000-000000000001",
        "operation": "InvokeModel",
        "modelId": "arn:aws:bedrock:eu-west-1::foundation-model/anthropic.claude-3-haiku-20240307-v1:0",
        "input": {
            "inputBodyJson": {"max_tokens": 9, "messages": [{"role": "user", "content": "hi"}]},
            "inputTokenCount": 3,
            "cacheReadInputTokenCount": 10,
        },
        "output": {"outputBodyS3Path": "s3://logs/x.json", "outputTokenCount": 4},
    }
    return json.dumps(record | changes) + "\n"


def test_an_invocation_whose_answer_lies_elsewhere(logged):
    (call,) = logged(invocation())

    assert (call.input_tokens, call.cache_read_tokens, call.output_tokens) == (13, 10, 4)
    assert call.request_model == "anthropic.claude-3-haiku-20240307-v1:0"
    assert (call.flags, call.user) == (["truncated"], "arn:aws:sts::123456789012:assumed-role/app/i-1")
    assert call.started_at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_cloudwatch_wraps_the_same_record(logged):
    (plain,) = logged(invocation())
    (wrapped,) = logged(json.dumps({"timestamp": 1, "message": invocation()}) + "\n", "wrapped.jsonl")

    assert wrapped.request_id == plain.request_id


def test_a_streamed_invocation_ends_in_its_metrics(logged):
    chunks = [
        {"type": "message_start", "message": {"id": "msg_bdrk_0123456789", "model": "claude-3-haiku-48k-20240307",
                                              "usage": {"input_tokens": 12, "output_tokens": 1}}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hey"}},
        {"type": "message_delta", "delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": 6}},
        {"type": "message_stop",
         "amazon-bedrock-invocationMetrics": {"invocationLatency": 900, "firstByteLatency": 300}},
        "[DONE]",
    ]  # fmt: skip
    output = {"outputBodyJson": chunks, "outputTokenCount": 6}
    (call,) = logged(invocation(operation="InvokeModelWithResponseStream", output=output))

    assert (call.input_tokens, call.output_tokens, call.finish_reason) == (12, 6, "end_turn")
    assert (call.latency_ms, call.time_to_first_token_ms) == (900, 300)
    assert call.response_model == "claude-3-haiku-48k-20240307"


def test_embeddings_and_bad_times(logged):
    embedding, odd = logged(
        invocation(modelId="amazon.titan-embed-text-v2:0") + invocation(timestamp="2025-04-99T00:00:00Z")
    )

    assert isinstance(embedding, Filtered)
    assert odd.started_at is None
    assert "timestamp_invalid" in odd.flags
