"""A payload of LiteLLM by the short way is what its adapter reads of it, and most payloads go that way."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router_audit import adapters
from router_audit.adapters import litellm_lean
from router_audit.adapters.reading import FileReader
from tests.conftest import ROOT
from tests.test_ingest_anything import Long, gateway, json_values, shard_of, short_ways

SUPPORT = ROOT / "sample_logs" / "support-gateway" / "litellm-2026-10.jsonl.gz"
READERS = ("litellm", "litellm_lean", "bodies", "messages", "shapes", "usage", "outcome", "protocol")
NAMES = sorted(
    {
        name
        for module in READERS
        for name in re.findall(
            r'"([A-Za-z][\w.]*)"', (Path(adapters.__file__).parent / f"{module}.py").read_text()
        )
    }
)
"""Every name, and every value, that the code which reads a payload knows."""


def real(shared):
    """The payloads that real proxies wrote."""
    folder = shared / "log_samples" / "litellm"
    lines = (folder / "standard_logging_payloads_v1.106.2.jsonl").read_bytes().splitlines()
    whole = json.loads((folder / "standard_logging_payload.json").read_bytes())
    return [*lines, json.dumps(whole).encode()]


def holders(value):
    """Every object and list in the value, itself first."""
    if isinstance(value, (dict, list)):
        yield value
        for inner in value.values() if isinstance(value, dict) else value:
            yield from holders(inner)


def same_both_ways(lines):
    return shard_of(lines, FileReader("f")) == shard_of(lines, Long("f"))


@pytest.mark.shared
def test_every_payload_of_a_real_proxy_goes_the_short_way_to_the_same_row(shared):
    lines = real(shared)

    assert short_ways(lines) == ["litellm"] * 5
    assert same_both_ways(lines)


def test_every_success_of_a_gateways_month_goes_the_short_way_to_the_same_row():
    lines = gzip.decompress(SUPPORT.read_bytes()).splitlines()
    (rows,) = (rows for name, rows in shard_of(lines, Long("f")).items() if "requests" in name)
    usual = {row["line"] for row in rows if row["status"] == "ok" and row["flags"] == "[]"}

    plain = short_ways(lines)

    assert len(usual) > len(lines) * 0.9
    assert {line for line, found in enumerate(plain, 1) if found is not None} == usual
    assert same_both_ways(lines)


values = (
    json_values
    | st.sampled_from(NAMES)
    | st.sampled_from([None, True, False, "", "None", "True", "redacted", {}, [], "{}", 0, 1, -1, 1.0, -0.0])
    | st.integers(-5, 2**40)
    | st.floats(0, 5e9)
)


@st.composite
def altered(draw, payloads):
    """A payload in which some things are gone, added or of another type."""
    record = json.loads(draw(st.sampled_from(payloads)))
    for _ in range(draw(st.integers(1, 3))):
        places = [place for place in holders(record) if place]
        if not places:
            break
        holder = draw(st.sampled_from(places))
        here = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        key = draw(st.sampled_from(here))
        match draw(st.sampled_from(["drop", "retype", "add", "as text", "twice"])):
            case "drop":
                del holder[key]
            case "retype":
                holder[key] = draw(values)
            case "as text":
                holder[key] = json.dumps(holder[key])
            case "add" if isinstance(holder, dict):
                holder[draw(st.sampled_from(NAMES))] = draw(values)
            case "twice" if isinstance(holder, list):
                holder.append(holder[key])
    return record


def held(record):
    """The payload without the price list's entry, in which there is nothing to read."""
    return json.dumps({name: value for name, value in record.items() if name != "model_map_information"})


@pytest.fixture(scope="module")
def payloads(shared):
    month = [json.loads(raw) for raw in gzip.decompress(SUPPORT.read_bytes()).splitlines()[:40]]
    telling = [one for one in month if one["status"] == "success" and one["metadata"]["spend_logs_metadata"]]
    return [held(one) for one in [*map(json.loads, real(shared)), *telling[:3], gateway(1)]]


@pytest.mark.shared
@settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(data=st.data(), escaped=st.booleans())
def test_whatever_is_changed_in_a_real_payload_both_ways_store_the_same(payloads, data, escaped):
    records = data.draw(st.lists(altered(payloads), min_size=1, max_size=8))
    lines = [json.dumps(record, ensure_ascii=escaped).encode("utf-8", "surrogatepass") for record in records]

    assert same_both_ways(lines)


def rich():
    """A plain payload that has every object which the adapter looks into."""
    record = gateway(1)
    call = {"id": "c", "type": "function", "function": {"name": "f", "arguments": '{"a": 1}'}}
    record["messages"] += [
        {"role": "user", "content": [{"type": "text", "text": "u"}]},
        {"role": "assistant", "content": "a", "tool_calls": [call]},
        {"role": "tool", "content": [{"type": "text", "text": "t"}], "tool_call_id": "c"},
        {"role": "system", "content": "s"},
    ]
    (choice,) = record["response"]["choices"]
    choice["message"] |= {"tool_calls": [call], "reasoning_content": "r"}
    record["model_parameters"] |= {"thinking": {"type": "enabled", "budget_tokens": 9}}
    record["metadata"] |= {"spend_logs_metadata": {"resolved": True}, "requester_metadata": {"a": 1}}
    record["prompt_tokens"], record["completion_tokens"] = 100, 50
    record["metadata"]["usage_object"] = {
        "prompt_tokens": 100,
        "prompt_tokens_details": {"cached_tokens": 5, "cache_creation_token_details": {"a": 1}},
        "completion_tokens_details": {"reasoning_tokens": 2},
    }
    return record


