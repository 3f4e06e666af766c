"""Logs into the store: every call once, everything counted, all or nothing."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from router_audit.errors import InputError
from router_audit.stages.ingest import IngestOptions, ingest


def pair(n, **changes):
    """One exchange in OpenAI's shape, the n-th of a series a minute apart."""
    usage = {"prompt_tokens": 10 + n, "completion_tokens": 2, "total_tokens": 12 + n}
    record = {
        "timestamp": 1_760_000_000 + 60 * n,
        "request": {"model": "gpt-4o-mini", "messages": [{"role": "user", "content": f"question {n}"}]},
        "response": {
            "id": f"chatcmpl-{n:020}",
            "object": "chat.completion",
            "created": 1_760_000_000 + 60 * n,
            "model": "gpt-4o-mini-2024-07-18",
            "choices": [
                {"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "yes"}}
            ],
            "usage": usage,
        },
    }
    record.update(changes)
    return record


@pytest.fixture
def log(tmp_path):
    def write(records, name="log.jsonl"):
        path = tmp_path / name
        path.write_text("".join((one if isinstance(one, str) else json.dumps(one)) + "\n" for one in records))
        return str(path)

    return write


def rows(store, columns, order="started_at"):
    return store.connection.execute(f"SELECT {columns} FROM requests ORDER BY {order}").fetchall()


def test_every_record_is_stored_or_counted(store, log):
    path = log([pair(0), pair(1), pair(1), "broken", {"unknown": 1}, pair(2)])
    result = ingest(store, [path])

    assert (result.files, result.records, result.stored, result.duplicates, result.rejected) == (
        1,
        6,
        3,
        1,
        2,
    )
    assert (result.tokens.input, result.tokens.output) == (10 + 11 + 12, 6)
    assert {name: (one.stored, one.rejected) for name, one in result.by_source.items()} == {
        "openai": (3, 0),
        "unknown": (0, 2),
    }
    found = store.connection.execute("SELECT file, line, reason FROM rejects ORDER BY line").fetchall()
    assert [(file, line) for file, line, _ in found] == [(path, 4), (path, 5)]


def test_the_same_file_again_stores_nothing(store, log):
    path = log([pair(n) for n in range(5)])
    ingest(store, [path])
    before = rows(store, "*")
    again = ingest(store, [path])

    assert (again.stored, again.duplicates, again.tokens.input) == (0, 5, 0)
    assert rows(store, "*") == before


def test_an_appended_file_and_an_overlapping_export_store_what_is_new(store, log):
    ingest(store, [log([pair(0), pair(1)])])
    appended = ingest(store, [log([pair(0), pair(1), pair(2)])])
    overlapping = ingest(store, [log([pair(2), pair(3)], "other.jsonl")])

    assert (appended.stored, overlapping.stored) == (1, 1)
    assert len(rows(store, "1")) == 4


def test_rejects_of_a_file_are_those_of_its_latest_reading(store, log):
    ingest(store, [log([pair(0), "half a li"])])
    ingest(store, [log([pair(0), pair(1)])])

    assert store.connection.execute("SELECT count(*) FROM rejects").fetchall() == [(0,)]


def test_of_repeated_records_the_one_with_most_output_speaks_and_the_earliest_time_stays(store, log):
    first, last = pair(0), pair(0)
    first["response"]["usage"]["completion_tokens"] = 1
    first["response"]["usage"]["total_tokens"] = 11
    last["timestamp"] += 3600
    ingest(store, [log([first])])
    ingest(store, [log([last], "later.jsonl")])
    ingest(store, [log([first])])

    assert rows(store, "output_tokens, started_at::VARCHAR") == [(2, "2025-10-09 08:53:20")]


def test_last_n_is_by_time_across_all_files(store, log):
    older = log([pair(n) for n in range(3)], "z.jsonl")
    newer = log([pair(n) for n in range(10, 13)], "a.jsonl")
    result = ingest(store, [older, newer], IngestOptions(last=4))

    assert (result.stored, result.filtered) == (4, 2)
    assert rows(store, "input_tokens") == [(12,), (20,), (21,), (22,)]


def test_since_until_model_and_source_select(store, log):
    path = log([pair(n) for n in range(6)])
    start = datetime.fromtimestamp(1_760_000_000 + 60, UTC)
    end = datetime.fromtimestamp(1_760_000_000 + 180, UTC)

    assert ingest(store, [path], IngestOptions(sources=("litellm",))).filtered == 6
    assert ingest(store, [path], IngestOptions(models=("claude-*",))).filtered == 6
    timed = ingest(
        store, [path], IngestOptions(since=start, until=end, models=("gpt-*",), sources=("openai",))
    )
    assert (timed.stored, timed.filtered) == (2, 4)


def test_a_gateway_and_a_provider_log_of_one_call_store_it_once(store, log):
    spend = {
        "request_id": "chatcmpl-00000000000000000000",
        "call_type": "acompletion",
        "spend": 0.5,
        "request_tags": "[]",
        "api_key": "",
        "custom_llm_provider": "openai",
        "model": "gpt-4o-mini",
        "prompt_tokens": 10,
        "completion_tokens": 2,
        "total_tokens": 12,
        "startTime": "2025-10-09 08:53:19.000",
        "endTime": "2025-10-09 08:53:21.000",
        "metadata": json.dumps({"user_api_key_team_alias": "blue"}),
        "messages": "{}",
        "response": "{}",
    }
    result = ingest(store, [log([pair(0)]), log([spend], "spend.jsonl")])

    assert (result.stored, result.duplicates) == (1, 1)
    ((messages, team, cost, latency),) = rows(store, "messages, team, logged_cost_usd, latency_ms")
    assert "question 0" in messages
    assert (team, float(cost), latency) == ("blue", 0.5, 2000)


def test_equal_prompts_have_one_content_hash(store, log):
    other = pair(1)
    other["request"]["messages"][0]["content"] = "question 0"
    ingest(store, [log([pair(0), other, pair(2)])])

    hashes = [one for (one,) in rows(store, "content_hash")]
    assert hashes[0] == hashes[1] != hashes[2]


def test_templates_are_kept_once(store, log):
    records = [pair(n) for n in range(3)]
    for one in records[:2]:
        one["request"]["messages"].insert(0, {"role": "system", "content": 'Be "brief"\n'})
    ingest(store, [log(records)])

    found = store.connection.execute("SELECT system FROM templates ORDER BY system NULLS LAST").fetchall()
    assert found == [('Be "brief"\n',), (None,)]


def test_api_keys_are_never_stored(store, log):
    key = "sk-proj-" + "a1B2" * 8
    one = pair(0)
    one["request"]["messages"] = [
        {"role": "system", "content": f"use {key}"},
        {"role": "user", "content": f"my key is {key}."},
    ]
    ingest(store, [log([one, json.dumps({"unknown": key})])])

    text = repr(store.connection.execute("FROM requests").fetchall())
    text += repr(store.connection.execute("FROM templates").fetchall())
    text += repr(store.connection.execute("FROM rejects").fetchall())
    assert key not in text
    assert "my key is [api key]." in text


@pytest.mark.parametrize("data", [b"", b"\x00\x01\x02" * 900])
def test_when_nothing_can_be_read_at_all_it_is_an_error(store, tmp_path, data):
    path = tmp_path / "log.jsonl"
    path.write_bytes(data)

    with pytest.raises(InputError) as caught:
        ingest(store, [str(path)])
    assert caught.value.where == str(path)


def test_one_unreadable_file_among_good_ones_is_a_reject(store, log, tmp_path):
    (tmp_path / "empty.jsonl").write_bytes(b"")
    result = ingest(store, [log([pair(0)]), str(tmp_path / "empty.jsonl")])

    assert (result.stored, result.rejected) == (1, 1)


def test_no_working_folder_is_left_behind(store, log, tmp_path):
    (tmp_path / f".{store.path.name}.ingest-killed").mkdir()
    path = log([pair(0)])
    ingest(store, [path])

    assert {entry.name for entry in tmp_path.iterdir()} <= {
        "log.jsonl",
        store.path.name,
        f"{store.path.name}.wal",
    }


@pytest.mark.shared
def test_every_sample_is_read_and_read_once(store, shared):
    folder = str(shared / "log_samples")
    result = ingest(store, [folder])
    again = ingest(store, [folder])

    assert result.files > 25
    assert result.stored > 80
    assert (again.records, again.stored, again.rejected) == (result.records, 0, result.rejected)
