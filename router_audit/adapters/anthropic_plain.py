"""The plain Messages exchange of Anthropic, typed."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

import msgspec

from router_audit.adapters import messages
from router_audit.adapters.pairs_plain import Beside, HttpAnswered, HttpAsked, beside
from router_audit.adapters.plain import (
    NO_TOOLS,
    Columns,
    Count,
    Number,
    Said,
    Shape,
    Text,
    identity,
    is_text,
    settings,
    tools,
)
from router_audit.types import Part


class _Block(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    """Any plain block: text, thinking, a call of a tool, or what a tool answered in text."""

    type: Literal["text", "thinking", "tool_use", "tool_result"]
    text: str | None = None
    thinking: str | None = None
    signature: str | None = None
    id: str | None = None
    name: str | None = None
    input: Any = None
    tool_use_id: str | None = None
    content: str | None = None
    is_error: bool | None = None
    cache_control: Any = None
    citations: None = None


class _Turn(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    role: Literal["user", "assistant"]
    content: str | list[_Block]


class _Instruction(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    type: Literal["text"]
    text: str
    cache_control: Any = None


class _Who(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    user_id: str | None = None


class _Thinking(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    type: str
    budget_tokens: Count | None = None


class _Asked(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    model: str
    messages: list[_Turn]
    max_tokens: Number | None = None
    system: str | list[_Instruction] | None = None
    temperature: Number | None = None
    top_p: Number | None = None
    top_k: Number | None = None
    stop_sequences: Any = None
    stream: bool | None = None
    tools: msgspec.Raw = msgspec.Raw(b"")
    tool_choice: Any = None
    metadata: _Who | None = None
    thinking: _Thinking | None = None
    service_tier: Any = None


class _Split(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    ephemeral_5m_input_tokens: Count | None = None
    ephemeral_1h_input_tokens: Count | None = None


class _Counts(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    input_tokens: Count
    output_tokens: Count
    cache_creation_input_tokens: Count | None = None
    cache_read_input_tokens: Count | None = None
    cache_creation: _Split | None = None
    service_tier: str | None = None
    inference_geo: str | None = None
    server_tool_use: Any = None


class _Answered(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    id: Annotated[str, msgspec.Meta(min_length=16)]
    type: Literal["message"]
    model: str
    content: list[_Block]
    usage: _Counts
    role: Literal["assistant"] = "assistant"
    stop_reason: str | None = None
    stop_sequence: str | None = None


class _Line(Beside):
    request: _Asked
    response: _Answered


class _HttpAsked(HttpAsked):
    body: _Asked


class _HttpAnswered(HttpAnswered):
    body: _Answered


class _HttpLine(Beside):
    request: _HttpAsked
    response: _HttpAnswered


_COLUMNS = (
    "system", "messages", "ask", "tools", "request_id", "response_id", "request_model", "response_model",
    "region", "output", "params", "input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens",
    "cache_write_1h_tokens", "service_tier", "finish_reason", "user", "line",
)  # fmt: skip
_URL = re.compile(r"https://api\.anthropic\.com/v1/messages(?:\?[\w=.&-]*)?", re.ASCII)
_USUAL_TIERS = (None, "standard", "default")
_decode = msgspec.json.Decoder(_Line).decode
_decode_http = msgspec.json.Decoder(_HttpLine).decode
_encode = msgspec.json.Encoder().encode


def _parts(blocks: list[_Block]) -> list[Any]:
    made: list[Any] = []
    for block in blocks:
        kind = block.type
        if kind == "text":
            if block.text:
                made.append(Text(block.text))
        elif kind == "tool_use":
            made.append(messages.tool_call(block.name, block.input, block.id))
        elif kind == "tool_result":
            made.append(messages.tool_response(block.content, block.tool_use_id))
        elif said := block.thinking or block.text or block.content:
            made.append(Part("reasoning", said))
    return made


def _conversation(turns: list[_Turn]) -> tuple[bytes, str | None]:
    """(the turns as they are stored, the text of the user's turn that is last)."""
    made: list[Said] = []
    for turn in turns:
        content = turn.content
        if content.__class__ is list:
            said = _parts(content)
        else:
            said = [Text(content)] if turn.role == "user" or is_text(content) else []  # type: ignore[arg-type]
        made.append(Said(turn.role, said))
    ask: str | None = None
    if made and made[-1].role == "user":
        ask = "\n".join([one.content for one in made[-1].parts if one.content])
    return _encode(made), ask


def _system(said: str | list[_Instruction] | None) -> str | None:
    if said is None:
        return None
    if isinstance(said, str):
        return said if is_text(said) else None
    return "\n".join([one.text for one in said if one.text]) or None


def _settings(asked: _Asked) -> bytes:
    budget = None if asked.thinking is None else asked.thinking.budget_tokens or None
    return settings(
        ("max_tokens", "temperature", "stream", "top_p", "tool_choice", "thinking_budget"),
        (asked.max_tokens, asked.temperature, asked.stream, asked.top_p, asked.tool_choice, budget),
    )


def _row(asked: _Asked, answered: _Answered, line: Any) -> tuple[Any, ...] | None:
    response_id, counts, split = answered.id, answered.usage, answered.usage.cache_creation
    if response_id.isdigit():
        return None
    read, write, hour = counts.cache_read_input_tokens, counts.cache_creation_input_tokens, None
    if split is not None:
        hour = split.ephemeral_1h_input_tokens
        if write is None:
            if hour is None and split.ephemeral_5m_input_tokens is None:
                return None
            write = (split.ephemeral_5m_input_tokens or 0) + (hour or 0)
    said = _parts(answered.content)
    geography = counts.inference_geo
    return (
        _system(asked.system),
        *_conversation(asked.messages),
        tools(bytes(asked.tools)) if asked.tools else NO_TOOLS,
        identity(response_id),
        response_id,
        asked.model or None,
        answered.model or None,
        None if geography == "not_available" else geography,
        [Said("assistant", said)] if said else None,
        _settings(asked),
        counts.input_tokens + (read or 0) + (write or 0),
        counts.output_tokens,
        read,
        write,
        hour,
        None if counts.service_tier in _USUAL_TIERS else counts.service_tier,
        answered.stop_reason,
        None if asked.metadata is None else asked.metadata.user_id,
        line,
    )


def _columns(records: list[tuple[Any, ...]]) -> Columns:
    columns: Columns = dict(zip(_COLUMNS, map(list, zip(*records, strict=True)), strict=True))
    columns |= {"provider": "anthropic", "response_format": [None] * len(records)}
    return columns | beside(columns.pop("line"), [0] * len(records), columns.pop("user"))


def _read(raw: bytes) -> tuple[Any, ...] | None:
    line = _decode(raw)
    return _row(line.request, line.response, line)


def _read_http(raw: bytes) -> tuple[Any, ...] | None:
    line = _decode_http(raw)
    if not _URL.fullmatch(line.request.url):
        return None
    return _row(line.request.body, line.response.body, line)


ANTHROPIC_PLAIN = Shape("anthropic", _read, _columns)
"""Pairs of the bodies alone."""
ANTHROPIC_HTTP_PLAIN = Shape("anthropic", _read_http, _columns)
"""The same with the HTTP around them."""
