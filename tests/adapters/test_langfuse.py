"""Langfuse downloads, ingestion batches, exports."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from router_audit.types import Filtered, LoggedRequest, Merged

pytestmark = pytest.mark.shared

TRACES = "langfuse/{}.trace.json"


@pytest.mark.parametrize(
    ("name", "tokens"),
    [
        ("crewai-2025-07-11", [(190, 164, 0)]),
        ("google-gemini-2025-08-01", [(6, 2055, 1104)]),
        ("langgraph-python-2025-08-22", [(60, 15, 0), (108, 51, 0)]),
        ("llamaindex-2025-06-05", [(13, 81, 0)]),
        ("openai-agents-2025-09-30", [(85, 29, 0), (55, 15, 0)]),
        ("vercel-aisdk-2025-11-17", [(62, 85, None)]),
        ("vertex-ai-2025-08-01", [(5, 845, None)]),
    ],
)
def test_each_generation_counts_once(calls, name, tokens):
    found = calls(TRACES.format(name))

    assert [(c.input_tokens, c.output_tokens, c.reasoning_tokens) for c in found] == tokens
    assert {call.source for call in found} == {"langfuse"}


def test_a_parent_generation_repeats_its_child(sample):
    found = sample(TRACES.format("vercel-aisdk-2025-11-17"))

    assert [type(one) for one in found] == [Filtered, Merged, LoggedRequest]
    call = found[-1]
    assert (call.request_model, call.response_model) == ("gpt-5", "gpt-5-2025-08-07")
    assert call.response_id == "resp_097184780dc1e1bc00691b3756e6848195a954cd789a29c378"
    assert call.finish_reason == "tool-calls"
    assert [tool["name"] for tool in call.tools] == ["getWeather"]
    assert call.output[0].parts[0].arguments == {"location": "San Francisco"}


def test_a_total_that_its_parts_contradict_is_flagged(calls):
    (call,) = calls(TRACES.format("vertex-ai-2025-08-01"))

    assert call.flags == ["total_mismatch"]
    assert (call.request_model, call.region, call.provider) == (
        "gemini-2.5-flash",
        "europe-central2",
        "google",
    )


def test_session_user_tags_and_times_come_from_the_trace(calls):
    (call,) = calls(TRACES.format("llamaindex-2025-06-05"))

    assert (call.session_id, call.user, call.tags) == ("session_abc", "user_123", ["llama-index", "rag"])
    assert call.started_at == datetime(2025, 6, 5, 15, 45, 52, 971000, UTC)
    assert call.latency_ms == 2776
    assert call.messages[0].parts[0].content == "What is Langfuse?"


def test_a_score_of_unknown_meaning_is_kept_and_not_judged(calls):
    (call,) = calls(TRACES.format("crewai-2025-07-11"))

    assert (call.outcome_origin, call.outcome_score, call.resolved) == ("score:toxicity", 0.8, None)
    assert call.logged_cost_usd == "0.0001269"
    assert call.system.startswith("You are Software developer.")


def test_tools_that_langchain_writes_as_messages_are_tools(calls):
    first, _ = calls(TRACES.format("langgraph-python-2025-08-22"))

    assert [tool["name"] for tool in first.tools] == ["Web-Search"]
    assert [message.role for message in first.messages] == ["user", "user"]
    assert (first.request_model, first.response_model) == ("gpt-4o", "gpt-4o-2024-08-06")


def test_an_ingestion_batch_with_two_offsets_in_one_record(calls):
    (call,) = calls("langfuse/litellm_ingestion_batch.json")

    assert call.started_at == datetime(2025, 5, 26, 21, 13, 16, 469836, UTC)
    assert call.latency_ms == pytest.approx(325.602)
    assert (call.input_tokens, call.output_tokens, call.logged_cost_usd) == (10, 10, "0.00018")
    assert call.response_id == "chatcmpl-3803a9e9-aa68-4493-94d9-247f354830d6"
    assert (call.provider, call.region) == ("aws", "us-east-1")


def test_an_export_row_with_cached_tokens_beside_the_input(logged):
    """Written by us after the documented columns: no real export was found."""
    row = {
        "id": "obs-1",
        "trace_id": "t-1",
        "type": "GENERATION",
        "start_time": "2026-01-02 03:04:05.678",
        "end_time": "2026-01-02 03:04:06.678",
        "provided_model_name": "claude-sonnet-4-5",
        "usage_details": json.dumps(
            {"input": 10, "input_cached_tokens": 90, "output": 5, "output_reasoning": 3, "total": 108}
        ),
        "input": json.dumps([{"role": "user", "content": "hi"}]),
        "output": json.dumps({"role": "assistant", "content": "ho"}),
    }
    (call,) = logged(json.dumps(row) + "\n")

    assert (call.input_tokens, call.cache_read_tokens) == (100, 90)
    assert (call.output_tokens, call.reasoning_tokens) == (8, 3)
    assert call.started_at == datetime(2026, 1, 2, 3, 4, 5, 678000, UTC)
    assert call.flags == []
