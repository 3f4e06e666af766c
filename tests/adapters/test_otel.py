"""OpenTelemetry GenAI spans and logs."""

from __future__ import annotations

import json

import pytest

from router_audit.stages.ingest import ingest
from router_audit.types import Filtered, LoggedRequest

pytestmark = pytest.mark.shared

SPANS = "otel_genai/otlp_traces_openai_v2_and_traceloop_anthropic.jsonl"
LOGS = "otel_genai/otlp_logs_openai_v2.jsonl"


def test_old_and_new_names_in_one_envelope(calls):
    found = calls(SPANS)

    assert [call.provider for call in found] == ["openai"] * 4 + ["anthropic"] * 3
    assert [call.input_tokens for call in found] == [8, 4020, 12, None, 1114, 1532, 1169]
    assert [call.cache_read_tokens for call in found[4:]] == [1111, 1111, 0]
    assert found[4].system == "You are helpful"
    assert found[4].latency_ms == pytest.approx(150.25, abs=0.01)
    assert (found[3].status, found[3].error_type) == ("error", "BadRequestError")
    assert {call.project for call in found} == {"support-bot"}


def test_a_span_of_the_application_is_filtered(sample):
    assert sum(isinstance(one, Filtered) for one in sample(SPANS)) == 1


@pytest.mark.parametrize("order", [(SPANS, LOGS), (LOGS, SPANS)])
def test_text_in_log_records_joins_its_span_on_any_day(store, shared, order):
    folder = shared / "log_samples"
    for name in order:
        ingest(store, [str(folder / name)])
    again = ingest(store, [str(folder / name) for name in order])

    rows = store.connection.execute(
        "SELECT messages, output, input_tokens, flags FROM requests WHERE input_tokens = 8"
    ).fetchall()
    assert len(rows) == 1
    assert "hello" in rows[0][0]
    assert "How can I assist" in rows[0][1]
    assert rows[0][3] == "[]"
    assert again.stored == 0
    count = store.connection.execute("SELECT count(*) FROM requests").fetchall()
    assert count == [(7,)]


def test_flat_attributes_are_a_call(calls):
    (call,) = calls("otel_genai/otel_genai_client_span_tool_calls.json")

    assert (call.input_tokens, call.output_tokens, call.response_model) == (97, 52, "gpt-4-0613")
    assert [message.role for message in call.messages] == ["user", "assistant", "tool"]
    assert call.params == {"max_tokens": 200, "temperature": 0.5, "top_p": 0.9}


def test_an_evaluation_is_the_outcome(logged):
    span = {
        "traceId": "0" * 31 + "1",
        "spanId": "0" * 15 + "1",
        "startTimeUnixNano": "1795414222361659875",
        "endTimeUnixNano": "1795414222506095298",
        "attributes": [
            {"key": "gen_ai.operation.name", "value": {"stringValue": "chat"}},
            {"key": "gen_ai.request.model", "value": {"stringValue": "gpt-4o"}},
        ],
        "events": [
            {
                "name": "gen_ai.evaluation.result",
                "attributes": [
                    {"key": "gen_ai.evaluation.name", "value": {"stringValue": "Relevance"}},
                    {"key": "gen_ai.evaluation.score.value", "value": {"doubleValue": 0.2}},
                    {"key": "gen_ai.evaluation.score.label", "value": {"stringValue": "fail"}},
                ],
            }
        ],
    }
    (call,) = logged(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}))

    assert isinstance(call, LoggedRequest)
    assert (call.resolved, call.outcome_origin, call.outcome_score) == (False, "score:Relevance", 0.2)


@pytest.mark.parametrize(
    ("value", "limit"),
    [
        ({"intValue": "50"}, 50),
        ({"intValue": 50}, 50),
        ({"intValue": "--7"}, "--7"),
        ({"intValue": "9" * 5000}, "9" * 5000),
        ({"arrayValue": {"values": 5}}, []),
        ({"stringValue": None, "intValue": "50"}, 50),
    ],
)
def test_an_attribute_value_of_any_kind(logged, value, limit):
    """Also of the first span, which tells the format: what is no number there stays as it is, and stops nothing."""
    attributes = [
        {"key": "gen_ai.request.model", "value": {"stringValue": "gpt-4o"}},
        {"key": "gen_ai.request.max_tokens", "value": value},
    ]
    span = {"traceId": "1", "spanId": "2", "attributes": attributes}
    (call,) = logged(json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}))

    assert call.params == {"max_tokens": limit}
