"""What a tracer wrote down as the input or output of a call, when it may be in any provider's shape."""

from __future__ import annotations

from typing import Any

from router_audit.adapters.blocks import as_text, call_part, decoded, holds_results, parts_of, plain
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


def role_of(value: Any, fallback: str) -> str:
    """Our word for a role."""
    if not isinstance(value, str) or not value:
        return fallback
    return _ROLES.get(value.lower(), value.lower())


def messages_in(value: Any, role: str = "user") -> list[Message]:
    """Every message in the value, in order; bare text becomes one message of the given role."""
    raw, value = value, decoded(value)
    if value is None or value in ("", {}, []):
        return []
    if isinstance(value, list):
        if isinstance(raw, str) and not any(isinstance(item, dict) for item in value):
            return [Message(role, [Part("text", content=raw)])]
        return _from_list(value, role)
    if isinstance(value, dict):
        return _from_dict(value, role) or [Message(role, parts_of(raw if isinstance(raw, str) else [value]))]
    return [Message(role, [Part("text", content=as_text(value))])]


def _from_list(items: list[Any], role: str) -> list[Message]:
    found: list[Message] = []
    loose: list[Part] = []
    for raw in items:
        item = decoded(raw) if isinstance(raw, str) and raw[:1] == "{" else raw
        if isinstance(item, dict) and not _speaks(item):
            call_output = str(item.get("type")) in {
                "function_call_output",
                "custom_tool_call_output",
                "tool-result",
            }
            if call_output:
                found += _flush(loose, role)
                found.append(Message("tool", parts_of([item])))
            elif str(item.get("type")) in {"function_call", "custom_tool_call"} and role == "user":
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
    return found


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
    if role == "tool" and not holds_results(content):
        identifier = value.get("tool_call_id") or value.get("toolCallId")
        parts.append(
            Part("tool_call_response", id=identifier, name=value.get("name"), response=plain(content))
        )
    else:
        parts += parts_of(content)
    extra = value.get("additional_kwargs")
    calls = value.get("tool_calls") or (extra.get("tool_calls") if isinstance(extra, dict) else None)
    parts += [call_part(call) for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []
    if isinstance(value.get("function_call"), dict):
        parts.append(call_part(value["function_call"]))
    if isinstance(value.get("refusal"), str) and value["refusal"]:
        parts.append(Part("text", content=value["refusal"]))
    return Message(role, parts)


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
