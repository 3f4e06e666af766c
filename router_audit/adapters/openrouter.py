"""OpenRouter: chat pairs, generation metadata and the activity export."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from router_audit.adapters import usage
from router_audit.adapters.blocks import as_record
from router_audit.adapters.clock import number, utc
from router_audit.adapters.dialects import counted, logged
from router_audit.adapters.exchange import Exchange, bodies_fields, collapsed, fields_of, from_pair
from router_audit.adapters.names import text_or_none
from router_audit.adapters.protocol import Each, RecordError
from router_audit.types import Filtered, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router_audit.adapters.protocol import Reader, Record

_DAILY = (
    "OpenRouter's daily activity holds sums, not requests: export the activity per generation, "
    "or log the requests themselves"
)


class _OpenRouter:
    """Reads one call a record. Native token counts are what is billed; the normalised ones are not."""

    source = "openrouter"
    reads = "chat pairs, generation metadata, activity CSV (one row a generation)"
    ordered = False

    def detects(self, record: Record) -> bool:
        """OpenRouter's URL, its generation ids, or the columns of its exports."""
        request = record.get("request")
        if isinstance(request, dict):
            return "openrouter.ai" in str(request.get("url"))
        if str(record.get("id")).startswith("gen-") and (
            "choices" in record or "native_tokens_prompt" in record
        ):
            return True
        data = record.get("data")
        if isinstance(data, dict):
            return "native_tokens_prompt" in data
        if isinstance(data, list):
            return bool(data) and isinstance(data[0], dict) and "model_permaslug" in data[0]
        return "generation_id" in record or _daily(record)

    def reader(self, file: str) -> Reader:
        """See `Adapter.reader`."""
        return Each(file, _read)


def _daily(record: Record) -> bool:
    return {"Date", "Model", "Spend"} <= record.keys() or {
        "date",
        "model_permaslug",
        "requests",
    } <= record.keys()


def _read(record: Record, file: str, line: int) -> Iterator[Outcome]:
    native: Any
    if _daily(record) or isinstance(record.get("data"), list):
        raise RecordError(_DAILY)
    if "generation_id" in record:
        fields, native = _activity(record), ("generation", record["generation_id"])
    elif "native_tokens_prompt" in record or isinstance(record.get("data"), dict):
        data = as_record(record.get("data")) or record
        fields, native = _generation(data), ("generation", data.get("id"))
    else:
        exchange = from_pair(record) or Exchange(url="https://openrouter.ai/", response=record)
        found = fields_of(exchange) if "request" in record else bodies_fields(exchange)
        if isinstance(found, Filtered):
            yield found
            return
        fields, native = _pair(found, exchange), record
    fields["provider"] = "openrouter"
    yield logged(fields, source=OPENROUTER.source, file=file, line=line, native=native)


def _pair(fields: dict[str, Any], exchange: Exchange) -> dict[str, Any]:
    answer = collapsed(exchange.response)
    counts = as_record(answer.get("usage"))
    flags = [*fields.get("flags", []), *(["byok_cost_is_fee"] if counts.get("is_byok") is True else [])]
    return {**fields, "tags": _upstream(answer.get("provider")), "flags": flags}


def _upstream(name: Any) -> list[str]:
    return [f"upstream:{name}"] if isinstance(name, str) and name else []


def _generation(data: dict[str, Any]) -> dict[str, Any]:
    attempts = data.get("provider_responses")
    started, flag = utc(data.get("created_at"), naive="utc")
    cost = data.get("total_cost")
    counts = usage.inclusive(
        usage.count(data.get("native_tokens_prompt")),
        usage.count(data.get("native_tokens_completion")),
        cache_read=usage.count(data.get("native_tokens_cached")),
        reasoning=usage.count(data.get("native_tokens_reasoning")),
    )
    return {
        "response_id": text_or_none(data.get("id")),
        "started_at": started,
        "time_to_first_token_ms": number(data.get("latency")),
        "latency_ms": number(data.get("generation_time")),
        "request_model": text_or_none(data.get("model")),
        "response_model": _permaslug(attempts),
        "params": {"stream": data["streamed"]} if isinstance(data.get("streamed"), bool) else {},
        **counted(counts),
        "logged_cost_usd": repr(cost) if number(cost) is not None else None,
        "finish_reason": text_or_none(data.get("finish_reason"))
        or ("cancelled" if data.get("cancelled") else None),
        "user": text_or_none(data.get("external_user")),
        "project": text_or_none(data.get("app_id")),
        "tags": _upstream(data.get("provider_name")),
        "retry_count": max(0, len(attempts) - 1) if isinstance(attempts, list) else 0,
        "flags": [
            *counts.flags,
            *([flag] if flag else []),
            *(["cancelled"] if data.get("cancelled") else []),
        ],
    }


def _permaslug(attempts: Any) -> str | None:
    last = attempts[-1] if isinstance(attempts, list) and attempts else None
    return text_or_none(as_record(last).get("model_permaslug"))


def _activity(row: dict[str, Any]) -> dict[str, Any]:
    started, flag = utc(row.get("created_at"), naive="utc")
    cancelled = str(row.get("cancelled")).lower() in {"true", "1"}
    streamed = str(row.get("streamed") or "").lower()
    counts = usage.inclusive(
        usage.count(row.get("tokens_prompt")),
        usage.count(row.get("tokens_completion")),
        cache_read=usage.count(row.get("tokens_cached")),
        reasoning=usage.count(row.get("tokens_reasoning")),
    )
    return {
        "response_id": text_or_none(row.get("generation_id")),
        "started_at": started,
        "latency_ms": number(row.get("generation_time_ms")),
        "time_to_first_token_ms": number(row.get("time_to_first_token_ms")),
        "request_model": text_or_none(row.get("model_permaslug")),
        "response_model": text_or_none(row.get("model_permaslug")),
        "params": {"stream": streamed in {"true", "1"}} if streamed else {},
        **counted(counts),
        "logged_cost_usd": str(row["cost_total"]) if number(row.get("cost_total")) is not None else None,
        "finish_reason": text_or_none(row.get("finish_reason_normalized") or row.get("finish_reason_raw")),
        "user": text_or_none(row.get("user")),
        "team": text_or_none(row.get("api_key_name")),
        "project": text_or_none(row.get("app_name")),
        "tags": [
            *_upstream(row.get("provider_name")),
            *([f"variant:{row['variant']}"] if row.get("variant") else []),
        ],
        "flags": [*counts.flags, *([flag] if flag else []), *(["cancelled"] if cancelled else [])],
    }


OPENROUTER = _OpenRouter()
