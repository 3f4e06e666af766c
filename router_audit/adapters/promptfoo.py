"""promptfoo: evaluation results, the readiest source of outcomes."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from router_audit.adapters import usage
from router_audit.adapters.blocks import as_record
from router_audit.adapters.clock import number, utc
from router_audit.adapters.conversation import messages_in, split_system
from router_audit.adapters.dialects import counted, logged, params_in, response_format, tools_in
from router_audit.adapters.guard import guarded
from router_audit.adapters.names import provider_named, text_or_none
from router_audit.adapters.protocol import Each
from router_audit.types import Filtered, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router_audit.adapters.protocol import Reader, Record

_ENDPOINTS = {"chat", "completion", "messages", "responses", "assistant", "converse", "text", "realtime"}
_CALL_FAILED = 2
"""`failureReason`: 0 none, 1 an assertion, 2 the call itself."""


class _Promptfoo:
    """Reads one call per result; what its judges spent is not the call's."""

    source = "promptfoo"
    reads = "evaluation output (JSON, JSONL); success and score as outcome"
    ordered = False

    def detects(self, record: Record) -> bool:
        """An evaluation with its results, or one result."""
        results = record.get("results")
        if isinstance(results, dict) and isinstance(results.get("results"), list):
            return True
        return {"promptIdx", "testIdx", "response"} <= record.keys() or {
            "gradingResult",
            "latencyMs",
        } <= record.keys()

    def reader(self, file: str) -> Reader:
        """See `Adapter.reader`."""
        return Each(file, _read)


def _read(record: Record, file: str, line: int) -> Iterator[Outcome]:
    results = as_record(record.get("results"))
    if not results:
        yield _result(record, {}, file, line)
        return
    held = {"evaluation": record.get("evalId"), "timestamp": results.get("timestamp")}
    for index, row in enumerate(results["results"], 1):
        yield guarded(
            partial(_result, as_record(row), held, file, index),
            row,
            source=PROMPTFOO.source,
            file=file,
            line=index,
        )


def _result(row: dict[str, Any], held: dict[str, Any], file: str, line: int) -> Outcome:
    response = as_record(row.get("response"))
    if response.get("cached") is True:
        return Filtered("answered from promptfoo's cache")
    provider, model = _model(as_record(row.get("provider")).get("id") or row.get("provider"))
    prompt = as_record(row.get("prompt"))
    settings = as_record(prompt.get("config"))
    counts = _tokens(as_record(response.get("tokenUsage")))
    started, flag = utc(held.get("timestamp"), naive="utc")
    system, conversation = split_system(messages_in(prompt.get("raw") or row.get("prompt")))
    failed = row.get("failureReason") == _CALL_FAILED or (
        bool(row.get("error")) and not response.get("output")
    )
    success, score = row.get("success"), number(row.get("score"))
    fields = {
        "started_at": started,
        "latency_ms": number(row.get("latencyMs")),
        "provider": provider,
        "request_model": model,
        "system": system,
        "messages": conversation,
        "output": messages_in(response.get("output"), "assistant"),
        "tools": tools_in(settings.get("tools")),
        "response_format": response_format([settings]),
        "params": params_in(settings),
        **counted(counts),
        "logged_cost_usd": repr(row["cost"]) if number(row.get("cost")) else None,
        "status": "error" if failed else None,
        "error_type": str(row.get("error") or "error")[:200] if failed else None,
        "finish_reason": text_or_none(response.get("finishReason")),
        "trace_id": text_or_none(held.get("evaluation")),
        "resolved": success if isinstance(success, bool) else None,
        "outcome_origin": "flag" if isinstance(success, bool) else None,
        "outcome_score": score,
        "flags": [*counts.flags, *([flag] if flag else []), *(["start_of_evaluation"] if started else [])],
    }
    known = row.get("id") or (row.get("promptIdx"), row.get("testIdx"), line)
    native = ("result", held.get("evaluation"), known) if held.get("evaluation") or row.get("id") else row
    return logged(fields, source=PROMPTFOO.source, file=file, line=line, native=native)


def _model(identifier: Any) -> tuple[str | None, str | None]:
    """`openai:chat:gpt-4o` to provider and model."""
    if not isinstance(identifier, str):
        return None, None
    provider, _, rest = identifier.partition(":")
    endpoint, _, model = rest.partition(":")
    return provider_named(provider), (model if endpoint in _ENDPOINTS and model else rest) or None


def _tokens(raw: dict[str, Any]) -> usage.Usage:
    return usage.inclusive(
        usage.count(raw.get("prompt")),
        usage.count(raw.get("completion")),
        reasoning=usage.count(as_record(raw.get("completionDetails")).get("reasoning")),
        total=usage.count(raw.get("total")),
    )


PROMPTFOO = _Promptfoo()
