"""What a tracer wrote down as the input or output of a call, when it may be in any provider's shape."""

from __future__ import annotations

from typing import Any

import msgspec

from router_audit.adapters.media import blob_in, media_token
from router_audit.types import Message, Part

_ROLES = {
    "human": "user",
    "ai": "assistant",
    "model": "assistant",
    "gemini": "assistant",
    "developer": "system",
    "function": "tool",
    "toolresult": "tool",
    "tool_result": "tool",
    "humanmessage": "user",
    "aimessage": "assistant",
    "aimessagechunk": "assistant",
    "systemmessage": "system",
    "toolmessage": "tool",
    "functionmessage": "tool",
    "chatmessage": "user",
}
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
_NESTED = (
    "messages",
    "contents",
    "choices",
    "candidates",
    "generations",
    "prompts",
    "prompt",
    "input",
    "output",
)


def decoded(value: Any) -> Any:
    """The value inside JSON text, however often it was encoded; anything else as it is."""
    for _ in range(3):
        if not isinstance(value, str) or value[:1] not in {"{", "[", '"'}:
            return value
        try:
            value = msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError):
            return value
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


def role_of(value: Any, fallback: str) -> str:
    """Our word for a role."""
    if not isinstance(value, str) or not value:
        return fallback
    return _ROLES.get(value.lower(), value.lower())


def messages_in(value: Any, role: str = "user") -> list[Message]:
    """Every message in the value, in order; bare text becomes one message of the given role."""
    value = decoded(value)
    if value is None or value in ("", {}, []):
        return []
    if isinstance(value, list):
        return _from_list(value, role)
    if isinstance(value, dict):
        return _from_dict(value, role)
    return [Message(role, [Part("text", content=as_text(value))])]


def _from_list(items: list[Any], role: str) -> list[Message]:
    found: list[Message] = []
    loose: list[Part] = []
    for raw in items:
        item = decoded(raw) if isinstance(raw, str) and raw[:1] == "{" else raw
        if isinstance(item, dict) and not _speaks(item):
            call_output = item.get("type") in {
                "function_call_output",
                "custom_tool_call_output",
                "tool-result",
            }
            if call_output:
                found += _flush(loose, role)
                found.append(Message("tool", parts_of([item])))
            elif item.get("type") in {"function_call", "custom_tool_call"} and role == "user":
                found += _flush(loose, role)
                found.append(Message("assistant", parts_of([item])))
            else:
                loose += parts_of([item])
        elif isinstance(item, str):
            loose.append(Part("text", content=item))
        else:
            found += _flush(loose, role)
            found += messages_in(item, role)
    return found + _flush(loose, role)


def _flush(loose: list[Part], role: str) -> list[Message]:
    if not loose:
        return []
    message = Message(role, list(loose))
    loose.clear()
    return [message]


def _speaks(item: dict[str, Any]) -> bool:
    """Whether the object is a message or holds messages, rather than being a part of one."""
    if item.get("role") or item.get("lc") or "message" in item or isinstance(item.get("content"), dict):
        return True
    kind = item.get("type")
    if kind == "message" or (isinstance(kind, str) and kind.lower() in _ROLES and "content" in item):
        return True
    return kind is None and ("parts" in item or any(isinstance(item.get(key), list) for key in _NESTED))


def _from_dict(value: dict[str, Any], role: str) -> list[Message]:
    if value.get("lc") and isinstance(value.get("kwargs"), dict):
        names = value.get("id")
        speaker = names[-1] if isinstance(names, list) and names else None
        return [
            _message({**value["kwargs"], "role": role_of(value["kwargs"].get("role") or speaker, role)}, role)
        ]
    system = value.get("system") or value.get("instructions") or _instruction(value)
    found = [Message("system", parts_of(system))] if system and not value.get("role") else []
    for key in ("message", "content"):
        inner = value.get(key)
        if isinstance(inner, dict) and (key == "message" or "parts" in inner or "role" in inner):
            return found + messages_in(inner, role)
    if (
        value.get("role")
        or isinstance(value.get("content"), (str, list))
        or isinstance(value.get("parts"), list)
    ):
        return [*found, _message(value, role)]
    for key in _NESTED:
        inner = value.get(key)
        if inner in (None, "", [], {}):
            continue
        speaker = "assistant" if key in {"choices", "candidates", "generations", "output"} else role
        return found + messages_in(inner, speaker)
    if isinstance(value.get("args"), list) and value["args"]:
        return found + messages_in(value["args"], role)
    return found or [Message(role, parts_of([value]))]


def _instruction(value: dict[str, Any]) -> Any:
    held = value.get("systemInstruction") or value.get("system_instruction")
    return held.get("parts", held) if isinstance(held, dict) else held


def _message(value: dict[str, Any], fallback: str) -> Message:
    role = role_of(
        value.get("role") or (value.get("type") if value.get("type") != "message" else None), fallback
    )
    content = decoded(value["parts"]) if "parts" in value else value.get("content")
    if isinstance(content, dict):
        content = [content]
    parts: list[Part] = []
    for key in ("reasoning", "reasoning_content"):
        if isinstance(value.get(key), str) and value[key]:
            parts.append(Part("reasoning", content=value[key]))
            break
    if role == "tool" and not _holds_results(content):
        identifier = value.get("tool_call_id") or value.get("toolCallId")
        parts.append(
            Part("tool_call_response", id=identifier, name=value.get("name"), response=_plain(content))
        )
    else:
        parts += parts_of(content)
    extra = value.get("additional_kwargs")
    calls = value.get("tool_calls") or (extra.get("tool_calls") if isinstance(extra, dict) else None)
    parts += [_call(call) for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
    if isinstance(value.get("function_call"), dict):
        parts.append(_call(value["function_call"]))
    if isinstance(value.get("refusal"), str) and value["refusal"]:
        parts.append(Part("text", content=value["refusal"]))
    return Message(role, parts)


def _holds_results(content: Any) -> bool:
    return isinstance(content, list) and any(
        isinstance(part, dict)
        and (part.get("type") in _RESULTS or "functionResponse" in part or "toolResult" in part)
        for part in content
    )


def _plain(content: Any) -> Any:
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
    kind = block.get("type")
    if kind in _CALLS or "functionCall" in block or "toolUse" in block or "function_call" in block:
        return [_call(block)]
    if (
        kind in _RESULTS
        or "functionResponse" in block
        or "toolResult" in block
        or "function_response" in block
    ):
        return [_result(block)]
    if kind is None and "toolName" in block:
        return [_call(block)]
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
    kind = block.get("type")
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


def _call(block: dict[str, Any]) -> Part:
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
        response=_plain(response),
    )


def _first(block: dict[str, Any], *keys: str) -> str | None:
    return next((str(block[key]) for key in keys if isinstance(block.get(key), (str, int))), None)


def split_system(found: list[Message]) -> tuple[str | None, list[Message]]:
    """The text of the system messages, and the rest."""
    system = [
        part.content
        for message in found
        if message.role == "system"
        for part in message.parts
        if part.content
    ]
    rest = [message for message in found if message.role != "system"]
    return ("\n\n".join(system) if system else None), rest
