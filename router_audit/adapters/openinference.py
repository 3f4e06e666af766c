"""OpenInference (Phoenix, Arize): span dumps, table rows, OTLP, bare attributes."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, Any

from router_audit.adapters import scores, usage
from router_audit.adapters.blocks import as_record, decoded
from router_audit.adapters.clock import between_ms, number, utc
from router_audit.adapters.conversation import messages_in, split_system
from router_audit.adapters.dialects import counted, logged, params_in, response_fields, tools_in
from router_audit.adapters.guard import guarded
from router_audit.adapters.leaves import Leaves
from router_audit.adapters.names import provider_named, text_or_none
from router_audit.adapters.spans import Span, dumped_span, otlp_spans
from router_audit.types import Filtered, Message, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from router_audit.adapters.protocol import Record

_KIND = "openinference.span.kind"
_INDEX = re.compile(r"\.(\d+)\.")


class _OpenInference:
    """Reads spans of kind LLM, leaves only."""

    source = "openinference"
    reads = "spans of kind LLM: SDK dumps, Phoenix rows (JSON, CSV, Parquet), OTLP, bare attributes"
    ordered = True

    def detects(self, record: Record) -> bool:
        """The span kind among the attributes, wherever they are kept."""
        attributes = record.get("attributes")
        if isinstance(attributes, dict) and (_KIND in attributes or "openinference" in attributes):
            return True
        if _KIND in record or f"attributes.{_KIND}" in record or "attributes.llm.model_name" in record:
            return True
        if "resourceSpans" not in record:
            return False
        first = next(otlp_spans(record), None)
        return first is not None and _KIND in first.attributes

    def reader(self, file: str) -> Reader:
        """See `Adapter.reader`."""
        return Reader(file)


class Reader:
    """Holds the calls of open traces."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._leaves = Leaves()

    def feed(self, record: Record, line: int) -> Iterable[Outcome]:
        """See `Reader.feed` of the protocol: one outcome per span."""
        for span in otlp_spans(record) if "resourceSpans" in record else [_span(record)]:
            kind = str(span.attributes.get(_KIND) or record.get("span_kind") or "").upper()
            placed = bool(span.trace_id and span.span_id)
            if kind != "LLM":
                if placed:
                    self._leaves.link(str(span.trace_id), str(span.span_id), span.parent_id)
                yield Filtered(f"no model call: {kind[:40] or 'a span of another kind'}")
                continue
            call = guarded(
                partial(self._call, span, record, line),
                span.raw or record,
                source=OPENINFERENCE.source,
                file=self._file,
                line=line,
            )
            if placed:
                yield from self._leaves.hold(str(span.trace_id), str(span.span_id), span.parent_id, call)
            else:
                yield call

    def _call(self, span: Span, record: Record, line: int) -> Outcome:
        placed = bool(span.trace_id and span.span_id)
        native = ("span", span.trace_id, span.span_id) if placed else record
        return logged(
            _fields(span, record), source=OPENINFERENCE.source, file=self._file, line=line, native=native
        )

    def close(self) -> Iterator[Outcome]:
        """See `Reader.close` of the protocol."""
        return self._leaves.close()


def _span(record: Record) -> Span:
    columns = {
        name[len("attributes.") :]: value for name, value in record.items() if name.startswith("attributes.")
    }
    if columns:
        context = {name: record.get(f"context.{name}") for name in ("trace_id", "span_id")}
        record = {**record, "attributes": columns, "context": context}
        record["status"] = {"status_code": record.get("status_code"), "message": record.get("status_message")}
    span = dumped_span(record)
    return Span(
        attributes=dict(_flat(span.attributes)),
        name=span.name,
        trace_id=span.trace_id,
        span_id=span.span_id,
        parent_id=span.parent_id,
        start=span.start,
        end=span.end,
        error=span.error,
        resource=span.resource,
    )


