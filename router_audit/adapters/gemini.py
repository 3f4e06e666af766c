"""Gemini and Vertex AI: exchanges, bare replies, batch files, request-response logs from BigQuery."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from router_audit.adapters.blocks import as_record, decoded
from router_audit.adapters.clock import number, utc
from router_audit.adapters.dialects import logged, request_fields
from router_audit.adapters.exchange import Exchange, bodies_fields, fields_of, from_pair
from router_audit.adapters.names import bare_model, region_in, text_or_none
from router_audit.adapters.protocol import Each, identity
from router_audit.types import Filtered, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router_audit.adapters.protocol import Reader, Record

_HOSTS = ("generativelanguage.googleapis.com", "aiplatform.googleapis.com")


class _Gemini:
    """Reads one call a record. A key in a URL is never kept, for no URL is."""

    source = "gemini"
    reads = "Gemini and Vertex exchanges, bare replies, batch requests and results, BigQuery request-response logs"
    ordered = False

    def detects(self, record: Record) -> bool:
        """Google's hosts, Gemini's words for prompt or answer, or the columns of the log table."""
        request, response = record.get("request"), record.get("response")
        if isinstance(request, dict):
            if isinstance(request.get("url"), str):
                return any(host in request["url"] for host in _HOSTS)
            return "contents" in request
        if isinstance(response, dict) and "candidates" in response:
            return True
        if "candidates" in record or ("usageMetadata" in record and "modelVersion" in record):
            return True
        return "full_request" in record or {"request_payload", "api_method"} <= record.keys()

    def reader(self, file: str) -> Reader:
        """See `Adapter.reader`."""
        return Each(file, _read)


def _read(record: Record, file: str, line: int) -> Iterator[Outcome]:
    native: Any = record
    if "full_request" in record or "request_payload" in record:
        fields, native = _table_row(record), ("row", record.get("request_id"))
    elif (exchange := from_pair(record)) is not None:
        found = fields_of(exchange)
        if isinstance(found, Filtered):
            yield found
            return
        fields = found
    elif "request" in record or "response" in record:
        fields = _batch(record)
    else:
        fields = bodies_fields(Exchange(url="", response=record))
        fields["flags"] = [*fields.get("flags", []), "response_only"]
    fields["provider"] = fields.get("provider") or "google"
    for name in ("request_model", "response_model"):
        fields[name] = bare_model(fields.get(name))
    yield logged(fields, source=GEMINI.source, file=file, line=line, native=native)


def _batch(record: Record) -> dict[str, Any]:
    name = text_or_none(record.get("custom_id") or record.get("key"))
    request = as_record(record.get("request"))
    if not record.get("response") and not record.get("error") and not record.get("status"):
        half = {"half": "request", "join_key": _joined(name), "flags": ["request_only"]}
        return {**request_fields(request), "service_tier": "batch", **(half if name else {})}
    fields = bodies_fields(Exchange(url="", request=request, response=record.get("response") or record))
    started, flag = utc(record.get("processed_time"), naive="utc")
    flags = [*fields.get("flags", []), *([flag] if flag else [])]
    failure = text_or_none(record.get("status")) if isinstance(record.get("status"), str) else None
    if failure and not record.get("response"):
        fields |= {"status": "error", "error_type": failure[:200]}
    half = {"half": "response", "join_key": _joined(name)} if name and not request else {}
    return {
        **fields,
        **half,
        "started_at": fields.get("started_at") or started,
        "service_tier": "batch",
        "flags": flags,
    }


def _joined(name: str | None) -> str:
    return identity("gemini_batch", name)


def _table_row(row: Record) -> dict[str, Any]:
    asked = decoded(row.get("full_request")) or _payload(row.get("request_payload"))
    reply = decoded(row.get("full_response")) or _payload(row.get("response_payload"))
    fields = bodies_fields(Exchange(url="", request=asked, response=reply))
    latency = number(as_record(row.get("metadata")).get("request_latency"))
    written, flag = utc(row.get("logging_time"), naive="utc")
    flags = [*fields.get("flags", []), *([flag] if flag else [])]
    if "started_at" not in fields and written is not None:
        # The row is written after the reply.
        fields["started_at"] = written - timedelta(milliseconds=latency or 0)
        flags.append("start_estimated")
    if str(row.get("api_method")).lower().startswith("stream"):
        fields["params"] = {**fields.get("params", {}), "stream": True}
    return {
        **fields,
        "latency_ms": latency,
        "request_model": text_or_none(row.get("model")) or fields.get("request_model"),
        "region": region_in(as_record(asked).get("model")) or region_in(row.get("endpoint")),
        "flags": flags,
    }


def _payload(value: Any) -> Any:
    """One text, or a stream's texts."""
    held = [decoded(text) for text in value] if isinstance(value, list) else decoded(value)
    return held[0] if isinstance(held, list) and len(held) == 1 else held


GEMINI = _Gemini()
