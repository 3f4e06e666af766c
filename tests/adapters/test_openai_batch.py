"""OpenAI Batch: halves joined on custom_id, within a file, across files and across days."""

from __future__ import annotations

import json

import pytest

from router_audit.stages.ingest import ingest

pytestmark = pytest.mark.shared


def test_real_input_and_output_are_joined(store, shared):
    folder = shared / "log_samples" / "openai_batch"
    result = ingest(store, [str(folder / "input_chat.jsonl"), str(folder / "output_chat.jsonl")])

    rows = store.connection.execute(
        "SELECT count(*) FROM requests WHERE half IS NULL AND messages <> '[]'"
    ).fetchall()
    assert (result.records, result.stored, result.duplicates) == (12, 8, 4)
    assert rows == [(4,)]


def _lines(tmp_path, name, *records):
    path = tmp_path / name
    path.write_text("\n".join(map(json.dumps, records)))
    return str(path)


def _asked(custom_id, text):
    body = {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": text}]}
    return {"custom_id": custom_id, "method": "POST", "url": "/v1/chat/completions", "body": body}


def _answered(custom_id, response_id):
    body = {
        "id": response_id,
        "object": "chat.completion",
        "created": 1_760_000_000,
        "model": "gpt-4o-mini-2024-07-18",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 1, "total_tokens": 6},
    }
    response = {"status_code": 200, "request_id": "r", "body": body}
    return {"id": f"batch_req_{custom_id}", "custom_id": custom_id, "response": response, "error": None}


@pytest.mark.parametrize("order", [("asked", "answered"), ("answered", "asked")])
def test_halves_that_come_on_different_days_are_one_call(store, tmp_path, order):
    halves = {
        "asked": _lines(tmp_path, "in.jsonl", _asked("r-1", "hello")),
        "answered": _lines(tmp_path, "out.jsonl", _answered("r-1", "chatcmpl-0123456789abcdef")),
    }
    first = ingest(store, [halves[order[0]]])
    second = ingest(store, [halves[order[1]]])
    again = ingest(store, list(halves.values()))

    rows = store.connection.execute(
        "SELECT half, messages <> '[]', input_tokens, flags FROM requests"
    ).fetchall()
    assert rows == [(None, True, 5, "[]")]
    assert (first.stored, second.stored, second.duplicates) == (1, 0, 1)
    assert (again.stored, again.duplicates) == (0, 2)


def test_a_custom_id_of_two_batches_joins_nothing(store, tmp_path):
    result = ingest(
        store,
        [
            _lines(tmp_path, "in.jsonl", _asked("r-1", "hello"), _asked("r-1", "good-bye")),
            _lines(tmp_path, "out.jsonl", _answered("r-1", "chatcmpl-0123456789abcdef")),
        ],
    )

    assert result.stored == 3


def test_a_line_that_failed_is_an_error(sample):
    failed = [call for call in sample("openai_batch/output_chat.jsonl") if call.status == "error"]

    assert [call.error_type for call in failed] == ["500", "500"]
    assert failed[0].service_tier == "batch"
