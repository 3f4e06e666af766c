"""Logs into the store: every call once, everything counted, all or nothing."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest

from router_audit.errors import InputError, UserError
from router_audit.stages.ingest import IngestOptions, ingest
from router_audit.store import open_store


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


def exchange(n, text="hello?", *, at, session="s-1", failed=False):
    """One exchange of a session, `at` seconds after its start."""
    one = pair(n, timestamp=1_760_000_000 + at, session_id=session)
    one["request"]["messages"][0]["content"] = text
    if failed:
        one["response"] = {"error": {"type": "rate_limit_error", "code": "429"}, "id": f"chatcmpl-{n:020}"}
    return one


def test_the_same_prompt_after_an_error_is_a_retry_linked_and_not_merged(store, log):
    ingest(
        store,
        [
            log(
                [
                    exchange(0, at=0, failed=True),
                    exchange(1, at=5, failed=True),
                    exchange(2, at=12),
                    exchange(3, at=900),
                    exchange(4, at=13, session="s-2"),
                ]
            )
        ],
    )

    found = rows(store, "retry_count, parent_id IS NOT NULL, resolved, outcome_origin")
    assert found[:3] == [(0, False, False, "error"), (1, True, False, "error"), (2, True, None, None)]
    assert [one[0] for one in found[3:]] == [0, 0]
    linked = store.connection.execute(
        "SELECT count(*) FROM requests AS later JOIN requests AS failed ON later.parent_id = failed.request_id"
    ).fetchall()
    assert linked == [(2,)]


def test_a_retry_that_is_read_on_another_day_is_linked(store, log):
    ingest(store, [log([exchange(1, at=5)])])
    ingest(store, [log([exchange(0, at=0, failed=True)])])

    assert rows(store, "retry_count") == [(0,), (1,)]


@pytest.mark.parametrize(("stated", "kept"), [(2, 2), (3_000_000_000, 1000), (1e300, 1000)])
def test_a_count_of_retries_beyond_any_is_bounded(store, log, stated, kept):
    record = {
        "request_model": "m",
        "started_at": "2026-01-01T00:00:00Z",
        "prompt": "x",
        "retry_count": stated,
    }
    result = ingest(store, [log([record])])

    assert result.stored == 1
    assert rows(store, "retry_count") == [(kept,)]


def test_a_question_asked_again_says_the_answer_did_not_help(store, log):
    ingest(
        store,
        [
            log(
                [
                    exchange(0, "Where is it?", at=0),
                    exchange(1, "where is it? ", at=60),
                    exchange(2, "ok", at=90),
                ]
            )
        ],
    )

    assert rows(store, "resolved, outcome_origin") == [(False, "re-ask"), (None, None), (None, None)]


def test_what_a_log_states_of_the_outcome_comes_before_what_is_concluded(store, log):
    stated = exchange(0, "Where is it?", at=0)
    stated["resolved"] = True
    ingest(store, [log([stated, exchange(1, "Where is it?", at=60)])])
    late = exchange(1, "Where is it?", at=60)
    late["feedback"] = "up"
    ingest(store, [log([exchange(2, "Where is it?", at=99)])])
    assert rows(store, "resolved, outcome_origin")[:2] == [(True, "flag"), (False, "re-ask")]
    ingest(store, [log([late], "late.jsonl")])

    assert rows(store, "resolved, outcome_origin")[:2] == [(True, "flag"), (True, "feedback")]


def test_redact_masks_people_and_keeps_what_is_not_one(store, log):
    one = pair(0, user="ann@example.com")
    one["request"]["messages"] = [
        {"role": "system", "content": "Write to ops@example.org."},
        {
            "role": "user",
            "content": "Call +44 20 7946 0958 or (212) 555-0142; card 4111 1111 1111 1111, order 4111111111111112.",
        },
    ]
    one["response"]["choices"][0]["message"] = {
        "role": "assistant",
        "content": None,
        "tool_calls": [
            {
                "id": "c",
                "function": {
                    "name": "pay",
                    "arguments": '{"card": 4111111111111111, "on": "2026-01-31", "n": 12}',
                },
            }
        ],
    }
    two = pair(1, user="ann@example.com")
    ingest(store, [log([one, two, {"unknown": "bob@example.com"}])], IngestOptions(redact=True))

    text = repr(store.connection.execute("FROM requests").fetchall())
    text += repr(store.connection.execute("FROM templates").fetchall())
    text += repr(store.connection.execute("FROM rejects").fetchall())
    for secret in ("ann@", "ops@", "bob@", "7946", "555-0142", "4111 1111 1111 1111", "4111111111111111"):
        assert secret not in text
    for kept in ("order 4111111111111112", "2026-01-31", "[email]", "[phone]", "[card]"):
        assert kept in text
    users = [user for (user,) in rows(store, "user_id")]
    assert users[0] == users[1]
    output = json.loads(rows(store, "output")[0][0])
    assert output[0]["parts"][0]["arguments"] == {"card": "[card]", "on": "2026-01-31", "n": 12}


def test_a_map_reads_a_log_of_the_users_own(store, log):
    path = log(
        [{"q": {"text": "why?"}, "a": "because", "who": "m-7", "in": 3, "out": 4, "when": 1_760_000_000}]
    )
    mapping = (
        "prompt=q.text",
        "output=a",
        "request_model=who",
        "input_tokens=in",
        "output_tokens=out",
        "started_at=when",
    )
    result = ingest(store, [path], IngestOptions(mapping=mapping))

    assert (result.stored, result.tokens.input, result.tokens.output) == (1, 3, 4)
    assert rows(store, "request_model, source") == [("m-7", "mapped")]


@pytest.mark.parametrize(
    "options", [{"mapping": ("nonsense",)}, {"mapping": ("colour=x",)}, {"sources": ("opnai",)}], ids=str
)
def test_an_option_that_names_nothing_is_an_error(store, log, options):
    with pytest.raises(UserError):
        ingest(store, [log([pair(0)])], IngestOptions(**options))


def test_several_processes_give_the_store_that_one_gives(store, log, tmp_path):
    records = [pair(n) for n in range(30_000)]
    for n in range(0, 30_000, 7):
        records[n] = "broken" if n % 2 else pair(n // 2)
    path = log(records)
    one = ingest(store, [path], IngestOptions(workers=1))
    with open_store(tmp_path / "other.duckdb") as other:
        two = ingest(other, [path], IngestOptions(workers=2))
        again = ingest(other, [path], IngestOptions(workers=2))
        rejects = other.connection.execute("FROM rejects ORDER BY line").fetchall()
        assert rows(other, "* EXCLUDE (file)", "request_id") == rows(store, "* EXCLUDE (file)", "request_id")

    assert two == one
    assert again.stored == 0
    assert rejects == store.connection.execute("FROM rejects ORDER BY line").fetchall()


def test_rows_inserted_while_others_are_decoded_are_those_inserted_when_all_is_known(store, tmp_path, log):
    """A selection waits for the end; the one here takes in all there is."""
    earlier = log([pair(n) for n in range(20)], "earlier.jsonl")
    better = pair(3)
    better["response"]["usage"] = {"prompt_tokens": 13, "completion_tokens": 9, "total_tokens": 22}
    half = {"custom_id": "q-1", "method": "POST", "url": "/v1/chat/completions", "body": pair(50)["request"]}
    answer = {"id": "batch_req_1", "custom_id": "q-1", "response": {"status_code": 200}, "error": None}
    answer["response"]["body"] = pair(50)["response"]
    later = log(
        [half, pair(2), better, pair(20), pair(21), pair(21), answer, "broken", pair(22, resolved=False)],
        "later.jsonl",
    )
    everything = IngestOptions(sources=("openai", "openai_batch"))
    early = ingest(store, [earlier]), ingest(store, [later])
    with open_store(tmp_path / "other.duckdb") as other:
        late = ingest(other, [earlier], everything), ingest(other, [later], everything)
        assert rows(other, "*", "request_id") == rows(store, "*", "request_id")
        merged = "FROM merged_ids ORDER BY ALL"
        assert other.connection.execute(merged).fetchall() == store.connection.execute(merged).fetchall()

    assert early == late
    assert (early[1].stored, early[1].duplicates, early[1].rejected) == (4, 4, 1)


def test_an_identity_that_two_calls_share_loses_neither(store, tmp_path, log):
    """A batch's line, the same call told whole, and the answer that the line belongs to under a name of its own."""
    told = {"request_model": "m", "messages": [{"role": "user", "content": "x"}]}
    told["started_at"] = "2026-01-01T00:00:00Z"
    half = told | {"request_id": "a", "half": "request", "join_key": "k"}
    whole = told | {"request_id": "a", "output": "y"}
    answer = told | {"request_id": "b", "half": "response", "join_key": "k", "output": "z"}
    del answer["messages"]
    path = log([half, whole, answer])
    early = ingest(store, [path])
    with open_store(tmp_path / "other.duckdb") as other:
        late = ingest(other, [path], IngestOptions(sources=("own",)))
        assert rows(other, "*", "request_id") == rows(store, "*", "request_id")

    assert early == late
    assert (early.stored, early.duplicates) == (2, 1)


