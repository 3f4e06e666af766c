"""Braintrust: log and experiment rows, of which later ones (`_is_merge`) complete earlier ones."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from router_audit.adapters import scores, usage
from router_audit.adapters.blocks import as_record, decoded
from router_audit.adapters.clock import between_ms, number, utc
from router_audit.adapters.conversation import messages_in, split_system
from router_audit.adapters.dialects import (
    counted,
    finish_reason,
    logged,
    offered,
    params_in,
    response_format,
    tools_in,
)
from router_audit.adapters.guard import guarded
from router_audit.adapters.leaves import OPEN_TRACES
from router_audit.adapters.names import provider_named, text_or_none
from router_audit.types import Filtered, Merged, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from router_audit.adapters.protocol import Record

_Row = tuple[dict[str, Any], int]


class _Braintrust:
    """Reads rows of type `llm`; scores are the outcome. An experiment row without one stands for its call."""

    source = "braintrust"
    reads = "log and experiment rows (JSON, Parquet), patches merged; scores as outcome"
    ordered = True

    def detects(self, record: Record) -> bool:
        """Span attributes with a root span, or the SDK's short row."""
        if "root_span_id" in record and ("span_attributes" in record or "_is_merge" in record):
            return True
        return (
            isinstance(record.get("metrics"), dict)
            and "metadata" in record
            and {"name", "type"} <= record.keys()
        )

    def reader(self, file: str) -> Reader:
        """See `Adapter.reader`."""
        return Reader(file)


class Reader:
    """Holds the rows of open traces until their patches have come."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._open: OrderedDict[str, dict[str, _Row]] = OrderedDict()

    def feed(self, record: Record, line: int) -> Iterable[Outcome]:
        """See `Reader.feed` of the protocol."""
        identifier = text_or_none(record.get("id"))
        if identifier is None:
            yield self._outcome(record, line, alone=False)
            return
        trace = str(record.get("root_span_id") or identifier)
        rows = self._open.setdefault(trace, {})
        self._open.move_to_end(trace)
        known = rows.get(identifier)
        if known is not None:
            rows[identifier] = (_deep(known[0], record), known[1])
            yield Merged()
        else:
            rows[identifier] = (record, line)
        if len(self._open) > OPEN_TRACES:
            yield from self._settle(self._open.popitem(last=False)[1])

    def close(self) -> Iterator[Outcome]:
        """See `Reader.close` of the protocol."""
        while self._open:
            yield from self._settle(self._open.popitem(last=False)[1])

    def _settle(self, rows: dict[str, _Row]) -> Iterator[Outcome]:
        above = {parent for row, _ in rows.values() if _kind(row) == "llm" for parent in _parents(row)}
        alone = not any(_kind(row) == "llm" for row, _ in rows.values())
        for row, line in rows.values():
            if _kind(row) == "llm" and str(row.get("span_id")) in above:
                yield Merged()
            else:
                yield self._outcome(row, line, alone=alone)

    def _outcome(self, row: dict[str, Any], line: int, *, alone: bool) -> Outcome:
        experiment = alone and bool(row.get("scores")) and row.get("span_id") == row.get("root_span_id")
        if _kind(row) != "llm" and not experiment:
            return Filtered(f"no model call: {str(_kind(row))[:40]}")

        def made() -> Outcome:
            fields = _call(row, experiment=experiment)
            native = ("row", row["id"]) if _said(row.get("id")) else row
            return logged(fields, source=BRAINTRUST.source, file=self._file, line=line, native=native)

        return guarded(made, row, source=BRAINTRUST.source, file=self._file, line=line)


def _kind(row: dict[str, Any]) -> Any:
    return row.get("type") or as_record(row.get("span_attributes")).get("type")


def _parents(row: dict[str, Any]) -> list[str]:
    held = decoded(row.get("span_parents"))
    return [str(parent) for parent in held] if isinstance(held, list) else []


def _deep(old: dict[str, Any], new: dict[str, Any]) -> dict[str, Any]:
    merged = dict(old)
    for name, value in new.items():
        before = merged.get(name)
        merged[name] = _deep(before, value) if isinstance(before, dict) and isinstance(value, dict) else value
    return merged


def _said(value: Any) -> Any:
    """The value, unless it is a snapshot's placeholder such as `<number>`."""
    return None if isinstance(value, str) and value.startswith("<") and value.endswith(">") else value


