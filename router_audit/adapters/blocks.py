"""The parts of a message's content, in whatever provider's or tracer's shape."""

from __future__ import annotations

from typing import Any

import msgspec

from router_audit.adapters.media import blob_in, media_token
from router_audit.types import Part

_TEXT = {"text", "input_text", "output_text", "summary_text", "reasoning_text", "refusal"}
_CALLS = {
    "tool_use",
    "tool-call",
    "toolCall",
    "function_call",
    "tool_call",
    "custom_tool_call",
    "server_tool_use",
}
_RESULTS = {
    "tool_result",
    "tool-result",
    "function_call_output",
    "custom_tool_call_output",
    "tool_call_response",
    "web_search_tool_result",
}


_ENCODED = frozenset('{["')


def decoded(value: Any) -> Any:
    """The value inside JSON text, however often it was encoded; anything else as it is."""
    if not isinstance(value, str):
        return value
    for _ in range(3):
        if not isinstance(value, str) or value[:1] not in _ENCODED:
            return value
        try:
            inside = msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
            return value
        if isinstance(inside, str) and inside[:1] not in {"{", "["}:
            return value  # quoted words are words, not JSON
        value = inside
    return value


def as_record(value: Any) -> dict[str, Any]:
    """The object in the value or in its JSON text; empty where there is none."""
    found = decoded(value)
    return found if isinstance(found, dict) else {}


def as_text(value: Any) -> str:
    """A value as text: strings as they are, all else as JSON."""
    if isinstance(value, str):
        return value
    return msgspec.json.encode(value, enc_hook=str).decode("utf-8", "replace")


def holds_results(content: Any) -> bool:
    """Whether the content already says which tool calls it answers."""
    return isinstance(content, list) and any(
        isinstance(part, dict)
        and (str(part.get("type")) in _RESULTS or "functionResponse" in part or "toolResult" in part)
        for part in content
    )


def plain(content: Any) -> Any:
    """Tool output as text where it is nothing but text, its images cut."""
    if isinstance(content, list):
        parts = parts_of(content)
        if all(part.type == "text" for part in parts):
            return "\n".join(part.content or "" for part in parts)
        return [msgspec.to_builtins(part) for part in parts]
    return content


def parts_of(content: Any) -> list[Part]:
    """The parts of one message's content."""
    if content in (None, "", [], {}):
        return []
    if isinstance(content, str):
        return [media_token(content) or Part("text", content=content)]
    if isinstance(content, dict):
        return _block(content)
    if isinstance(content, list):
        return [part for item in content for part in parts_of(item)]
    return [Part("text", content=as_text(content))]


def _block(block: dict[str, Any]) -> list[Part]:
    kind = block.get("type") if isinstance(block.get("type"), str) else None
    if kind in _CALLS or "functionCall" in block or "toolUse" in block or "function_call" in block:
        return [call_part(block)]
    if (
        kind in _RESULTS
        or "functionResponse" in block
        or "toolResult" in block
        or "function_response" in block
    ):
        return [_result(block)]
    if kind is None and "toolName" in block:
        return [call_part(block)]
    thought = _reasoning(block)
    if thought is not None:
        return thought
    if isinstance(block.get("text"), str) and (kind in _TEXT or (kind is None and len(block) <= 3)):
        return parts_of(block["text"])
    if "cachePoint" in block or kind == "step-start":
        return []
    found = blob_in(block)
    if found is not None:
        return [found]
    for key in ("content", "text", "output", "refusal") if isinstance(kind, str) else ():
        if isinstance(block.get(key), (str, list)):
            return parts_of(block[key])
    return [Part("text", content=as_text(block))]


def _reasoning(block: dict[str, Any]) -> list[Part] | None:
    kind = block.get("type") if isinstance(block.get("type"), str) else None
    if "reasoningContent" in block:
        held = block["reasoningContent"]
        inner = held.get("reasoningText") if isinstance(held, dict) else None
        return [Part("reasoning", content=inner.get("text") if isinstance(inner, dict) else None)]
    if (
        kind not in {"thinking", "redacted_thinking", "reasoning", "thought"}
        and block.get("thought") is not True
    ):
        return None
    for key in ("thinking", "text", "content", "summary"):
        held = block.get(key)
        if isinstance(held, str) and held:
            return [Part("reasoning", content=held)]
        if isinstance(held, list) and held:
            return [Part("reasoning", content="\n".join(part.content or "" for part in parts_of(held)))]
    return [Part("reasoning")]


def call_part(block: dict[str, Any]) -> Part:
    """A tool call in any shape."""
    for key in ("functionCall", "function_call", "toolUse", "function"):
        if isinstance(block.get(key), dict):
            block = {**block, **block[key]}
            break
    arguments = next(
        (block[key] for key in ("arguments", "input", "args") if block.get(key) is not None), None
    )
    return Part(
        "tool_call",
        id=_first(block, "call_id", "toolCallId", "toolUseId", "id"),
        name=_first(block, "name", "toolName"),
        arguments=decoded(arguments),
    )


def _result(block: dict[str, Any]) -> Part:
    for key in ("functionResponse", "function_response", "toolResult"):
        if isinstance(block.get(key), dict):
            block = {**block, **block[key]}
            break
    response = next(
        (block[k] for k in ("response", "output", "result", "content") if block.get(k) is not None), None
    )
    return Part(
        "tool_call_response",
        id=_first(block, "tool_use_id", "call_id", "toolCallId", "toolUseId", "id"),
        name=_first(block, "name", "toolName"),
        response=plain(response),
    )


def _first(block: dict[str, Any], *keys: str) -> str | None:
    return next((str(block[key]) for key in keys if isinstance(block.get(key), (str, int))), None)