def test_an_overlapping_export_is_merged_in_bounded_memory(store, log):
    """What two exports tell of the same calls is far more than DuckDB may hold at once; another day a third does."""
    records = [pair(n) for n in range(20_000)]
    for record in records:
        record["request"]["messages"][0]["content"] += " word" * 2400
    ours = log(records, "ours.jsonl")
    theirs = log([{**record, "latency_ms": 5} for record in records], "theirs.jsonl")
    result = ingest(store, [ours, theirs])
    later = ingest(store, [log([{**record, "session_id": "s"} for record in records], "later.jsonl")])

    assert (result.stored, result.duplicates) == (20_000, 20_000)
    assert (later.stored, later.duplicates) == (0, 20_000)
    seen = "min(latency_ms), count(session_id), count(DISTINCT messages)"
    assert rows(store, seen, "1") == [(5, 20_000, 20_000)]


def test_calls_of_a_hundred_kilobytes_are_stored(store, log):
    """DuckDB handles 2,048 rows at once, however large they are."""
    records = [pair(n) for n in range(2_500)]
    for number, record in enumerate(records):
        record["request"]["messages"][0]["content"] += f" {number}" * 25_000
    result = ingest(store, [log(records)])
    again = ingest(store, [log(records)])

    assert (result.stored, again.stored) == (2_500, 0)
    assert rows(store, "count(DISTINCT messages)", "1") == [(2_500,)]