def _call(row: dict[str, Any], *, experiment: bool) -> dict[str, Any]:
    metadata, metrics = as_record(row.get("metadata")), as_record(row.get("metrics"))
    asked, answer = decoded(row.get("input")), decoded(row.get("output"))
    body = asked if isinstance(asked, dict) else {}
    reply = answer if isinstance(answer, dict) else {}
    settings = as_record(metadata.get("invocation_params")) or metadata
    counts = _tokens({name: _said(value) for name, value in metrics.items()})
    started, flag = utc(_said(metrics.get("start")) or _said(row.get("created")), naive="utc")
    first = number(_said(metrics.get("time_to_first_token")))
    system, conversation = split_system(messages_in(asked))
    served = text_or_none(reply.get("model")) or text_or_none(reply.get("modelVersion"))
    wanted = text_or_none(body.get("model")) or text_or_none(settings.get("model"))
    error = row.get("error")
    scored = scores.from_scores(as_record(row.get("scores")).items())
    if error and not scored:
        scored = {"resolved": False, "outcome_origin": "error"}
    cost = number(_said(metrics.get("estimated_cost")))
    return {
        "response_id": text_or_none(_said(reply.get("id") or reply.get("responseId"))),
        "started_at": started,
        "latency_ms": between_ms(started, utc(_said(metrics.get("end")))[0]),
        "time_to_first_token_ms": first * 1e3 if first else None,
        "provider": provider_named(metadata.get("provider"), "google" if "candidates" in reply else None),
        "request_model": wanted,
        "response_model": served or _served(metadata, wanted),
        "system": system,
        "messages": conversation,
        "output": messages_in({k: v for k, v in reply.items() if k != "text"} or answer, "assistant"),
        "tools": tools_in(offered(body) or offered(as_record(body.get("config"))) or offered(settings)),
        "response_format": response_format([body, as_record(body.get("config")), settings]),
        "params": {**params_in(settings), **params_in(body)},
        "finish_reason": _said(finish_reason(reply)) or finish_reason(_first_choice(answer)),
        **counted(counts),
        "logged_cost_usd": repr(cost) if cost else None,
        "status": "error" if error and not experiment else None,
        "error_type": str(error).splitlines()[0][:200] if error and not experiment else None,
        "trace_id": text_or_none(row.get("root_span_id")),
        "parent_id": next(iter(_parents(row)), None),
        "session_id": text_or_none(metadata.get("session_id") or metadata.get("thread_id")),
        "user": text_or_none(metadata.get("user_id")),
        "project": text_or_none(_said(row.get("project_id") or row.get("experiment_id"))),
        "tags": [tag for tag in decoded(row.get("tags")) or [] if isinstance(tag, str)],
        **scored,
        "flags": [*counts.flags, *([flag] if flag else []), *(["no_llm_span"] if experiment else [])],
    }


def _served(metadata: dict[str, Any], wanted: str | None) -> str | None:
    """The SDK puts the served model over the asked one once the answer is there."""
    stated = text_or_none(metadata.get("model"))
    return stated if stated != wanted else None


def _first_choice(answer: Any) -> dict[str, Any]:
    held = answer[0] if isinstance(answer, list) and answer else answer
    generations = as_record(held).get("generations")
    while isinstance(generations, list) and generations:
        generations = generations[0]
    info = as_record(as_record(generations).get("generationInfo"))
    return info or as_record(held)


def _tokens(metrics: dict[str, Any]) -> usage.Usage:
    return usage.inclusive(
        usage.count(metrics.get("prompt_tokens")),
        usage.count(metrics.get("completion_tokens")),
        cache_read=usage.count(metrics.get("prompt_cached_tokens")),
        cache_write=usage.count(metrics.get("prompt_cache_creation_tokens")),
        reasoning=usage.count(metrics.get("completion_reasoning_tokens")),
        total=usage.count(metrics.get("tokens") or metrics.get("total_tokens")),
    )


BRAINTRUST = _Braintrust()
