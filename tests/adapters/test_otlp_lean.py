"""The short ways of reading GenAI spans give what the adapter reads of the same line."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router_audit.adapters import otlp_lean, span_text, span_turns
from router_audit.adapters.reading import FileReader
from router_audit.types import Rejected
from tests.test_ingest_anything import Long, json_values, shard_of

SAMPLE = Path(__file__).parents[2] / "sample_logs/otel/genai-spans.jsonl"
REAL = "log_samples/otel_genai/otlp_traces_openai_v2_and_traceloop_anthropic.jsonl"
FLAT = "log_samples/otel_genai/otel_genai_client_span_tool_calls.json"


def attribute(name, value):
    kind = {bool: "boolValue", int: "intValue", float: "doubleValue", str: "stringValue"}[type(value)]
    return {"key": name, "value": {kind: str(value) if kind == "intValue" else value}}


TURNS = [
    {"role": "user", "parts": [{"type": "text", "content": 'Ünï \n"q" \\ \u2028?'}]},
    {
        "role": "assistant",
        "parts": [
            {"type": "text", "content": "I look."},
            {"type": "tool_call", "id": "c-1", "name": "look", "arguments": {"at": 1.0}},
        ],
        "finish_reason": "tool_call",
    },
    {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c-1", "response": {"found": None}}]},
    {"role": "user", "parts": []},
]


def span(number):
    """A call as today's instrumentations write it."""
    told = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "anthropic",
        "gen_ai.request.model": "claude-sonnet-4-5",
        "gen_ai.request.temperature": 0.2,
        "gen_ai.request.max_tokens": 100,
        "gen_ai.conversation.id": f"s-{number}",
        "gen_ai.system_instructions": json.dumps([{"type": "text", "content": "Be brief."}]),
        "gen_ai.input.messages": json.dumps(TURNS),
        "gen_ai.output.messages": json.dumps(TURNS[1:2]),
        "gen_ai.tool.definitions": json.dumps([{"type": "function", "name": "look", "parameters": {"a": 1}}]),
        "gen_ai.usage.input_tokens": 10 + number,
        "gen_ai.usage.output_tokens": number,
        "gen_ai.usage.cache_read.input_tokens": 7,
    }
    return {
        "traceId": f"{number:032x}",
        "spanId": f"{number:016x}",
        "parentSpanId": "",
        "name": "chat",
        "kind": 3,
        "startTimeUnixNano": "1795414222979132894",
        "endTimeUnixNano": "1795414223129388418",
        "attributes": [
            *(attribute(name, value) for name, value in told.items()),
            {"key": "gen_ai.response.finish_reasons", "value": {"arrayValue": {"values": [{"stringValue": "stop"}]}}},
        ],
        "events": [
            {
                "name": "gen_ai.evaluation.result",
                "attributes": [attribute("gen_ai.evaluation.score.value", 0.75)],
            }
        ],
        "status": {"code": 1},
        "flags": 256,
    }  # fmt: skip


def old_span(number):
    """A call as instrumentations wrote it before."""
    told = {
        "gen_ai.system": "openai",
        "llm.request.type": "chat",
        "gen_ai.request.model": "gpt-4o",
        "gen_ai.prompt.0.role": "system",
        "gen_ai.prompt.0.content": "Be brief.",
        "gen_ai.prompt.1.role": "user",
        "gen_ai.prompt.1.content": json.dumps([{"type": "text", "text": "hi"}]),
        "gen_ai.completion.0.content": "yes",
        "gen_ai.completion.0.finish_reason": "stop",
        "llm.request.functions.0.name": "look",
        "gen_ai.usage.prompt_tokens": number,
        "gen_ai.usage.completion_tokens": 6,
        "llm.is_streaming": True,
        "gen_ai.is_streaming": False,
        "error.type": "Timeout",
    }
    return span(number) | {
        "attributes": [attribute(name, value) for name, value in told.items()],
        "status": {"code": 2, "message": "too late"},
    }