def test_a_call_that_is_told_any_number_of_times_is_one(store, log):
    record = pair(1)
    record["request"]["messages"][0]["content"] += " word" * 2400
    result = ingest(store, [log([record] * 20_000)])

    assert (result.stored, result.duplicates) == (1, 19_999)


def test_a_file_that_turns_out_to_need_its_order_is_read_in_order(store, log):
    """A transcript that begins far behind other records shares a large file with them."""
    line = {
        "type": "assistant",
        "sessionId": "s",
        "parentUuid": "p",
        "timestamp": "2026-01-01T00:00:00Z",
        "message": {
            "id": "msg_" + "0" * 20,
            "role": "assistant",
            "model": "claude-x",
            "content": [],
            "usage": {},
        },
    }
    turns = []
    for output in (1, 2, 300):
        turns.append(json.loads(json.dumps(line)))
        turns[-1]["message"]["usage"] = {"input_tokens": 5, "output_tokens": output}
    path = log([*(pair(n) for n in range(40_000)), *turns])
    result = ingest(store, [path], IngestOptions(workers=2))

    assert (result.records, result.stored, result.duplicates) == (40_003, 40_001, 2)
    assert rows(store, "output_tokens, line", "line DESC")[0] == (300, 40_001)


def test_a_slow_log_leaves_what_scripts_read_alone(tmp_path):
    """DuckDB shows progress of what takes longer than two seconds, unless it is told not to."""
    command = [
        sys.executable,
        "-m",
        "router_audit",
        "ingest",
        "-",
        "--json",
        "--db",
        str(tmp_path / "a.duckdb"),
    ]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        process.stdin.write("".join(json.dumps(pair(n)) + "\n" for n in range(20_000)))
        process.stdin.flush()
        time.sleep(4)
        out, _ = process.communicate(json.dumps(pair(20_000)) + "\n")

    assert json.loads(out)["stored"] == 20_001


def test_standard_input_beside_a_large_file(tmp_path, log):
    large = log([pair(n) for n in range(40_000)])
    piped = "".join(json.dumps(pair(n)) + "\n" for n in range(39_990, 40_010))
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "router_audit",
            "ingest",
            large,
            "-",
            "--db",
            str(tmp_path / "a.duckdb"),
            "--json",
        ],
        input=piped,
        capture_output=True,
        text=True,
        check=True,
    )
    result = json.loads(done.stdout)

    assert (result["files"], result["records"], result["stored"], result["duplicates"]) == (
        2,
        40_020,
        40_010,
        10,
    )


def test_strict_exits_one_and_rejects_lists_why(tmp_path, log):
    db = str(tmp_path / "a.duckdb")
    path = log([pair(0), "broken [red]", {"unknown": 1}])

    def run(*words):
        return subprocess.run(
            [sys.executable, "-m", "router_audit", *words, "--db", db],
            capture_output=True,
            text=True,
            check=False,
        )

    assert run("ingest", path).returncode == 0
    assert run("ingest", path, "--strict", "--json").returncode == 1
    shown = run("rejects")
    listed = json.loads(run("rejects", "--json", "--limit", "1").stdout)

    assert f"{path}:2: [unknown] not JSON" in shown.stdout
    assert "broken [red]" in shown.stdout
    assert (listed["total"], [one["line"] for one in listed["rejects"]]) == (2, [2])
