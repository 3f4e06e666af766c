"""What the attributes and events of a GenAI span say: messages, tools, parameters, provider; old and new names."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from router_audit.adapters import messages, shapes, span_turns
from router_audit.adapters.messages import mapping, parsed
from router_audit.adapters.spans import Span, text
from router_audit.types import Message, Part

_INDEXED = re.compile(r"(gen_ai\.prompt|gen_ai\.completion|llm\.request\.functions)\.(\d+)\.(.+)")
_PROVIDERS = {
    "aws.bedrock": "aws",
    "az.ai.openai": "azure",
    "azure.ai.openai": "azure",
    "azure.ai.inference": "azure",
    "gcp.gemini": "google",
    "gcp.vertex_ai": "google",
    "gcp.gen_ai": "google",
    "vertex_ai": "google",
    "gemini": "google",
    "mistral_ai": "mistral",
    "x_ai": "x-ai",
    "xai": "x-ai",
}


def provider(attributes: dict[str, Any]) -> str | None:
    """The provider in the words of genai-prices."""
    name = text(attributes.get("gen_ai.provider.name") or attributes.get("gen_ai.system"))
    return _PROVIDERS.get(lower := name.lower(), lower) if name else None


def tier(attributes: dict[str, Any]) -> str | None:
    """The service tier, where it changes the price."""
    name = text(
        attributes.get("gen_ai.openai.response.service_tier")
        or attributes.get("openai.response.service_tier")
    )
    return name if name not in (None, "default", "standard", "auto") else None


def event_message(body: Any, role: str) -> list[Message]:
    """The message in the body of a `gen_ai.*.message` or `gen_ai.choice` event."""
    body = mapping(body)
    inner = mapping(body.get("message")) or body
    made = messages.conversation(
        [{**inner, "role": "user" if role == "system" else role, "tool_call_id": body.get("id")}]
    )
    return [message for message in made[1] if message.parts]


def otel_messages(raw: Any) -> tuple[str | None, list[Message]]:
    """(system, messages) of a `gen_ai.input.messages` value: parts, or whatever an instrumentation wrote instead."""
    if raw.__class__ is str and (said := span_turns.plain(raw)) is not None:
        return None, said
    raw = parsed(raw)
    system: list[str] = []
    made: list[Message] = []
    if not isinstance(raw, list):
        return messages.conversation(raw)
    for entry in raw:
        if not isinstance(entry, dict) or not isinstance(spoken := entry.get("parts"), list):
            head, rest = messages.conversation([entry])
            system += [head] if head else []
            made += rest
            continue
        parts = [part for one in spoken if (part := _part(one)) is not None]
        role = entry.get("role")
        if role in ("system", "developer"):
            system += [messages.text_of(parts)]
        elif parts:
            role = str(role or "user")
            made.append(Message(_ROLES.get(role, role), parts))
    return "\n\n".join(filter(None, system)) or None, made


_ROLES = {"model": "assistant", "ai": "assistant"}


def _part(raw: Any) -> Part | None:
    if not isinstance(raw, dict):
        return messages.part(raw)
    match raw.get("type"):
        case "text":
            content = raw["content"] if "content" in raw else raw.get("text")
            return Part("text", content) if isinstance(content, str) and content else None
        case "blob" | "uri" | "file" | "data":
            data = raw.get("content", raw.get("data", raw.get("uri", raw.get("file_id"))))
            inline = raw["type"] in ("blob", "data")
            return messages.blob(
                data, str(raw.get("modality") or "file"), text(raw.get("mime_type")), base64=inline
            )
    return messages.part(raw)


def _indexed(attributes: dict[str, Any], prefix: str) -> list[dict[str, Any]]:
    """Rows of `PREFIX.N.name` attributes, as Traceloop writes them; nested names become nested dicts and lists."""
    if prefix not in "\n".join(attributes):  # as in most spans
        return []
    rows: dict[int, dict[str, Any]] = {}
    for name, value in attributes.items():
        match = _INDEXED.fullmatch(name) if name.startswith(prefix) else None
        if match and match[1] == prefix and len(match[2]) < 7:
            rows.setdefault(int(match[2]), {})[match[3]] = value
    return [_nested(rows[index]) for index in sorted(rows)]


def _nested(row: dict[str, Any]) -> dict[str, Any]:
    calls: dict[str, dict[str, Any]] = {}
    made: dict[str, Any] = {}
    for name, value in row.items():
        if name.startswith("tool_calls."):
            _, index, rest = (*name.split(".", 2), "")[:3]
            calls.setdefault(index, {})[rest] = value
        else:
            made[name] = value
    if calls:
        made["tool_calls"] = [calls[index] for index in sorted(calls)]
    return made


def prompt(span: Span) -> tuple[str | None, list[Message]]:
    """(system, messages) of a span: attributes old or new, else its events."""
    attributes = span.attributes
    system: str | None = None
    made: list[Message] = []
    raw = attributes.get("gen_ai.input.messages")
    if raw is not None:
        system, made = otel_messages(raw)
    else:
        rows = _indexed(attributes, "gen_ai.prompt")
        if rows:
            for row in rows:
                row["content"] = parsed(row.get("content"))
            system, made = messages.conversation(rows)
        for name, body in span.events if not rows else ():
            if name == "gen_ai.client.inference.operation.details":
                return prompt(Span(attributes=body))
            if name == "gen_ai.content.prompt":
                return messages.conversation(body.get("gen_ai.prompt"))
            role = name.removeprefix("gen_ai.").removesuffix(".message")
            if role in ("system", "user", "assistant", "tool"):
                head, rest = messages.conversation([{**body, "role": role}])
                system, made = head or system, made + rest
    instructions = attributes.get("gen_ai.system_instructions")
    if instructions:
        head = (
            _repeated_instructions(instructions)
            if instructions.__class__ is str
            else _instructions(instructions)
        )
        system = "\n\n".join(filter(None, [head, system])) or None
    return system, made


def _instructions(raw: Any) -> str | None:
    """The text of `gen_ai.system_instructions`."""
    raw = parsed(raw)
    parts = [part for entry in raw if (part := _part(entry))] if isinstance(raw, list) else []
    return messages.text_of(parts) if parts else text(raw)


_ALIKE = 256
"""Instructions, and tool definitions, that are remembered: callers repeat them from call to call."""
_repeated_instructions = lru_cache(maxsize=_ALIKE)(_instructions)
_repeated_tools = lru_cache(maxsize=_ALIKE)(shapes.tools)


def answer(span: Span) -> list[Message]:
    """The output messages of a span: attributes old or new, else its events."""
    raw = span.attributes.get("gen_ai.output.messages")
    if raw is not None:
        return otel_messages(raw)[1]
    rows = _indexed(span.attributes, "gen_ai.completion")
    if rows:
        rows = [{**row, "role": row.get("role") or "assistant"} for row in rows]
        return [message for message in messages.conversation(rows)[1] if message.parts]
    made: list[Message] = []
    for name, body in span.events:
        if name == "gen_ai.client.inference.operation.details":
            return answer(Span(attributes=body))
        if name == "gen_ai.content.completion":
            return messages.conversation(body.get("gen_ai.completion"))[1]
        if name == "gen_ai.choice":
            made += event_message(body, "assistant")
    return made


def tools(attributes: dict[str, Any]) -> list[dict[str, Any]]:
    """Tool definitions of a span."""
    raw = attributes.get("gen_ai.tool.definitions")
    if raw.__class__ is str:
        return _repeated_tools(raw)
    return shapes.tools(raw if raw is not None else _indexed(attributes, "llm.request.functions"))


def response_format(attributes: dict[str, Any]) -> dict[str, Any] | None:
    """The response format that the span names."""
    raw = attributes.get("gen_ai.openai.request.response_format") or attributes.get("gen_ai.output.type")
    return None if raw is None else shapes.response_format(raw)


_PARAMS = {
    "gen_ai.request.max_tokens": "max_tokens",
    "gen_ai.request.temperature": "temperature",
    "gen_ai.request.top_p": "top_p",
    "gen_ai.request.stream": "stream",
    "gen_ai.is_streaming": "stream",
    "llm.is_streaming": "stream",
    "gen_ai.request.reasoning_effort": "effort",
    "gen_ai.openai.request.reasoning_effort": "effort",
}


def params(attributes: dict[str, Any]) -> dict[str, Any]:
    """What of the call parameters was set."""
    return {
        _PARAMS[name]: value for name, value in attributes.items() if name in _PARAMS and value is not None
    }