def envelope(*spans):
    """An OTLP line as the collector's file exporter writes it."""
    resource = {"attributes": [attribute("service.name", "bot"), attribute("cloud.region", "eu")]}
    application = {"traceId": "a", "spanId": "b", "name": "GET /", "attributes": [attribute("user.id", "u")]}
    return {
        "resourceSpans": [
            {
                "resource": resource,
                "scopeSpans": [
                    {"scope": {"name": "genai", "version": "1"}, "spans": list(spans), "schemaUrl": "s"},
                    {"scope": {"name": "app"}, "spans": [application]},
                ],
            }
        ]
    }


TOLD = json.dumps(envelope(span(99))).encode()
"""A line that is read before the others, so that the reader knows what stands in the file."""

ODD = [
    *[{kind: value} for kind in ("stringValue", "intValue", "doubleValue") for value in ("7", "--7", 7, 7.5, None)],
    {"stringValue": None, "intValue": "3"}, {"intValue": "3", "stringValue": "w"}, {"other": 1}, {},
    {"arrayValue": {"values": 5}}, {"arrayValue": {"values": [{"intValue": "1"}, 2]}}, {"boolValue": True},
    {"kvlistValue": {"values": [{"key": "a", "value": {"boolValue": False}}]}}, {"bytesValue": "aa"},
    "gen_ai.usage.input_tokens", "openinference.span.kind", "gen_ai.response.id", "llm.is_streaming", "status",
    "events", "2026-01-01T00:00:00Z", "ERROR", json.dumps(TURNS), json.dumps([{"role": "user", "content": "x"}]),
    "[", "msg_01UUPT9QdZnZSRzcQJkjG25U", "\ud800", -1, 2**70,
]  # fmt: skip


@st.composite
def changed(draw, records):
    """A record with something in it that nobody expects, anywhere."""
    record = deepcopy(draw(st.sampled_from(records)))
    for _ in range(draw(st.integers(0, 4))):
        holder = record
        while True:
            inner = [
                value
                for value in (holder.values() if isinstance(holder, dict) else holder)
                if isinstance(value, (dict, list)) and value
            ]
            if not inner or draw(st.integers(0, 5)) == 0:
                break
            holder = draw(st.sampled_from(inner))
        places = list(holder) if isinstance(holder, dict) else range(len(holder))
        place = draw(st.sampled_from(places))
        match draw(st.sampled_from(["put", "put", "drop", "repeat"])):
            case "put":
                holder[place] = deepcopy(draw(st.sampled_from(ODD) | json_values))
            case "drop" if len(holder) > 1:
                del holder[place]
            case "repeat" if isinstance(holder, list):
                holder.append(deepcopy(holder[place]))
    return record


def alike(lines):
    """Whether the short way stores what the long way stores of these lines."""
    return shard_of([TOLD, *lines], FileReader("f")) == shard_of([TOLD, *lines], Long("f"))


def lines_of(path):
    return [line for line in path.read_bytes().splitlines() if line]


def test_the_sample_log_is_read_in_part_to_the_same_rows():
    lines = lines_of(SAMPLE)

    assert sum(otlp_lean.envelope(line) is not None for line in lines) >= 0.95 * len(lines)
    assert alike(lines)


@pytest.mark.shared
def test_real_spans_are_read_in_part_to_the_same_rows(shared):
    lines = lines_of(shared / REAL)

    assert None not in map(otlp_lean.envelope, lines)
    assert alike(lines)


@settings(max_examples=300, deadline=None)
@given(
    records=st.lists(changed([envelope(span(3), old_span(4)), envelope(span(5))]), min_size=1, max_size=3),
    escaped=st.booleans(),
)
def test_a_changed_envelope_is_read_in_part_to_the_same_rows(records, escaped):
    assert alike([json.dumps(one, ensure_ascii=escaped).encode("utf-8", "surrogatepass") for one in records])


@settings(max_examples=100, deadline=None)
@given(data=st.data())
@pytest.mark.shared
def test_a_changed_real_envelope_is_read_in_part_to_the_same_rows(shared, data):
    real = [json.loads(line) for line in lines_of(shared / REAL)]

    assert alike([json.dumps(data.draw(changed(real))).encode("utf-8", "surrogatepass")])


