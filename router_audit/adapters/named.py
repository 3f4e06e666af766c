"""A record under our own field names, read: what `own` records are and what any mapping of fields leads to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from router_audit.adapters import usage
from router_audit.adapters.blocks import as_record, decoded
from router_audit.adapters.clock import number, utc
from router_audit.adapters.conversation import messages_in, split_system
from router_audit.adapters.dialects import counted, params_in, tools_in
from router_audit.adapters.dialects import response_format as shaped
from router_audit.adapters.names import text_or_none
from router_audit.adapters.protocol import RecordError
from router_audit.adapters.scores import verdict

if TYPE_CHECKING:
    from router_audit.adapters.protocol import Record

TEXTS = ("response_id", "provider", "request_model", "response_model", "region", "service_tier", "error_type",
         "finish_reason", "session_id", "trace_id", "parent_id", "user", "team", "project", "outcome_origin",
         "join_key")  # fmt: skip
COUNTS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens", "cache_write_1h_tokens",
          "reasoning_tokens")  # fmt: skip
NUMBERS = ("latency_ms", "time_to_first_token_ms", "outcome_score")
OTHERS = ("request_id", "started_at", "system", "messages", "prompt", "output", "tools", "response_format", "params",
          "usage", "logged_cost_usd", "status", "tags", "retry_count", "resolved", "routing", "half")  # fmt: skip
FIELDS = frozenset({*TEXTS, *COUNTS, *NUMBERS, *OTHERS})
"""Every field a record of ours may have, and `--map` may fill."""


def fields_of(record: Record) -> dict[str, Any]:
    """The fields a record of ours states; raises RecordError where a number is none."""
    fields: dict[str, Any] = {name: text_or_none(record.get(name)) for name in TEXTS}
    fields["request_model"] = fields["request_model"] or text_or_none(record.get("model"))
    fields |= {name: number(record.get(name)) for name in NUMBERS}
    counts = usage.any_dialect(as_record(record.get("usage")))
    fields |= counted(counts) | {
        name: usage.count(record[name], name) for name in COUNTS if record.get(name) not in (None, "")
    }
    started, flag = utc(record.get("started_at") or record.get("timestamp"))
    system, conversation = split_system(messages_in(record.get("messages") or record.get("prompt")))
    status = str(record.get("status") or "").lower()
    if status not in {"", "ok", "error", "success", "failure"}:
        raise RecordError(f"status is neither ok nor error: {status[:40]!r}")
    failed = status in {"error", "failure"} or bool(record.get("error_type"))
    settings, tags = decoded(record.get("params")), decoded(record.get("tags"))
    cost = record.get("logged_cost_usd")
    return fields | {
        "started_at": started,
        "system": text_or_none(record.get("system")) or system,
        "messages": conversation,
        "output": messages_in(record.get("output"), "assistant"),
        "tools": tools_in(record.get("tools")),
        "response_format": _format(record),
        "params": {**params_in(record), **(settings if isinstance(settings, dict) else {})},
        "logged_cost_usd": str(cost) if number(cost) is not None else None,
        "status": "error" if failed else None,
        "tags": [str(tag) for tag in tags]
        if isinstance(tags, list)
        else [tags]
        if isinstance(tags, str) and tags
        else [],
        "retry_count": int(number(record.get("retry_count")) or 0) or None,
        "resolved": verdict(record.get("resolved")),
        "outcome_origin": fields["outcome_origin"]
        or ("flag" if verdict(record.get("resolved")) is not None else None),
        "routing": as_record(record.get("routing")),
        "half": record["half"] if str(record.get("half")) in {"request", "response"} else None,
        "flags": [*counts.flags, *([flag] if flag else [])],
    }


def _format(record: Record) -> dict[str, Any] | None:
    stated = as_record(record.get("response_format"))
    if str(stated.get("type")) in {"json_object", "json_schema"} and "schema" in stated:
        return stated
    return shaped([record])
