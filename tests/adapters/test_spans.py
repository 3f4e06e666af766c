"""Spans of the Vercel AI SDK, OpenInference and MLflow."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime

import pytest

from router_audit.stages.ingest import ingest


@pytest.mark.shared
def test_vercel_counts_children(sample):
    found = sample("vercel_ai_sdk/all-spans.json")

    assert Counter(type(one).__name__ for one in found) == {"LoggedRequest": 4, "Merged": 4, "Filtered": 2}
    calls = [one for one in found if type(one).__name__ == "LoggedRequest"]
    assert [(c.input_tokens, c.output_tokens) for c in calls] == [(14, 20), (50, 9), (63, 156), (15, 112)]
    assert {call.response_model for call in calls} == {"gpt-4o-mini-2024-07-18"}
    assert calls[3].time_to_first_token_ms == pytest.approx(426.8535)
    assert (calls[3].cache_read_tokens, calls[3].reasoning_tokens) == (0, 0)
    assert calls[0].started_at == datetime(2026, 2, 3, 15, 19, 52, 242000, UTC)


@pytest.mark.shared
def test_vercel_parents_stand_for_children_that_are_not_there(calls):
    found = calls("vercel_ai_sdk/ai-generateText.json")

    assert [(call.input_tokens, call.output_tokens) for call in found] == [(14, 20), (50, 9)]
    assert all("parent_span" in call.flags for call in found)
    assert [message.role for message in found[1].messages] == ["user", "assistant", "user"]
    assert found[1].system == "You are a helpful assistant."


@pytest.mark.shared
def test_vercel_parents_and_children_in_two_files_are_one_call(store, shared):
    folder = shared / "log_samples" / "vercel_ai_sdk"
    result = ingest(store, [str(folder)])

    assert (result.stored, result.tokens.input, result.tokens.output) == (4, 142, 297)


@pytest.mark.shared
def test_openinference_attributes(calls):
    (call,) = calls("openinference/openinference_client_span_tool_calls.json")

    assert (call.input_tokens, call.output_tokens) == (97, 52)
    assert (call.request_model, call.response_model, call.provider) == ("gpt-4", "gpt-4-0613", "openai")
    assert [message.role for message in call.messages] == ["user", "assistant", "tool"]
    assert call.messages[1].parts[1].arguments == {"location": "Paris"}
    assert call.messages[2].parts[0].response == "rainy, 57°F"
    assert call.params == {"max_tokens": 200, "temperature": 0.5, "top_p": 0.9}


def test_phoenix_rows_count_leaves(logged):
    """Written by us after Phoenix's column names: its own exports are under another licence."""
    row = {
        "context.trace_id": "t", "context.span_id": "a", "parent_id": None, "start_time": "2026-01-01T00:00:00+00:00",
        "end_time": "2026-01-01T00:00:01+00:00", "status_code": "OK", "attributes.openinference.span.kind": "LLM",
        "attributes.llm.model_name": "gpt-4o", "attributes.llm.token_count.prompt": 10,
        "attributes.llm.token_count.prompt_details.cache_read": 4, "attributes.llm.token_count.completion": 2,
        "attributes.session.id": "s-1", "eval.correctness.label": "correct",
        "attributes.llm.input_messages": [{"message.role": "user", "message.content": "hi"}],
    }  # fmt: skip
    child = row | {"context.span_id": "b", "parent_id": "a"}
    found = logged("".join(json.dumps(one) + "\n" for one in (row, child)))

    assert [type(one).__name__ for one in found] == ["Merged", "LoggedRequest"]
    call = found[1]
    assert (call.input_tokens, call.cache_read_tokens, call.session_id) == (10, 4, "s-1")
    assert (call.resolved, call.outcome_origin, call.latency_ms) == (True, "score:correctness", 1000)
    assert call.messages[0].parts[0].content == "hi"


@pytest.mark.shared
def test_mlflow_traces(sample):
    found = sample("mlflow/traces_to_dict.jsonl")

    assert Counter(type(one).__name__ for one in found) == {"Filtered": 3, "LoggedRequest": 3}
    failed, cached, hello = [one for one in found if type(one).__name__ == "LoggedRequest"]
    assert (failed.status, failed.error_type, failed.input_tokens) == ("error", "BadRequestError", None)
    assert (cached.input_tokens, cached.output_tokens, cached.logged_cost_usd) == (4020, 4, "0.01616")
    assert (cached.request_model, cached.response_model) == ("gpt-4o", "gpt-5.6-sol")
    assert (hello.input_tokens, hello.output_tokens, hello.logged_cost_usd) == (8, 10, "0.00012")
    assert {(call.session_id, call.user, call.team) for call in (failed, cached, hello)} == {
        ("sess-9", "u-17", "support")
    }
    assert hello.latency_ms == pytest.approx(138.403700, abs=0.001)


def test_mlflow_assessments_are_the_outcome(logged):
    span = {
        "span_id": "a", "parent_span_id": None, "start_time_unix_nano": 1795414384303351383,
        "end_time_unix_nano": 1795414384441755052, "status": {"code": "STATUS_CODE_OK"},
        "attributes": {"mlflow.spanType": '"LLM"', "mlflow.chat.tokenUsage": '{"input_tokens": 3, "output_tokens": 1}'},
    }  # fmt: skip
    info = {
        "trace_id": "tr-1",
        "assessments": [{"assessment_name": "correctness", "feedback": {"value": "no"}}],
    }
    (call,) = logged(json.dumps({"info": info, "data": {"spans": [span]}}) + "\n")

    assert (call.input_tokens, call.resolved, call.outcome_origin) == (3, False, "score:correctness")
