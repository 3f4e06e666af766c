"""A stored request as it was sent, so that another model can be asked the same; and what was answered then."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import msgspec

from router_audit.types.ask import Ask
from router_audit.types.grading import Reply

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router_audit.types.ask import Answer

LEAST_TOKENS = 1024
MOST_TOKENS = 32_000
_REFUSED = {"refusal", "content_filter", "safety", "prohibited_content", "guardrail_intervened"}
_CUT = {"length", "max_tokens", "max_output_tokens", "model_context_window_exceeded"}


def record_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of the query `request_bodies` in OpenAI chat form: `system`, `messages`, `tools`, `response_schema`."""
    form = msgspec.json.decode(row["response_format"]) if row["response_format"] else None
    return {
        "system": row["system"],
        "messages": [turn for message in msgspec.json.decode(row["messages"]) for turn in _turns(message)],
        "tools": msgspec.json.decode(row["tools"]),
        "response_schema": None if form is None or form.get("type") == "text" else form.get("schema") or {},
        "params": msgspec.json.decode(row["params"]),
        "output_tokens": row["output_tokens"],
    }


def ask_of(record: Mapping[str, Any], *, effort: str | None, logprobs: bool, name: str) -> Ask:
    """The call as it was logged, for another model.

    Left out, for no two providers take them alike: temperature, forced tool choice, stop words. A schema is sent
    where every provider takes it; the prompt itself says the rest, as it did for the incumbent.
    """
    schema = record["response_schema"]
    stated = record["params"].get("max_tokens")
    room = stated if isinstance(stated, int) else max(LEAST_TOKENS, 4 * (record["output_tokens"] or 0))
    return Ask(
        messages=tuple(record["messages"]),
        system=record["system"],
        tools=tuple(record["tools"]),
        response_schema=schema if schema and _strict(schema) else None,
        max_tokens=min(max(room, 1), MOST_TOKENS),
        effort=effort,
        logprobs=logprobs,
        name=name,
    )


def logged_reply(row: Mapping[str, Any]) -> Reply:
    """What the incumbent answered."""
    parts = [part for message in msgspec.json.decode(row["output"]) for part in message["parts"]]
    text = "".join(part.get("content") or "" for part in parts if part["type"] == "text")
    calls = tuple(
        {"name": part.get("name"), "arguments": _decoded(part.get("arguments"))}
        for part in parts
        if part["type"] == "tool_call"
    )
    finish = (row["finish_reason"] or "").lower()
    if finish in _REFUSED:
        return Reply(text, calls, "refused")
    return Reply(text, calls, "truncated" if finish in _CUT else "ok")


def reply_of(answer: Answer) -> Reply:
    """What a candidate answered."""
    if answer.status in {"ok", "refused", "truncated", "malformed"}:
        return Reply(answer.text, answer.tool_calls, answer.status)
    return Reply(status="error")


def _turns(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    parts = message["parts"]
    turns: list[dict[str, Any]] = [
        {"role": "tool", "tool_call_id": part.get("id") or "", "content": _as_text(part.get("response"))}
        for part in parts
        if part["type"] == "tool_call_response"
    ]
    text = "\n".join(part.get("content") or "" for part in parts if part["type"] == "text")
    calls = [
        {
            "id": part.get("id") or f"call_{at}",
            "name": part.get("name") or "",
            "arguments": _decoded(part.get("arguments")),
        }
        for at, part in enumerate(parts)
        if part["type"] == "tool_call"
    ]
    if calls:
        turns.append({"role": "assistant", "content": text, "tool_calls": calls})
    elif text or not turns:
        turns.append({"role": message["role"], "content": text})
    return turns


def _decoded(arguments: Any) -> Any:
    if isinstance(arguments, str):
        try:
            return json.loads(arguments)
        except (ValueError, RecursionError):
            return arguments
    return arguments if arguments is not None else {}


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _strict(schema: Any) -> bool:
    """Whether providers that enforce a schema take it: every object closed, every field required."""
    if isinstance(schema, list):
        return all(_strict(inner) for inner in schema)
    if not isinstance(schema, dict):
        return True
    if "$ref" in schema:
        return False
    if schema.get("type") == "object" or "properties" in schema:
        fields = schema.get("properties")
        if not isinstance(fields, dict) or schema.get("additionalProperties") is not False:
            return False
        if set(schema.get("required") or ()) != set(fields):
            return False
    return all(_strict(inner) for inner in schema.values())
