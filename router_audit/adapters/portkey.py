"""Portkey: its stored log objects and its log exports."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from router_audit.adapters import usage
from router_audit.adapters.blocks import as_record, decoded
from router_audit.adapters.clock import number, utc
from router_audit.adapters.dialects import counted, logged
from router_audit.adapters.exchange import Exchange, bodies_fields, header_map
from router_audit.adapters.names import provider_named, text_or_none
from router_audit.adapters.protocol import Each
from router_audit.adapters.scores import flagged
from router_audit.types import Filtered, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router_audit.adapters.protocol import Reader, Record


class _Portkey:
    """Reads one call a row. Its export states costs in cents."""

    source = "portkey"
    reads = "stored log objects and log exports (JSONL, CSV), costs from cents"
    ordered = False

    def detects(self, record: Record) -> bool:
        """Portkey's headers beside a request, or its unit columns."""
        request = record.get("request")
        if isinstance(request, dict) and "portkeyHeaders" in request:
            return True
        return "ai_model" in record and ("req_units" in record or "ai_org" in record)

    def reader(self, file: str) -> Reader:
        """See `Adapter.reader`."""
        return Each(file, _read)


def _read(record: Record, file: str, line: int) -> Iterator[Outcome]:
    yield _export(record, file, line) if "ai_model" in record else _stored(record, file, line)


def _stored(record: Record, file: str, line: int) -> Outcome:
    request, response = as_record(record.get("request")), as_record(record.get("response"))
    sent, headers = header_map(request.get("portkeyHeaders")), header_map(response.get("headers"))
    if headers.get("x-portkey-cache-status", "").upper() == "HIT":
        return Filtered("answered from Portkey's cache")
    status = response.get("status")
    fields = bodies_fields(
        Exchange(
            url=str(request.get("url") or ""),
            request=request.get("body"),
            response=response.get("body"),
            status=status if isinstance(status, int) else None,
            headers=headers,
        )
    )
    metadata = as_record(sent.get("x-portkey-metadata"))
    fields |= _common(record, fields, metadata) | {
        "latency_ms": number(response.get("responseTime")),
        "provider": provider_named(sent.get("x-portkey-provider"), fields.get("provider")),
        "trace_id": headers.get("x-portkey-trace-id") or sent.get("x-portkey-trace-id"),
        "retry_count": int(number(headers.get("x-portkey-retry-attempt-count")) or 0),
        "project": text_or_none(record.get("organisation_id")),
    }
    return logged(fields, source=PORTKEY.source, file=file, line=line, native=("log", record.get("_id")))


def _export(row: Record, file: str, line: int) -> Outcome:
    if str(row.get("cache_status") or "").upper() == "HIT":
        return Filtered("answered from Portkey's cache")
    code = number(row.get("response_status_code"))
    fields = bodies_fields(
        Exchange(
            url=str(row.get("request_url") or ""),
            request=row.get("request.body") or as_record(row.get("request")).get("body"),
            response=row.get("response.body") or as_record(row.get("response")).get("body"),
            status=None if code is None else int(code),
        )
    )
    if "input_tokens" not in fields and "output_tokens" not in fields:
        fields |= counted(
            usage.inclusive(
                usage.count(row.get("req_units")),
                usage.count(row.get("res_units")),
                total=usage.count(row.get("total_units")),
            )
        )
    keys, values = decoded(row.get("metadata.key")), decoded(row.get("metadata.value"))
    paired = isinstance(keys, list) and isinstance(values, list)
    metadata = dict(zip(keys, values, strict=False)) if paired else as_record(row.get("metadata"))
    fields |= _common(row, fields, metadata) | {
        "latency_ms": number(row.get("response_time")),
        "provider": provider_named(row.get("ai_org"), fields.get("provider")),
        "response_model": fields.get("response_model") or text_or_none(row.get("ai_model")),
        "logged_cost_usd": _dollars(row),
        "trace_id": text_or_none(row.get("trace_id")),
        "retry_count": int(number(row.get("retry_success_count")) or 0),
    }
    if str(row.get("is_success")).lower() in {"false", "0"}:
        fields |= {"status": "error", "error_type": fields.get("error_type") or "failed"}
    return logged(
        fields,
        source=PORTKEY.source,
        file=file,
        line=line,
        native=("export", row["id"]) if row.get("id") else row,
    )


def _common(row: dict[str, Any], fields: dict[str, Any], metadata: dict[str, Any]) -> dict[str, Any]:
    started, flag = utc(row.get("created_at"), naive="utc")
    known = {"_user", "session_id"}
    return {
        "started_at": started or fields.get("started_at"),
        "user": text_or_none(metadata.get("_user")) or fields.get("user"),
        "session_id": text_or_none(metadata.get("session_id")),
        "tags": [f"{name}:{value}" for name, value in metadata.items() if name not in known],
        **flagged(as_record(row.get("feedback")).get("value"), "feedback"),
        "flags": [*fields.get("flags", []), *([flag] if flag else [])],
    }


def _dollars(row: dict[str, Any]) -> str | None:
    if str(row.get("cost_currency") or "USD").upper() != "USD" or not number(row.get("cost")):
        return None
    try:
        return format(Decimal(str(row["cost"])) / 100, "f")
    except InvalidOperation:
        return None


PORTKEY = _Portkey()
