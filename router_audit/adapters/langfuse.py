"""Langfuse: what its UI downloads, its API pages, its exports write, and what its SDKs send."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from router_audit.adapters import scores, usage_map
from router_audit.adapters.blocks import as_record, decoded
from router_audit.adapters.clock import between_ms, number, utc
from router_audit.adapters.conversation import messages_in, split_system
from router_audit.adapters.dialects import counted, logged, params_in, response_fields, tools_in
from router_audit.adapters.guard import guarded
from router_audit.adapters.leaves import Leaves
from router_audit.adapters.names import bare_model, provider_in_model, provider_named, region_in, text_or_none
from router_audit.types import Filtered, Merged, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from router_audit.adapters.protocol import Record

_SNAKE = re.compile(r"(?<=[a-z0-9])([A-Z])")


class _Langfuse:
    """Reads observations of type GENERATION, leaves only; scores of the observation or its trace are the outcome."""

    source = "langfuse"
    reads = "UI downloads, API pages, export rows (JSON, CSV, Parquet) and ingestion batches"
    ordered = True

    def detects(self, record: Record) -> bool:
        """A trace with observations, a batch of `*-create` events, or a single observation."""
        if "observations" in record and ("trace" in record or "userId" in record or "scores" in record):
            return True
        batch = record.get("batch")
        if isinstance(batch, list):
            return any(isinstance(event, dict) and "-create" in str(event.get("type")) for event in batch[:5])
        page = record.get("data")
        if isinstance(page, list) and "meta" in record:
            return bool(page) and isinstance(page[0], dict) and self.detects(page[0])
        return _is_observation(record)

    def reader(self, file: str) -> Reader:
        """See `Adapter.reader`."""
        return Reader(file)


def _is_observation(record: Record) -> bool:
    if "usage_details" in record or "provided_model_name" in record:
        return True
    return (
        "traceId" in record and "type" in record and ("usageDetails" in record or "modelParameters" in record)
    )


class Reader:
    """Holds the calls of open traces, for a parent repeats the usage of its children."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._leaves = Leaves()

    def feed(self, record: Record, line: int) -> Iterable[Outcome]:
        """See `Reader.feed` of the protocol: one outcome per observation or event."""
        if isinstance(record.get("batch"), list):
            yield from self._batch(record["batch"], line)
        elif isinstance(record.get("data"), list) and "meta" in record:
            for row in record["data"]:
                yield from self.feed(row if isinstance(row, dict) else {}, line)
        elif isinstance(record.get("observations"), list):
            trace = as_record(record.get("trace")) or record
            rows = [row for row in record["observations"] if isinstance(row, dict)]
            for row in rows:
                yield from self._observation(row, trace, line)
            if not rows:
                yield Filtered("trace without observations")
        elif _is_observation(record):
            yield from self._observation(record, record, line)
        else:
            yield Filtered("no observation")

    def close(self) -> Iterator[Outcome]:
        """See `Reader.close` of the protocol."""
        return self._leaves.close()

    def _batch(self, events: list[Any], line: int) -> Iterator[Outcome]:
        bodies: dict[str, dict[str, Any]] = {}
        traces: dict[str, dict[str, Any]] = {}
        for event in events:
            kind, body = str(as_record(event).get("type")), as_record(as_record(event).get("body"))
            trace = str(body.get("traceId") or body.get("id"))
            if kind == "score-create":
                traces.setdefault(trace, {}).setdefault("scores", []).append(body)
                yield Filtered("score, joined to its trace")
            elif kind.startswith("trace-"):
                traces.setdefault(trace, {}).update(body)
                yield Filtered("trace, joined to its calls")
            elif kind.startswith("generation-") or body.get("type") == "GENERATION":
                if str(body.get("id")) in bodies:
                    yield Merged()
                bodies.setdefault(str(body.get("id")), {"type": "GENERATION"}).update(body)
            else:
                yield Filtered(f"no model call: {kind[:40]}")
        for body in bodies.values():
            yield from self._observation(body, traces.get(str(body.get("traceId")), {}), line)

    def _observation(self, raw: dict[str, Any], trace: dict[str, Any], line: int) -> Iterator[Outcome]:
        row = {_SNAKE.sub(r"_\1", name).lower(): value for name, value in raw.items()}
        place = (
            str(row.get("trace_id") or row.get("id")),
            str(row.get("id")),
            text_or_none(row.get("parent_observation_id")),
        )
        if str(row.get("type") or "GENERATION") != "GENERATION":
            self._leaves.link(*place)
            yield Filtered(f"no model call: {str(row['type'])[:40]}")
            return

        def made() -> Outcome:
            fields = {**_call(row), **_context(row, trace)}
            native = ("observation", place[1])
            return logged(fields, source=LANGFUSE.source, file=self._file, line=line, native=native)

        call = guarded(made, raw, source=LANGFUSE.source, file=self._file, line=line)
        yield from self._leaves.hold(*place, call)