def _flat(held: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Nested attributes by their dotted names; lists of objects by index."""
    if isinstance(held, dict) and held:
        for name, value in held.items():
            yield from _flat(value, f"{path}.{name}" if path else str(name))
    elif isinstance(held, list) and held and isinstance(held[0], dict):
        for index, value in enumerate(held):
            yield from _flat(value, f"{path}.{index}")
    else:
        yield path, held


def _rows(held: dict[str, Any], prefix: str) -> list[dict[str, Any]]:
    """Attributes `prefix.N.rest` as one object per N."""
    rows: dict[int, dict[str, Any]] = {}
    for name, value in held.items():
        if name.startswith(prefix + "."):
            index, _, rest = name[len(prefix) + 1 :].partition(".")
            if index.isdigit() and rest:
                rows.setdefault(int(index), {})[rest] = value
    return [rows[index] for index in sorted(rows)]


def _messages(held: dict[str, Any], prefix: str) -> list[Message]:
    spoken = []
    for row in _rows(held, prefix):
        message = {name.removeprefix("message."): value for name, value in row.items()}
        parts = [_content(part) for part in _rows(message, "contents")]
        calls = [
            {name.removeprefix("tool_call.").removeprefix("function."): value for name, value in call.items()}
            for call in _rows(message, "tool_calls")
        ]
        spoken.append(
            {
                "role": message.get("role"),
                "content": parts or message.get("content"),
                "tool_calls": calls,
                "tool_call_id": message.get("tool_call_id"),
            }
        )
    return messages_in(spoken)


def _content(part: dict[str, Any]) -> dict[str, Any]:
    named = {name.removeprefix("message_content."): value for name, value in part.items()}
    url = named.get("image.image.url") or named.get("image.url")
    return {"type": "image_url", "image_url": url} if url else named


def _fields(span: Span, record: Record) -> dict[str, Any]:
    held = span.attributes
    invocation = as_record(held.get("llm.invocation_parameters"))
    counts = _tokens(held)
    started, flag = utc(span.start)
    asked = _messages(held, "llm.input_messages") or messages_in(
        decoded(held.get("llm.prompts")) or held.get("input.value")
    )
    reply = as_record(held.get("output.value"))
    told = (
        response_fields(reply)
        if reply.keys() & {"choices", "candidates"} or reply.get("object") == "response"
        else {}
    )
    system, conversation = split_system(asked)
    answered = _messages(held, "llm.output_messages")
    served, wanted = text_or_none(held.get("llm.model_name")), text_or_none(invocation.get("model"))
    tags = decoded(held.get("tag.tags"))
    tools = [as_record(row.get("tool.json_schema")) for row in _rows(held, "llm.tools")]
    cost = number(held.get("llm.cost.total"))
    return {
        "response_id": told.get("response_id"),
        "started_at": started,
        "latency_ms": between_ms(started, utc(span.end)[0]),
        "provider": provider_named(held.get("llm.provider"), held.get("llm.system")),
        "request_model": wanted or served,
        "response_model": told.get("response_model") or (served if wanted and served != wanted else None),
        "system": system,
        "messages": conversation,
        "output": answered or told.get("output") or messages_in(held.get("output.value"), "assistant"),
        "tools": tools_in(tools),
        "params": params_in(invocation),
        **counted(counts),
        "logged_cost_usd": str(held["llm.cost.total"]) if cost else None,
        "finish_reason": told.get("finish_reason") or text_or_none(reply.get("finish_reason")),
        "status": "error" if span.error else None,
        "error_type": span.error,
        "session_id": text_or_none(held.get("session.id")),
        "trace_id": span.trace_id,
        "parent_id": span.parent_id,
        "user": text_or_none(held.get("user.id")),
        "project": text_or_none(
            span.resource.get("openinference.project.name") or span.resource.get("service.name")
        ),
        "tags": [str(tag) for tag in tags] if isinstance(tags, list) else [],
        **scores.from_scores(_evaluations(record)),
        "flags": [*counts.flags, *([flag] if flag else [])],
    }


def _evaluations(record: Record) -> Iterator[tuple[str, Any]]:
    """Phoenix puts evaluations into columns `eval.NAME.score` and `eval.NAME.label`, or a list of annotations."""
    for name, value in record.items():
        if name.startswith("eval.") and name.endswith((".label", ".score")):
            yield name.split(".")[1], value
    annotations = record.get("annotations")
    for annotation in annotations if isinstance(annotations, list) else []:
        held = as_record(annotation)
        result = as_record(held.get("result")) or held
        yield str(held.get("name")), result.get("label") or result.get("score")


def _tokens(held: dict[str, Any]) -> usage.Usage:
    def said(name: str) -> int | None:
        return usage.count(held.get(f"llm.token_count.{name}"), name)

    return usage.inclusive(
        said("prompt"),
        said("completion"),
        cache_read=said("prompt_details.cache_read"),
        cache_write=said("prompt_details.cache_write"),
        reasoning=said("completion_details.reasoning"),
        total=said("total"),
    )


OPENINFERENCE = _OpenInference()
