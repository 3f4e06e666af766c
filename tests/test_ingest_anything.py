"""Whatever the bytes: ingest does not raise, loses no count and stores no impossible number."""

from __future__ import annotations

import bz2
import gzip
import json
import tempfile
from pathlib import Path

import pyarrow as pa
import pytest
import zstandard
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from router_audit.adapters.reading import FileReader
from router_audit.errors import InputError
from router_audit.logfile import gathered
from router_audit.stages.ingest import ingest
from router_audit.stages.ingest.decode import Options, Shards
from router_audit.store import open_store
from tests.test_ingest import pair

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
NAMES = [
    "request",
    "response",
    "messages",
    "content",
    "role",
    "usage",
    "prompt_tokens",
    "completion_tokens",
    "input_tokens",
    "output_tokens",
    "total_tokens",
    "id",
    "model",
    "choices",
    "message",
    "object",
    "type",
    "url",
    "body",
    "status",
    "timestamp",
    "created",
    "custom_id",
    "result",
    "call_type",
    "spend",
    "request_tags",
    "metadata",
    "resourceSpans",
    "scopeSpans",
    "spans",
    "attributes",
    "key",
    "value",
    "traceId",
    "spanId",
    "sessionId",
    "uuid",
    "parentUuid",
    "response_cost",
    "hidden_params",
    "trace",
    "observations",
    "data",
    "text",
    "payload",
    "log",
    "entries",
    "tools",
    "response_format",
    "tags",
    "cost",
    "started_at",
    "ended_at",
    "latency_ms",
    "headers",
    "system",
    "temperature",
    "max_tokens",
    "thinking",
    "cache_creation",
    "cached_tokens",
]
MARKS = (
    "chat.completion",
    "response",
    "message",
    "assistant",
    "user",
    "chat",
    "acompletion",
    "gen_ai.request.model",
)


def chat(n):
    """A plain exchange of OpenAI's shape."""
    return json.loads(json.dumps(pair(n)))


