"""Plain records: by our names, by a mapping, by the usual names."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from router_audit.adapters.generic import Mapped, mapped, paths, value_at
from router_audit.adapters.protocol import RecordError
from router_audit.types import LoggedRequest, Rejected


@pytest.mark.shared
def test_rows_with_an_outcome_under_the_usual_names(calls):
    found = calls("generic/trick-question-grok-4.1-fast.json")

    assert len(found) == 25
    assert sum(call.resolved is True for call in found) == 22
    assert sum(call.resolved is False for call in found) == 3
    assert {call.request_model for call in found} == {"x-ai/grok-4.1-fast"}
    assert found[0].started_at == datetime(2026, 2, 18, 12, 58, 8, 877000, UTC)
    assert found[0].messages[0].parts[0].content.startswith("In a family of 5 children")
    assert found[0].flags == ["fields_guessed"]


@pytest.mark.shared
def test_structs_of_parquet(calls):
    found = calls("parquet/modaic_output.parquet")

    assert len(found) == 10
    assert found[0].system == "You are a concise assistant."
    assert found[0].messages[0].parts[0].content == "Give me one sentence about the moon."
    assert [part.type for part in found[0].output[0].parts] == ["reasoning", "text"]
    assert found[0].output[0].parts[1].content.startswith("The Moon, Earth's only natural satellite")


@pytest.mark.shared
def test_usage_objects_agree_with_an_independent_reading(shared, sample):
    name = "usage_oracle/genai_prices_usages.jsonl"
    found = sample(name)
    records = [json.loads(line) for line in (shared / "log_samples" / name).read_text().splitlines()]

    assert len(found) == len(records) == 74
    names = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
    differing = []
    for call, record in zip(found, records, strict=True):
        ours = tuple(getattr(call, field) or 0 for field in names)
        theirs = [tuple(one["usage"].get(field, 0) for field in names) for one in record["extracted"]]
        if ours not in theirs:
            differing.append((call.line, ours))
    # The independent reading does not know Mistral's `num_cached_tokens`.
    assert differing == [(43, (70, 12, 69, 0))]


def test_own_names(logged):
    record = {
        "request_id": "r-1", "started_at": "2026-01-02T03:04:05+01:00", "request_model": "gpt-4o", "provider": "openai",
        "system": "Be kind.", "prompt": "hi", "output": "ho", "input_tokens": 5, "cache_read_tokens": 2, "output_tokens": 1,
        "latency_ms": 12.5, "session_id": "s", "tags": ["a"], "resolved": True, "temperature": 0.2, "logged_cost_usd": "0.01",
    }  # fmt: skip
    (call,) = logged(json.dumps(record) + "\n")

    assert call.source == "own"
    assert call.started_at == datetime(2026, 1, 2, 2, 4, 5, tzinfo=UTC)
    assert (call.input_tokens, call.cache_read_tokens, call.output_tokens) == (5, 2, 1)
    assert (call.system, call.messages[0].parts[0].content, call.output[0].parts[0].content) == (
        "Be kind.",
        "hi",
        "ho",
    )
    assert (call.resolved, call.outcome_origin, call.params) == (True, "flag", {"temperature": 0.2})


def test_a_negative_count_is_rejected_with_its_name(logged):
    (found,) = logged(json.dumps({"request_model": "m", "prompt": "hi", "input_tokens": -1}) + "\n")

    assert isinstance(found, Rejected)
    assert found.reason == "input_tokens is negative: -1"


def test_paths_step_into_objects_lists_and_json_text():
    record = {"a": {"b": [{"c": '{"d": 7}'}]}, "x.y": 1}

    assert value_at(record, "a.b.0.c.d") == 7
    assert value_at(record, "a.b.-1.c") == '{"d": 7}'
    assert value_at(record, "x.y") == 1
    assert value_at(record, "a.z.0") is None


def test_a_mapping_makes_any_record_ours():
    mapping = paths(["request_model=meta.engine", "prompt=q", "output=a", "input_tokens=n.in"])
    record = {"meta": {"engine": "m-1"}, "q": "hi", "a": "ho", "n": {"in": 3}, "user": "u-1", "other": 1}

    assert mapped(record, mapping) == {
        "request_model": "m-1",
        "prompt": "hi",
        "output": "ho",
        "input_tokens": 3,
        "user": "u-1",
    }
    (call,) = Mapped(mapping).reader("f").feed(record, 1)
    assert isinstance(call, LoggedRequest)
    assert (call.source, call.request_model, call.input_tokens, call.user) == ("mapped", "m-1", 3, "u-1")
    with pytest.raises(RecordError, match="neither text, model nor tokens"):
        list(Mapped(mapping).reader("f").feed({"x": 1}, 1))


@pytest.mark.parametrize("option", ["prompt", "prompt=", "colour=x"])
def test_a_mapping_that_makes_no_sense_is_refused(option):
    with pytest.raises(ValueError, match="--map"):
        paths([option])