def _call(row: dict[str, Any]) -> dict[str, Any]:
    metadata = as_record(row.get("metadata"))
    attributes = as_record(metadata.get("attributes"))
    settings = as_record(row.get("model_parameters"))
    asked, offered = _asked(row.get("input"))
    answer = decoded(row.get("output"))
    told = response_fields(answer) if isinstance(answer, dict) and _is_reply(answer) else {}
    if told and "instructions" in as_record(answer):
        asked = {"instructions": as_record(answer)["instructions"], "input": asked}
    system, conversation = split_system(messages_in(asked))
    started, flag = utc(row.get("start_time"), naive="utc")
    first = number(row.get("time_to_first_token"))
    counts, spoke, ended = usage_map.tokens(row), row.get("completion_start_time"), row.get("end_time")
    name = bare_model(row.get("model") or row.get("provided_model_name"))
    wanted = bare_model(
        attributes.get("gen_ai.request.model")
        or attributes.get("ai.model.id")
        or metadata.get("ls_model_name")
        or settings.get("model")
        or name
    )
    served = (
        attributes.get("gen_ai.response.model")
        or attributes.get("ai.response.model")
        or told.get("response_model")
    )
    reasons = decoded(attributes.get("gen_ai.response.finish_reasons"))
    return {
        "response_id": text_or_none(attributes.get("gen_ai.response.id")) or told.get("response_id") or _litellm(row),
        "started_at": started,
        "latency_ms": between_ms(started, utc(ended, naive="utc")[0]),
        "time_to_first_token_ms": first * 1e3
        if first
        else between_ms(started, utc(spoke, naive="utc")[0] if spoke != ended else None),
        "provider": provider_named(
            attributes.get("gen_ai.provider.name"), attributes.get("gen_ai.system"), attributes.get("llm.provider"),
            attributes.get("llm.system"), attributes.get("ai.model.provider"), metadata.get("ls_provider"),
            provider_in_model(row.get("model")),
        ),
        "request_model": wanted,
        "response_model": bare_model(served) or (name if name != wanted else None),
        "region": region_in(row.get("model")) or text_or_none(settings.get("aws_region")),
        "system": system,
        "messages": conversation,
        "output": told.get("output") or messages_in(answer, "assistant"),
        "tools": _tools(row.get("tool_definitions"), offered, metadata.get("tools"), as_record(answer).get("tools")),
        "params": params_in(settings),
        "finish_reason": told.get("finish_reason")
        or text_or_none(settings.get("finishReason"))
        or (text_or_none(reasons[0]) if isinstance(reasons, list) and reasons else None),
        **counted(counts),
        "logged_cost_usd": _cost(row),
        "flags": [*counts.flags, *([flag] if flag else [])],
    }  # fmt: skip


def _litellm(row: dict[str, Any]) -> str | None:
    """LiteLLM names its observations `time-HH-MM-SS-µs_<response id>`."""
    name = str(row.get("id"))
    return name.partition("_")[2] or None if name.startswith("time-") else None


def _is_reply(answer: dict[str, Any]) -> bool:
    return bool(answer.keys() & {"choices", "candidates"}) or answer.get("object") == "response"


def _asked(value: Any) -> tuple[Any, Any]:
    """The conversation, and the tool definitions that the LangChain handler writes among its messages."""
    value = decoded(value)
    if not isinstance(value, list):
        return value, as_record(value).get("tools")
    definitions = [message["content"] for message in value if _defines_tool(message)]
    return [message for message in value if not _defines_tool(message)], definitions


def _defines_tool(message: Any) -> bool:
    content = message.get("content") if isinstance(message, dict) and message.get("role") == "tool" else None
    return isinstance(content, dict) and content.get("type") == "function"


def _tools(*held: Any) -> list[dict[str, Any]]:
    for stated in map(decoded, held):
        named = isinstance(stated, dict) and "name" not in stated
        rows = [{"name": name, **as_record(value)} for name, value in stated.items()] if named else stated
        if found := tools_in(rows):
            return found
    return []


def _cost(row: dict[str, Any]) -> str | None:
    stated = number(row.get("total_cost")) or number(as_record(row.get("cost_details")).get("total"))
    stated = stated or number(as_record(row.get("usage")).get("totalCost"))
    return repr(stated) if stated else None


def _context(row: dict[str, Any], trace: dict[str, Any]) -> dict[str, Any]:
    owner = {_SNAKE.sub(r"_\1", name).lower(): value for name, value in trace.items()}
    tags = decoded(owner.get("tags"))
    named = [f"prompt:{row['prompt_name']}"] if row.get("prompt_name") else []
    failed = str(row.get("level")).upper() == "ERROR"
    held = decoded(owner.get("scores"))
    given = [score for score in held if isinstance(score, dict)] if isinstance(held, list) else []
    own = [score for score in given if score.get("observationId") == row.get("id")]
    shared = [score for score in given if not score.get("observationId")]
    return {
        "trace_id": text_or_none(row.get("trace_id")),
        "parent_id": text_or_none(row.get("parent_observation_id")),
        "session_id": text_or_none(owner.get("session_id")),
        "user": text_or_none(owner.get("user_id")),
        "project": text_or_none(owner.get("project_id")),
        "tags": [*(tag for tag in tags if isinstance(tag, str)), *named] if isinstance(tags, list) else named,
        "status": "error" if failed else None,
        "error_type": (text_or_none(row.get("status_message")) or "error")[:200] if failed else None,
        **scores.from_scores((str(score.get("name")), _value(score)) for score in own or shared),
    }


def _value(score: dict[str, Any]) -> Any:
    if score.get("dataType") == "BOOLEAN" and score.get("value") is not None:
        return bool(score["value"])
    return score["value"] if score.get("value") is not None else score.get("stringValue")


LANGFUSE = _Langfuse()
