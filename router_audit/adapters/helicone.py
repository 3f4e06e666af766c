"""Helicone: rows of its request API, its export and its ClickHouse table."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from router_audit.adapters import scores, usage
from router_audit.adapters.blocks import as_record
from router_audit.adapters.clock import number, utc
from router_audit.adapters.dialects import counted, logged
from router_audit.adapters.exchange import Exchange, bodies_fields
from router_audit.adapters.guard import guarded
from router_audit.adapters.names import provider_named, text_or_none
from router_audit.adapters.protocol import Each
from router_audit.types import Filtered, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router_audit.adapters.protocol import Reader, Record

_NO_REFERENCE = {"", "00000000-0000-0000-0000-000000000000"}


class _Helicone:
    """Reads one call a row; the reply's own usage comes before the columns, whose treatment of caches changed."""

    source = "helicone"
    reads = (
        "request API pages, exports (JSON, JSONL, CSV) and ClickHouse rows; feedback and scores as outcome"
    )
    ordered = False

    def detects(self, record: Record) -> bool:
        """A request id with Helicone's own columns, alone or in a page."""
        page = record.get("data")
        if isinstance(page, list) and page and isinstance(page[0], dict):
            return self.detects(page[0])
        return "request_id" in record and (
            "request_created_at" in record or {"delay_ms", "request_body"} <= record.keys()
        )

    def reader(self, file: str) -> Reader:
        """See `Adapter.reader`."""
        return Each(file, _read)


def _read(record: Record, file: str, line: int) -> Iterator[Outcome]:
    page = record.get("data")
    for row in page if isinstance(page, list) else [record]:
        yield guarded(
            partial(_call, as_record(row), file, line),
            row,
            source=HELICONE.source,
            file=file,
            line=line,
        )


def _call(row: dict[str, Any], file: str, line: int) -> Outcome:
    url = text_or_none(row.get("target_url")) or text_or_none(row.get("request_path")) or ""
    if "/embeddings" in url or "/moderations" in url:
        return Filtered("not a model call: embeddings or moderation")
    if str(row.get("cache_reference_id") or "") not in _NO_REFERENCE:
        return Filtered("answered from Helicone's cache")
    status = number(row.get("response_status") or row.get("status"))
    code = None if status is None else int(status)
    fields = bodies_fields(
        Exchange(url=url, request=row.get("request_body"), response=row.get("response_body"), status=code)
    )
    if "input_tokens" not in fields and "output_tokens" not in fields:
        fields |= counted(_columns(row))
    properties = as_record(row.get("request_properties") or row.get("properties"))
    started, flag = utc(row.get("request_created_at"), naive="utc")
    cost = next((row[key] for key in ("cost", "costUSD", "cost_usd") if number(row.get(key))), None)
    feedback = as_record(row.get("feedback"))
    given = as_record(row.get("scores")) or as_record(row.get("request_scores"))
    failed = (code is not None and (code >= 400 or code < 0)) or str(row.get("status") or "").startswith("-")
    fields |= {
        "started_at": started,
        "latency_ms": next(
            (number(row[key]) for key in ("delay_ms", "latency", "latency_ms") if row.get(key)), None
        ),
        "time_to_first_token_ms": number(row.get("time_to_first_token")) or None,
        "provider": provider_named(row.get("provider"), fields.get("provider")),
        "request_model": text_or_none(row.get("request_model")) or fields.get("request_model"),
        "response_model": text_or_none(row.get("response_model") or row.get("model"))
        or fields.get("response_model"),
        "logged_cost_usd": None if cost is None else str(cost),
        "status": "error" if failed else fields.get("status"),
        "error_type": fields.get("error_type") or (str(code) if failed else None),
        "session_id": text_or_none(properties.get("Helicone-Session-Id")),
        "user": text_or_none(row.get("helicone_user") or row.get("request_user_id") or row.get("user_id"))
        or fields.get("user"),
        "project": text_or_none(row.get("organization_id")),
        "tags": [
            f"{name}:{value}" for name, value in properties.items() if not name.startswith("Helicone-Session")
        ],
        **(scores.flagged(feedback.get("rating"), "feedback") or scores.from_scores(given.items())),
        "flags": [*fields.get("flags", []), *([flag] if flag else [])],
    }
    return logged(
        fields, source=HELICONE.source, file=file, line=line, native=("request", row.get("request_id"))
    )


def _columns(row: dict[str, Any]) -> usage.Usage:
    return usage.inclusive(
        usage.count(row.get("prompt_tokens")),
        usage.count(row.get("completion_tokens")),
        cache_read=usage.count(row.get("prompt_cache_read_tokens")),
        cache_write=usage.count(row.get("prompt_cache_write_tokens")),
        reasoning=usage.count(row.get("reasoning_tokens")),
        total=usage.count(row.get("total_tokens")),
    )


HELICONE = _Helicone()
