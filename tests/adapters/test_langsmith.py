"""LangSmith run batches and rows."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from router_audit.types import LoggedRequest, Merged

pytestmark = pytest.mark.shared


@pytest.mark.parametrize(
    ("name", "asked", "served", "tokens"),
    [
        ("js_wrap_openai_default", "gpt-4o-mini", "gpt-4o-mini-2024-07-18", (9, 9, 0)),
        ("py_wrap_openai_reasoning", "o1-mini", "o1-mini-2024-09-12", (43, 2497, 1408)),
        ("py_wrap_openai_stream", "gpt-4o-mini", "gpt-4o-mini-2024-07-18", (9, 9, 0)),
    ],
)
def test_post_and_patch_are_one_call(sample, name, asked, served, tokens):
    merged, call = sample(f"langsmith/{name}.json")

    assert isinstance(merged, Merged)
    assert (call.request_model, call.response_model, call.provider) == (asked, served, "openai")
    assert (call.input_tokens, call.output_tokens, call.reasoning_tokens) == tokens
    assert call.project == "default"


def test_milliseconds_of_the_javascript_sdk(calls):
    (call,) = calls("langsmith/js_wrap_openai_default.json")

    assert call.started_at == datetime(2024, 10, 13, 7, 5, 37, 170000, UTC)
    assert call.latency_ms == 1115
    assert call.response_id == "chatcmpl-AHmxWgRAkoZJCaH30D7gz5t1OCc30"


def test_the_first_token_event_is_the_time_to_first_token(calls):
    (call,) = calls("langsmith/py_wrap_openai_stream.json")

    assert call.time_to_first_token_ms == pytest.approx(1238.419)
    assert call.output[0].parts[0].content == "Howdy! How can I assist you today?"


def test_rows_with_feedback_and_a_parent_of_the_same_kind(logged):
    """Written by us after the documented columns of the bulk export."""
    parent = {
        "id": "a", "trace_id": "a", "dotted_order": "20260101T000000000000Za", "run_type": "llm",
        "start_time": "2026-01-01T00:00:00", "end_time": "2026-01-01T00:00:03", "prompt_tokens": 7,
        "completion_tokens": 2, "total_tokens": 9,
    }  # fmt: skip
    child = parent | {
        "id": "b",
        "parent_run_id": "a",
        "dotted_order": "20260101T000000000000Za.20260101T000001000000Zb",
        "feedback_stats": {"correctness": {"n": 1, "avg": 1.0}},
        "total_cost": "0.01",
    }
    found = logged("".join(json.dumps(run) + "\n" for run in (parent, child)))

    calls = [one for one in found if isinstance(one, LoggedRequest)]
    assert len(found) == 2
    assert [(c.input_tokens, c.resolved, c.outcome_origin) for c in calls] == [(7, True, "score:correctness")]
    assert calls[0].logged_cost_usd == "0.01"
