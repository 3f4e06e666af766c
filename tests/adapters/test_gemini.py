"""Gemini and Vertex exchanges, replies, batches, log rows."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from router_audit.types import Filtered


@pytest.mark.shared
def test_cached_inside_thoughts_outside(sample):
    created, first, second, deleted = sample("gemini/generate_cached_content.jsonl")

    assert isinstance(created, Filtered)
    assert isinstance(deleted, Filtered)
    for call, thoughts in ((first, 42), (second, 51)):
        assert (call.input_tokens, call.cache_read_tokens) == (3520, 3512)
        assert (call.output_tokens, call.reasoning_tokens) == (2 + thoughts, thoughts)
    assert first.output[0].parts[0].content == "Paris."
    assert (first.request_model, first.provider) == ("gemini-2.5-flash", "google")


@pytest.mark.shared
def test_vertex_states_time_and_place(calls):
    (call,) = calls("gemini/vertex_non_streaming.jsonl")

    assert (call.input_tokens, call.output_tokens, call.reasoning_tokens) == (8, 433 + 1477, 1477)
    assert call.started_at == datetime(2025, 10, 10, 15, 55, 50, 511529, UTC)
    assert call.region == "test-location"


@pytest.mark.shared
def test_a_bare_reply(calls):
    (call,) = calls("gemini/google-reasoning.json")

    assert (call.input_tokens, call.output_tokens, call.reasoning_tokens) == (9, 311, 282)
    assert (call.response_model, call.flags) == ("gemini-3-pro-preview", ["response_only"])


@pytest.mark.shared
def test_batch_requests_are_halves(calls):
    found = calls("gemini/vertex_batch_requests.jsonl")

    assert len(found) == 5
    assert {(call.half, call.service_tier, call.system) for call in found} == {
        ("request", "batch", "You are a chef.")
    }
    assert len({call.join_key for call in found}) == 5
    assert found[0].messages[0].parts[0].content == "Give me a recipe for banana bread."


@pytest.mark.shared
def test_gemini_lines_in_a_file_of_openai_lines(calls):
    found = calls("openai_pairs/chat_multi_turn_tools.jsonl")

    tokens = [(call.source, call.input_tokens, call.output_tokens) for call in found]
    assert tokens == [("gemini", 23, 5), ("gemini", 35, 8), ("openai", 104, 16), ("openai", 129, 9)]


def test_a_row_of_the_request_log(logged):
    """Written by us after Google's table schema."""
    row = {
        "endpoint": "projects/p/locations/europe-west4/endpoints/1",
        "logging_time": "2026-01-02 03:04:17 UTC",
        "request_id": 9223372036854775808123,
        "model": "publishers/google/models/gemini-2.5-pro",
        "api_method": "StreamGenerateContent",
        "full_request": json.dumps({"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}),
        "full_response": json.dumps(
            [
                {"candidates": [{"content": {"role": "model", "parts": [{"text": "a"}]}}],
                 "usageMetadata": {"promptTokenCount": 2, "totalTokenCount": 2}},
                {"candidates": [{"content": {"role": "model", "parts": [{"text": "b"}]}, "finishReason": "STOP"}],
                 "usageMetadata": {"promptTokenCount": 2, "candidatesTokenCount": 3, "thoughtsTokenCount": 4,
                                   "totalTokenCount": 9}},
            ]
        ),
        "metadata": {"request_latency": 2000.0},
    }  # fmt: skip
    row["logging_time"] = "2026-01-02T03:04:17Z"
    (call,) = logged(json.dumps(row) + "\n")

    assert (call.input_tokens, call.output_tokens, call.reasoning_tokens) == (2, 7, 4)
    assert call.started_at == datetime(2026, 1, 2, 3, 4, 15, tzinfo=UTC)
    assert (call.region, call.request_model) == ("europe-west4", "gemini-2.5-pro")
    assert "".join(part.content for part in call.output[0].parts) == "ab"
    assert call.params["stream"] is True


def test_a_key_in_the_url_is_not_stored(logged):
    url = "https://generativelanguage.googleapis.com/v1beta/models/gemini-2.5-flash:generateContent?key=AIzaSECRET"
    pair = {
        "request": {"method": "POST", "url": url, "body": {"contents": []}},
        "response": {"status": 429, "body": {}},
    }
    (call,) = logged(json.dumps(pair) + "\n")

    assert (call.status, call.error_type, call.request_model) == ("error", "429", "gemini-2.5-flash")
    assert "AIzaSECRET" not in repr(call)