def message(n):
    """A plain exchange of Anthropic's shape."""
    return {
        "timestamp": 1_760_000_000 + n,
        "session_id": f"s-{n}",
        "request": {
            "model": "claude-sonnet-4-5",
            "max_tokens": 1024,
            "system": [{"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}],
            "tools": [{"name": "look", "input_schema": {"type": "object"}}],
            "messages": [
                {"role": "user", "content": "Where?"},
                {
                    "role": "assistant",
                    "content": [
                        {"type": "text", "text": "I look."},
                        {"type": "tool_use", "id": "t", "name": "look", "input": {"at": 1.0}},
                    ],
                },
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": "here"}]},
            ],
        },
        "response": {
            "id": f"msg_{n:020}",
            "type": "message",
            "role": "assistant",
            "model": "claude-sonnet-4-5-20250929",
            "content": [{"type": "thinking", "thinking": "Hm."}, {"type": "text", "text": "Here."}],
            "stop_reason": "end_turn",
            "stop_sequence": None,
            "usage": {
                "input_tokens": 10,
                "output_tokens": n,
                "cache_read_input_tokens": 7,
                "cache_creation": {"ephemeral_5m_input_tokens": 2, "ephemeral_1h_input_tokens": 1},
                "service_tier": "standard",
            },
        },
    }


def over_http(exchange, url):
    """The same exchange with the HTTP around it."""

    def made(n):
        record = exchange(n)
        record["request"] = {
            "method": "POST",
            "url": url,
            "headers": {"host": "h"},
            "body": record["request"],
        }
        headers = {"Date": "Sat, 28 Nov 2026 12:00:00 GMT", "openai-processing-ms": "41"}
        record["response"] = {"status": 200, "headers": headers, "body": record["response"]}
        return record

    return made


def gateway(n):
    """A payload of LiteLLM, with most of what its adapter leaves aside cut off."""
    exchange = chat(n)
    response = exchange["response"]
    return {
        "id": response["id"],
        "trace_id": f"t-{n}",
        "call_type": "acompletion",
        "status": "success",
        "custom_llm_provider": "openai",
        "startTime": 1_760_000_000.25 + n,
        "endTime": 1_760_000_001.5 + n,
        "response_cost": 0.00012,
        "model": "gpt-4o",
        "metadata": {"user_api_key_team_alias": "t", "usage_object": response["usage"]},
        "prompt_tokens": response["usage"]["prompt_tokens"],
        "completion_tokens": response["usage"]["completion_tokens"],
        "request_tags": ["prod"],
        "messages": exchange["request"]["messages"],
        "model_parameters": {"temperature": 0.2},
        "hidden_params": {"additional_headers": {"server": "é"}},
        "model_map_information": {"model_map_key": "gpt-4o", "model_map_value": {"max_tokens": 16384}},
        "response": response,
    }


AZURE = "https://unit.openai.azure.com/openai/deployments/fast/chat/completions?api-version=2026-01-01"
EXCHANGES = [
    chat,
    message,
    over_http(chat, "https://api.openai.com/v1/chat/completions"),
    over_http(chat, AZURE),
    over_http(message, "https://api.anthropic.com/v1/messages"),
    gateway,
]


@st.composite
def changed(draw, exchanges=EXCHANGES):
    """A plausible record with something in it that nobody expects."""
    record = draw(st.sampled_from(exchanges))(draw(st.integers(0, 50)))
    for _ in range(draw(st.integers(0, 4))):
        holder = record
        for _ in range(draw(st.integers(0, 4))):
            inner = [
                value
                for value in (holder.values() if isinstance(holder, dict) else holder)
                if isinstance(value, (dict, list)) and value
            ]
            if not inner:
                break
            holder = draw(st.sampled_from(inner))
        value = draw(json_values | st.sampled_from(MARKS) | st.integers(-5, 2**40))
        if isinstance(holder, dict):
            holder[draw(st.sampled_from(NAMES))] = value
        else:
            holder.append(value)
    return record


known = st.dictionaries(st.sampled_from(NAMES), json_values | st.sampled_from(MARKS), max_size=6)
lines = st.one_of(
    changed().map(json.dumps).map(str.encode),
    known.map(json.dumps).map(str.encode),
    json_values.map(json.dumps).map(str.encode),
    st.binary(max_size=80),
)
files = st.one_of(
    st.lists(lines, max_size=12).map(b"\n".join),
    st.lists(changed() | known, max_size=6).map(json.dumps).map(str.encode),
    st.binary(max_size=400),
    st.sampled_from(
        [
            b"PAR1",
            b"SQLite format 3\x00",
            b"\x1f\x8b\x08",
            b"\x28\xb5\x2f\xfd",
            b"BZh9",
            b"\xff\xfe",
            b"data: ",
        ]
    ).flatmap(lambda head: st.binary(max_size=100).map(lambda rest: head + rest)),
)
packed = st.sampled_from([bytes, gzip.compress, bz2.compress, zstandard.ZstdCompressor().compress])


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
@example(data=b"\x07\r\x07", pack=bytes, cut=0)
@given(data=files, pack=packed, cut=st.integers(0, 30))
def test_no_bytes_make_ingest_raise_or_lose_count(data, pack, cut):
    raw = pack(data)
    raw = raw[: len(raw) - cut] if cut < 20 else raw
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "log"
        path.write_bytes(raw)
        with open_store(Path(folder) / "audit.duckdb") as store:
            try:
                result = ingest(store, [str(path)])
            except InputError:  # not one record could be read, said with the file's name
                return
            again = ingest(store, [str(path)])
            stored = store.connection.execute("SELECT count(*) FROM requests").fetchall()[0][0]
            impossible = store.connection.execute(
                "SELECT count(*) FROM requests WHERE least(input_tokens, output_tokens, cache_read_tokens,"
                " cache_write_tokens, reasoning_tokens) < 0 OR greatest(input_tokens, output_tokens) > 2000000000"
            ).fetchall()[0][0]
            rejected = store.connection.execute("SELECT count(*) FROM rejects").fetchall()[0][0]

    assert result.records == result.stored + result.duplicates + result.filtered + result.rejected
    assert result.stored == stored
    assert result.rejected == rejected
    assert (again.records, again.stored) == (result.records, 0)
    assert impossible == 0


class Long(FileReader):
    """The general way, without the short one."""

    def runs(self, lines):
        return [(None, lines)]

    def lean(self, raw):
        return None


class Lean(FileReader):
    """The general way of a payload read in part."""

    def runs(self, lines):
        return [(None, lines)]


def short_ways(lines):
    """For each line the format whose short way it goes, or None."""
    runs = FileReader("f").runs(lines)
    return [shape and shape.source for shape, run in runs for _ in run]


def shard_of(lines, reader):
    """What a shard would hold of the lines."""
    with tempfile.TemporaryDirectory() as folder:
        shards = Shards(Path(folder), 0, Options())
        for _ in shards.take(gathered(enumerate(lines, 1)), reader):
            pass
        shards.flush()
        found = {}
        for path in Path(folder).iterdir():
            table = pa.ipc.open_file(str(path)).read_all()
            found[path.name] = (
                table.sort_by("template_id") if "template" in path.name else table
            ).to_pylist()
        return found


@settings(max_examples=400, deadline=None)
@given(records=st.lists(changed(), min_size=1, max_size=4), spaced=st.booleans(), escaped=st.booleans())
def test_the_short_way_stores_what_the_long_way_stores(records, spaced, escaped):
    separators = (", ", ": ") if spaced else (",", ":")
    lines = [
        json.dumps(record, separators=separators, ensure_ascii=escaped).encode("utf-8", "surrogatepass")
        for record in records
    ]

    assert shard_of(lines, FileReader("f")) == shard_of(lines, Long("f"))


@settings(max_examples=200, deadline=None)
@given(records=st.lists(changed([gateway]), min_size=1, max_size=4), escaped=st.booleans())
def test_a_payload_read_in_part_is_stored_as_if_it_were_read_in_full(records, escaped):
    told = json.dumps(gateway(99)).encode()
    lines = [json.dumps(record, ensure_ascii=escaped).encode("utf-8", "surrogatepass") for record in records]

    assert shard_of([told, *lines], Lean("f")) == shard_of([told, *lines], Long("f"))


def test_a_payload_is_read_in_part_once_one_has_been_seen():
    reader = FileReader("f")
    raw = json.dumps(gateway(3)).encode()

    assert reader.lean(raw) is None
    (first,) = reader.feed(1, raw)
    assert first.source == "litellm"
    assert "hidden_params" not in reader.lean(raw)
    assert reader.feed(1, raw) == [first]


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_every_plain_exchange_goes_the_short_way(exchange):
    raw = json.dumps(exchange(3)).encode()

    assert short_ways([raw]) != [None]
    assert shard_of([raw], FileReader("f")) == shard_of([raw], Long("f"))


@pytest.mark.parametrize("exchange", EXCHANGES)
@pytest.mark.parametrize(
    "there", [b"1e999", b"[-1e999]", b"9" * 5000, b'"\xff"', b'{"\xff": 1}', b'"\\ud800"', b"NaN"]
)
def test_what_no_json_may_hold_is_the_same_both_ways_wherever_it_stands(exchange, there):
    record = exchange(3)
    asked = record.get("model_parameters") or record["request"].get("body") or record["request"]
    for holder in (asked, record):
        for name in ("tools", "response_format", "hidden_params"):
            kept = dict(holder)
            holder[name] = "HERE"
            raw = json.dumps(record).encode().replace(b'"HERE"', there)
            assert shard_of([raw], FileReader("f")) == shard_of([raw], Long("f"))
            holder.clear()
            holder.update(kept)


@pytest.mark.parametrize("exchange", EXCHANGES)
@pytest.mark.parametrize("tier", ["", "flex", "default", None, 1])
def test_a_service_tier_is_the_same_both_ways(exchange, tier):
    record = exchange(3)
    answered = record["response"].get("body") or record["response"]
    for holder in (answered, answered["usage"]):
        holder["service_tier"] = tier
        raw = json.dumps(record).encode()
        assert shard_of([raw], FileReader("f")) == shard_of([raw], Long("f"))


@pytest.mark.parametrize("exchange", EXCHANGES)
def test_numbers_that_are_equal_and_written_otherwise_stay_as_they_were_written(exchange):
    lines = []
    for number in (0, 0.0, -0.0, 1, 1.0, -0.0, 0.0, 0):
        record = exchange(3)
        asked = record.get("model_parameters") or record["request"].get("body") or record["request"]
        asked["temperature"] = number
        lines.append(json.dumps(record).encode())

    assert shard_of(lines, FileReader("f")) == shard_of(lines, Long("f"))


@pytest.mark.parametrize("retries", [True, 2**70, -1])
def test_retries_that_are_no_count_break_nothing(retries):
    told, payload = chat(1) | {"retry_count": retries}, gateway(2)
    payload["metadata"]["attempted_retries"] = retries
    lines = [json.dumps(record).encode() for record in (told, payload)]

    (rows,) = (rows for name, rows in shard_of(lines, Long("f")).items() if "requests" in name)

    assert [row["retry_count"] for row in rows] == [1000 if retries > 1 else 0] * 2
    assert shard_of(lines, FileReader("f")) == shard_of(lines, Long("f"))


def test_one_line_of_another_kind_leaves_its_neighbours_plain():
    other = {"custom_id": "x", "response": None}
    records = [gateway(1), other, gateway(2), chat(3), chat(4), other, message(5), gateway(6)]
    lines = [json.dumps(record).encode() for record in records]

    assert short_ways(lines) == [
        "litellm",
        None,
        "litellm",
        "openai",
        "openai",
        None,
        "anthropic",
        "litellm",
    ]
    assert shard_of(lines, FileReader("f")) == shard_of(lines, Long("f"))


TALKS = [
    [{"role": "user", "content": "u"}],
    [{"role": "system", "content": "s"}, {"role": "user", "content": 'Ünï \n\t"q" \\ / \x7f \u2028'}],
    [{"role": "developer", "content": "{}"}, {"role": "user", "content": ""}],
    [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "null"},
        {"role": "user", "content": " A "},
    ],
    [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b"},
        {"role": "system", "content": "s"},
    ],
    [{"role": "user", "content": '"},{"role":"system","content":"x'}],
    [
        {"role": "user", "content": '"}, {"role": "user", "content": "x\\'},
        {"role": "assistant", "content": "\\"},
    ],
    [{"role": "user", "content": "a", "name": "n"}, {"role": "assistant", "content": "b"}],
    [{"content": "a", "role": "user"}],
    [{"role": "user", "content": [{"type": "text", "text": "u"}, {"type": "text", "text": ""}]}],
    [
        {"role": "user", "content": "u"},
        {
            "role": "assistant",
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "c", "content": "7"},
    ],
]


@pytest.mark.parametrize("talk", TALKS)
@pytest.mark.parametrize("spaced", [False, True])
@pytest.mark.parametrize("escaped", [False, True])
def test_a_plain_exchange_goes_the_short_way_to_the_same_row(talk, spaced, escaped):
    record = pair(3)
    record["request"]["messages"] = talk
    record["request"]["tools"] = [
        {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    ]
    record["session_id"] = "s"
    raw = json.dumps(record, separators=(", ", ": ") if spaced else (",", ":"), ensure_ascii=escaped).encode()

    assert short_ways([raw]) != [None]
    assert shard_of([raw], FileReader("f")) == shard_of([raw], Long("f"))