@pytest.mark.parametrize(
    "line",
    [
        json.dumps(envelope(span(3) | {"traceId": ""})),
        json.dumps(envelope(span(3) | {"spanId": None})),
        json.dumps(envelope(span(3) | {"attributes": [attribute("openinference.span.kind", "LLM")]})),
        json.dumps(envelope(span(3)) | {"more": 1}),
        json.dumps(span(3)),
        json.dumps(envelope(span(3)))[:-1],
    ],
)
def test_what_is_told_by_all_that_is_in_it_is_read_in_full(line):
    assert otlp_lean.envelope(line.encode()) is None


def test_the_line_of_a_rejected_span_is_read_once_more_in_full():
    line = json.dumps(envelope(span(3) | {"attributes": [
        attribute("gen_ai.request.model", "m"), attribute("gen_ai.usage.input_tokens", -1)
    ]})).encode()  # fmt: skip
    reader = FileReader("f")
    reader.feed(1, TOLD)

    assert [one.reason for one in reader.feed(2, line) if isinstance(one, Rejected)] == [
        "gen_ai.usage.input_tokens is negative: -1"
    ]
    assert alike([line])


@pytest.mark.parametrize("turns", [TURNS, TURNS[:1], []])
def test_plain_turns_go_the_short_way(turns):
    raw = json.dumps(turns)

    assert span_turns.plain(raw) is not None
    assert span_text.otel_messages(raw) == span_text.otel_messages(turns)


@pytest.mark.parametrize(
    "turn",
    [
        {"role": "system", "parts": [{"type": "text", "content": "s"}]},
        {"role": "model", "parts": [{"type": "text", "content": "m"}]},
        {"parts": [{"type": "text", "content": "by whom?"}]},
        {"role": "user", "content": "no parts"},
        {"role": "user", "parts": [{"type": "text", "content": ""}]},
        {"role": "user", "parts": [{"type": "text", "content": None, "text": "other"}]},
        {"role": "user", "parts": [{"type": "text", "text": "other"}]},
        {"role": "user", "parts": [{"type": "blob", "modality": "image", "content": "aGk="}]},
        {"role": "assistant", "parts": [{"type": "reasoning", "content": "Hm."}]},
        {
            "role": "assistant",
            "parts": [{"type": "tool_call", "name": "f", "input": {"a": 1}, "arguments": {}}],
        },
        {"role": "assistant", "parts": [{"type": "tool_call", "id": 7, "name": None, "arguments": "{}"}]},
        {"role": "assistant", "parts": [{"type": "tool_call", "name": "f", "arguments": '{"a": 1}'}]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "content": "c", "response": "r"}]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "tool_use_id": "t", "response": "r"}]},
        {
            "role": "tool",
            "parts": [{"type": "tool_call_response", "response": [{"type": "text", "text": "t"}]}],
        },
    ],
)
def test_a_turn_in_other_words_is_read_the_same_from_its_json(turn):
    turns = [*TURNS, turn]

    assert span_text.otel_messages(json.dumps(turns)) == span_text.otel_messages(turns)


@settings(max_examples=300, deadline=None)
@given(turns=changed([TURNS]))
def test_changed_turns_are_read_as_the_long_way_reads_them(turns):
    raw = json.dumps(turns)
    try:
        value = msgspec.json.decode(raw)
    except msgspec.MsgspecError:  # NaN, a lone surrogate
        assert span_turns.plain(raw) is None
    else:
        assert span_text.otel_messages(raw) == span_text.otel_messages(value)


@pytest.mark.shared
def test_turns_of_a_real_span_go_the_short_way(shared):
    told = json.loads((shared / FLAT).read_bytes())

    for name in ("gen_ai.input.messages", "gen_ai.output.messages"):
        assert span_turns.plain(told[name]) is not None
        assert span_text.otel_messages(told[name]) == span_text.otel_messages(json.loads(told[name]))
