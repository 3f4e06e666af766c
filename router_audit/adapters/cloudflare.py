"""Cloudflare AI Gateway: logs of its API, and Logpush events."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from router_audit.adapters import usage
from router_audit.adapters.blocks import as_record
from router_audit.adapters.clock import number, utc
from router_audit.adapters.dialects import counted, logged
from router_audit.adapters.exchange import Exchange, bodies_fields
from router_audit.adapters.guard import guarded
from router_audit.adapters.names import provider_named, text_or_none
from router_audit.adapters.protocol import Each
from router_audit.adapters.scores import flagged
from router_audit.types import Filtered, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router_audit.adapters.protocol import Reader, Record


class _Cloudflare:
    """Reads one call a row. Encrypted bodies are not decrypted: such a call has no tokens and says so."""

    source = "cloudflare"
    reads = "AI Gateway logs of the API, and Logpush events once decrypted"
    ordered = False

    def detects(self, record: Record) -> bool:
        """The columns of either, or a page of the API."""
        page = record.get("result")
        if isinstance(page, list) and "result_info" in record:
            return bool(page) and isinstance(page[0], dict) and self.detects(page[0])
        if {"tokens_in", "tokens_out", "cached"} <= record.keys():
            return True
        return {"Gateway", "Provider", "ResponseBody"} <= record.keys()

    def reader(self, file: str) -> Reader:
        """See `Adapter.reader`."""
        return Each(file, _read)


def _read(record: Record, file: str, line: int) -> Iterator[Outcome]:
    page = record.get("result")
    for row in page if isinstance(page, list) else [record]:
        read = _event if isinstance(row, dict) and "Gateway" in row else _log
        yield guarded(
            partial(read, as_record(row), file, line),
            row,
            source=CLOUDFLARE.source,
            file=file,
            line=line,
        )


def _log(row: dict[str, Any], file: str, line: int) -> Outcome:
    if row.get("cached") is True:
        return Filtered("answered from Cloudflare's cache")
    if "embedding" in str(row.get("path")):
        return Filtered("not a model call: embeddings")
    status = row.get("status_code")
    code = status if isinstance(status, int) else None
    fields = bodies_fields(
        Exchange(
            url=str(row.get("path") or ""),
            request=row.get("request_head"),
            response=row.get("response_head"),
            status=code,
        )
    )
    if "input_tokens" not in fields:
        fields |= counted(
            usage.inclusive(usage.count(row.get("tokens_in")), usage.count(row.get("tokens_out")))
        )
    started, flag = utc(row.get("created_at"), naive="utc")
    metadata = as_record(row.get("metadata"))
    cut = [name for name in ("request_head_complete", "response_head_complete") if row.get(name) is False]
    failed = row.get("success") is False
    cost = row.get("cost")
    fields |= {
        "started_at": started,
        "latency_ms": number(row.get("duration")),
        "provider": provider_named(row.get("provider")),
        "response_model": fields.get("response_model") or text_or_none(row.get("model")),
        "logged_cost_usd": str(cost) if number(cost) else None,
        "status": "error" if failed else fields.get("status"),
        "error_type": fields.get("error_type") or (str(code) if failed else None),
        "user": text_or_none(metadata.get("user") or metadata.get("user_id")) or fields.get("user"),
        "tags": [f"{name}:{value}" for name, value in metadata.items() if name not in {"user", "user_id"}],
        **flagged(row.get("feedback"), "feedback"),
        "flags": [*fields.get("flags", []), *([flag] if flag else []), *(["truncated"] if cut else [])],
    }
    return logged(fields, source=CLOUDFLARE.source, file=file, line=line, native=("log", row.get("id")))


def _event(row: dict[str, Any], file: str, line: int) -> Outcome:
    if row.get("Cached") is True:
        return Filtered("answered from Cloudflare's cache")
    asked, answered, metadata = (_open(row.get(name)) for name in ("RequestBody", "ResponseBody", "Metadata"))
    locked = any(
        as_record(row.get(name)).get("type") == "encrypted" for name in ("RequestBody", "ResponseBody")
    )
    status = row.get("StatusCode")
    fields = bodies_fields(
        Exchange(
            url=str(row.get("Endpoint") or ""),
            request=asked,
            response=answered,
            status=status if isinstance(status, int) else None,
        )
    )
    fields |= {
        "provider": provider_named(row.get("Provider")),
        "response_model": fields.get("response_model") or text_or_none(row.get("Model")),
        "project": text_or_none(row.get("Gateway")),
        "tags": [f"{name}:{value}" for name, value in as_record(metadata).items()],
        "flags": [*fields.get("flags", []), *(["body_encrypted"] if locked else [])],
    }
    if status == 424:
        fields |= {"status": "error", "error_type": "dlp_blocked"}
    return logged(fields, source=CLOUDFLARE.source, file=file, line=line, native=row)


def _open(value: Any) -> Any:
    held = as_record(value)
    return None if held.get("type") == "encrypted" else held.get("data", value)


CLOUDFLARE = _Cloudflare()
