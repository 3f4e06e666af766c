"""Whatever the bytes: ingest does not raise, loses no count and stores no impossible number."""

from __future__ import annotations

import bz2
import gzip
import json
import tempfile
from pathlib import Path

import msgspec
import zstandard
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from router_audit.adapters import plain
from router_audit.adapters.protocol import RecordError
from router_audit.adapters.reading import FileReader
from router_audit.errors import InputError
from router_audit.logfile import decode
from router_audit.stages.ingest import ingest
from router_audit.store import open_store
from router_audit.types import LoggedRequest, Rejected
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


@st.composite
def changed(draw):
    """A plausible record with something in it that nobody expects."""
    record = json.loads(json.dumps(pair(draw(st.integers(0, 50)))))
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

    def _line(self, line, raw):
        return self.feed(line, decode(raw))


@settings(max_examples=400, deadline=None)
@given(record=changed())
def test_the_short_way_reads_what_the_long_way_reads(record):
    raw = json.dumps(record).encode()
    try:
        short = plain.read(raw, "f", 1)
    except RecordError:
        (found,) = Long("f").feed(1, raw)
        assert isinstance(found, Rejected)
        return
    if short is None:
        return
    (found,) = Long("f").feed(1, raw)

    assert isinstance(found, LoggedRequest)
    assert msgspec.to_builtins(short) == msgspec.to_builtins(found)


def test_the_short_way_is_taken_for_the_plain_exchange():
    record = pair(3)
    record["request"]["tools"] = [
        {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}
    ]
    record["request"]["messages"] = [
        {"role": "system", "content": "s"},
        {"role": "user", "content": [{"type": "text", "text": "u"}]},
        {
            "role": "assistant",
            "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        },
        {"role": "tool", "tool_call_id": "c", "content": "7"},
    ]
    short = plain.read(json.dumps(record).encode(), "f", 1)
    (found,) = Long("f").feed(1, json.dumps(record).encode())

    assert short is not None
    assert msgspec.to_builtins(short) == msgspec.to_builtins(found)
