"""MLflow: traces as JSON, and its SQLite store."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

from router_audit.adapters import scores, usage
from router_audit.adapters.blocks import as_record, decoded
from router_audit.adapters.clock import between_ms, number, utc
from router_audit.adapters.dialects import counted, logged
from router_audit.adapters.exchange import Exchange, bodies_fields
from router_audit.adapters.guard import guarded
from router_audit.adapters.leaves import Leaves
from router_audit.adapters.messages import parsed
from router_audit.adapters.names import provider_named, text_or_none
from router_audit.adapters.protocol import Each
from router_audit.logfile import sqlite_rows
from router_audit.types import Filtered, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router_audit.adapters.protocol import Reader, Record

_CALLS = {"CHAT_MODEL", "LLM"}
_SPANS = "SELECT trace_id, content FROM spans ORDER BY trace_id"
_METADATA = "SELECT request_id, key, value FROM trace_request_metadata"


class _MLflow:
    """Reads spans of type CHAT_MODEL and LLM, leaves only; assessments are the outcome."""

    source = "mlflow"
    reads = "traces (`to_dict()` JSON) and the SQLite tracking store; assessments as outcome"
    ordered = False

    def detects(self, record: Record) -> bool:
        """A trace with its spans, or the store's tables."""
        if "sqlite" in record:
            return {"trace_info", "spans"} <= set(record.get("tables") or ())
        data = record.get("data")
        return isinstance(record.get("info"), dict) and isinstance(data, dict) and "spans" in data

    def reader(self, file: str) -> Reader:
        """See `Adapter.reader`."""
        return Each(file, _read)


def _read(record: Record, file: str, line: int) -> Iterator[Outcome]:
    if "sqlite" not in record:
        data = as_record(record.get("data"))
        yield from _trace(as_record(record.get("info")), data.get("spans") or [], file, line)
        return
    metadata: dict[str, dict[str, Any]] = {}
    if "trace_request_metadata" in record["tables"]:
        for row in sqlite_rows(record["sqlite"], _METADATA):
            metadata.setdefault(str(row["request_id"]), {})[str(row["key"])] = row["value"]
    leaves = Leaves()
    for index, row in enumerate(sqlite_rows(record["sqlite"], _SPANS), 1):
        info = {"trace_id": row["trace_id"], "trace_metadata": metadata.get(str(row["trace_id"]), {})}
        yield from _span(info, as_record(row["content"]), leaves, file, index)
    yield from leaves.close()


def _trace(info: dict[str, Any], spans: list[Any], file: str, line: int) -> Iterator[Outcome]:
    leaves = Leaves()
    for span in spans:
        yield from _span(info, as_record(span), leaves, file, line)
    yield from leaves.close()
    if not spans:
        yield Filtered("trace without spans")


def _span(
    info: dict[str, Any], span: dict[str, Any], leaves: Leaves, file: str, line: int
) -> Iterator[Outcome]:
    held = {name: parsed(value) for name, value in as_record(span.get("attributes")).items()}
    trace = str(info.get("trace_id") or info.get("request_id") or span.get("trace_id"))
    name, parent = _hex(span.get("span_id")), span.get("parent_span_id") or span.get("parent_id")
    above = _hex(parent) if parent else None
    if str(held.get("mlflow.spanType")) not in _CALLS:
        leaves.link(trace, name, above)
        yield Filtered(f"no model call: {str(held.get('mlflow.spanType'))[:40]}")
        return

    def made() -> Outcome:
        fields = _fields(info, span, held) | {"trace_id": trace, "parent_id": above}
        return logged(fields, source=MLFLOW.source, file=file, line=line, native=("span", trace, name))

    call = guarded(made, span, source=MLFLOW.source, file=file, line=line)
    yield from leaves.hold(trace, name, above, call)


def _hex(value: Any) -> str:
    """Span ids are base64 of their bytes in newer traces."""
    text = str(value)
    try:
        return base64.b64decode(text, validate=True).hex() if text.endswith("=") else text
    except binascii.Error:
        return text


def _fields(info: dict[str, Any], span: dict[str, Any], held: dict[str, Any]) -> dict[str, Any]:
    fields = bodies_fields(
        Exchange(url="", request=held.get("mlflow.spanInputs"), response=held.get("mlflow.spanOutputs"))
    )
    stated = as_record(held.get("mlflow.chat.tokenUsage"))
    if "input_tokens" not in fields and stated:
        fields |= counted(
            usage.inclusive(
                usage.count(stated.get("input_tokens")),
                usage.count(stated.get("output_tokens")),
                cache_read=usage.count(stated.get("cache_read_input_tokens")),
                cache_write=usage.count(stated.get("cache_creation_input_tokens")),
                total=usage.count(stated.get("total_tokens")),
            )
        )
    started, flag = utc(span.get("start_time_unix_nano") or span.get("start_time"))
    ended, _ = utc(span.get("end_time_unix_nano") or span.get("end_time"))
    metadata, tags = (
        as_record(info.get("trace_metadata") or info.get("request_metadata")),
        as_record(info.get("tags")),
    )
    failed = "ERROR" in str(as_record(span.get("status")).get("code") or span.get("status_code"))
    cost = as_record(held.get("mlflow.llm.cost")).get("total_cost")
    own = {name: value for name, value in tags.items() if not name.startswith("mlflow.")}
    asked, served = text_or_none(held.get("model")), text_or_none(held.get("mlflow.llm.model"))
    return fields | {
        "started_at": started or fields.get("started_at"),
        "latency_ms": between_ms(started, ended),
        "provider": provider_named(held.get("mlflow.llm.provider"), held.get("mlflow.message.format")),
        "request_model": asked or fields.get("request_model") or served,
        "response_model": fields.get("response_model") or (served if served != asked else None),
        "logged_cost_usd": str(cost) if number(cost) else None,
        "status": "error" if failed else fields.get("status"),
        "error_type": _exception(span) if failed else fields.get("error_type"),
        "session_id": text_or_none(metadata.get("mlflow.trace.session")),
        "user": text_or_none(metadata.get("mlflow.trace.user")) or fields.get("user"),
        "team": text_or_none(own.pop("team", None)),
        "project": text_or_none(
            as_record(as_record(info.get("trace_location")).get("mlflow_experiment")).get("experiment_id")
        ),
        "tags": [f"{name}:{value}" for name, value in own.items()],
        **scores.from_scores(_assessments(info)),
        "flags": [*fields.get("flags", []), *([flag] if flag else [])],
    }


def _exception(span: dict[str, Any]) -> str:
    events = decoded(span.get("events"))
    kinds = [as_record(as_record(event).get("attributes")).get("exception.type") for event in events or []]
    return next((str(kind) for kind in kinds if kind), "error")


def _assessments(info: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for raw in decoded(info.get("assessments")) or []:
        held = as_record(raw)
        yield (
            str(held.get("assessment_name") or held.get("name")),
            as_record(held.get("feedback")).get("value"),
        )


MLFLOW = _MLflow()