def bare():
    """A plain payload without what would be read in place of another field."""
    record = gateway(1)
    for name in ("request_tags", "model_parameters", "trace_id", "model"):
        del record[name]
    record["model_parameters"] = {"n": 1}
    record["metadata"] = {"usage_object": {"prompt_tokens": record["prompt_tokens"]}}
    usage = record["metadata"]["usage_object"]
    usage |= {"prompt_tokens_details": {"a": 1}, "completion_tokens_details": {"a": 1}}
    return record


def barest():
    """The same, without details of the counts."""
    record = bare()
    record["metadata"]["usage_object"] = {"prompt_tokens": record["prompt_tokens"]}
    return record


TELLING = [
    {
        "type": "text", "name": "f", "arguments": "{}", "effort": "low", "data": "d", "model": "m", "text": "t",
        "resolved": False, "cached_tokens": 1, "reasoning_tokens": 1, "ephemeral_1h_input_tokens": 1,
        "budget_tokens": 5, "router_audit": {"profile": "p"},
    },
    [{"type": "text", "name": "f", "text": "t"}],
    "message",
    1,
]  # fmt: skip


@pytest.mark.parametrize("base", [rich, bare, barest])
def test_no_name_that_the_adapter_knows_is_passed_over_where_it_reads_it(base):
    record = base()
    assert short_ways([json.dumps(record).encode()]) != [None]
    lines = []
    for holder in holders(record):
        if isinstance(holder, dict):
            for name in NAMES:
                kept = dict(holder)
                for value in TELLING:
                    holder[name] = value
                    lines.append(json.dumps(record).encode())
                holder.clear()
                holder.update(kept)

    for start in range(0, len(lines), 1000):
        some = lines[start : start + 1000]
        if not same_both_ways(some):
            assert [raw for raw in some if not same_both_ways([raw])] == []


@pytest.mark.parametrize("name", litellm_lean.OTHERS)
@pytest.mark.parametrize("value", [None, {}, "x"])
def test_what_tells_another_format_is_no_payload(name, value):
    raw = json.dumps({**gateway(1), name: value}).encode()

    assert short_ways([raw]) == [None]
    assert same_both_ways([raw])


TOLD = [
    {"requester_metadata": {"router_audit": {"profile": "reasoning", "canary": True}, "resolved": False}},
    {"routing_decision": {"model": "m"}, "spend_logs_metadata": {"router_audit": {"model": "n", "a": 1.0}}},
    {"spend_logs_metadata": {"feedback": {"score": 1}}, "requester_metadata": {"resolved": False}},
    {"spend_logs_metadata": {"outcome": '{"success": true}'}, "attempted_retries": 5000},
    {"spend_logs_metadata": {"score": 0.25}, "attempted_retries": 2, "user_api_key_alias": "None"},
    {"usage_object": None, "attempted_retries": -1, "team_alias": "u", "user_api_key_team_alias": ""},
]


@pytest.mark.parametrize("metadata", TOLD)
def test_what_the_gateway_knows_of_a_call_goes_the_short_way(metadata):
    record = gateway(1)
    record["metadata"] |= metadata
    raw = json.dumps(record).encode()

    assert short_ways([raw]) != [None]
    assert same_both_ways([raw])


TIMES = [
    {"startTime": 1795414076.9999995, "endTime": 1795414077.0000005, "completionStartTime": 1795414077},
    {"startTime": 1795414076993.5, "endTime": "2026-11-23T06:07:58+01:00"},
    {"startTime": "2025-01-24 09:20:46.847371", "endTime": "2025-01-24 09:20:46.851954"},
    {"startTime": "yesterday", "endTime": 3.5e-7},
    {"startTime": 5, "endTime": 4, "completionStartTime": 6},
    {"startTime": None, "endTime": 5e9},
]


@pytest.mark.parametrize("times", TIMES)
def test_times_of_any_kind_go_the_short_way(times):
    raw = json.dumps({**gateway(1), **times}).encode()

    assert short_ways([raw]) != [None]
    assert same_both_ways([raw, json.dumps(gateway(2)).encode()])


@pytest.mark.parametrize("cost", [0, 0.0, -0.0, 1, 1e-12, 5e-324, 12345678.5, 1e9, 1e300, None])
@pytest.mark.parametrize("tokens", [0, 7])
def test_costs_go_the_short_way(cost, tokens):
    record = gateway(1) | {"response_cost": cost, "prompt_tokens": tokens, "completion_tokens": 3}
    record["metadata"]["usage_object"] = {"prompt_tokens": tokens}
    raw = json.dumps(record).encode()

    assert short_ways([raw]) != [None]
    assert same_both_ways([raw])


LEFT = [
    {"cache_hit": True},
    {"cache_hit": "True"},
    {"status": "failure"},
    {"call_type": "aembedding"},
    {"call_type": "aresponses"},
    {"total_tokens": 1},
    {"prompt_tokens": 1.5},
    {"messages": []},
    {"messages": '[{"role": "user", "content": "u"}]'},
    {"response_cost": -1},
    {"model_parameters": {"max_tokens": 5, "max_completion_tokens": 6}},
    {"proxy_server_request": {"body": {"model": "m"}}},
]


@pytest.mark.parametrize("fields", LEFT)
def test_what_is_odd_is_left_to_the_adapter(fields):
    raw = json.dumps({**gateway(1), **fields}).encode()

    assert short_ways([raw]) == [None]
    assert same_both_ways([raw])
