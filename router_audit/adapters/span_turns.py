"""The turns of a GenAI span in the convention's own words, typed: what `span_text.otel_messages` reads of them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from router_audit.adapters import messages
from router_audit.types import Message, Part


class _Text(msgspec.Struct, forbid_unknown_fields=True, gc=False, tag_field="type", tag="text"):
    content: Annotated[str, msgspec.Meta(min_length=1)]


class _Call(msgspec.Struct, forbid_unknown_fields=True, gc=False, tag_field="type", tag="tool_call"):
    name: str
    arguments: Any = None
    id: str | None = None


class _Response(
    msgspec.Struct, forbid_unknown_fields=True, gc=False, tag_field="type", tag="tool_call_response"
):
    response: Any
    id: str | None = None


class _Turn(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    role: Literal["user", "assistant", "tool"]
    parts: list[_Text | _Call | _Response]
    finish_reason: Any = None
    name: Any = None


_decode = msgspec.json.Decoder(list[_Turn]).decode


def plain(raw: str) -> list[Message] | None:
    """The messages in the JSON; None where something else stands in it, an instruction or a picture."""
    try:
        turns = _decode(raw)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    return [Message(turn.role, list(map(_part, turn.parts))) for turn in turns if turn.parts]


def _part(one: _Text | _Call | _Response) -> Part:
    if isinstance(one, _Text):
        return Part("text", one.content)
    if isinstance(one, _Call):
        return messages.tool_call(one.name, one.arguments, one.id)
    return messages.tool_response(one.response, one.id)
