"""The plain Messages exchange of Anthropic, typed."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Annotated, Any, Literal

import msgspec

from router_audit.adapters import messages
from router_audit.adapters.pairs_plain import Beside, Bodies, HttpAnswered, HttpAsked
from router_audit.adapters.plain import (
    NOTHING,
    Columns,
    Count,
    Number,
    Said,
    Text,
    encode,
    identity,
    is_text,
    said,
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


_URL = re.compile(r"https://api\.anthropic\.com/v1/messages(?:\?[\w=.&-]*)?", re.ASCII)
_USUAL_TIERS = (None, "standard", "default")


@lru_cache(maxsize=256)
def _provider_of_url(url: str) -> str | None:
    return "anthropic" if _URL.fullmatch(url) else None


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
    return encode(made), ask


def _system(said: str | list[_Instruction] | None) -> str | None:
    if said is None:
        return None
    if isinstance(said, str):
        return said if is_text(said) else None
    return "\n".join([one.text for one in said if one.text]) or None


def _odd(_: list[_Asked], answered: list[_Answered]) -> list[int]:
    """Plain is an exchange with a unique id, and a split of what was written to the cache that says something."""
    return [place for place, one in enumerate(answered) if one.id.isdigit() or _says_nothing(one.usage)]


def _says_nothing(counts: _Counts) -> bool:
    split = counts.cache_creation
    return (
        split is not None
        and counts.cache_creation_input_tokens is None
        and split.ephemeral_1h_input_tokens is None
        and split.ephemeral_5m_input_tokens is None
    )


def _written(counts: _Counts) -> int | None:
    """Tokens written to the cache."""
    split = counts.cache_creation
    if split is None or counts.cache_creation_input_tokens is not None:
        return counts.cache_creation_input_tokens
    return (split.ephemeral_5m_input_tokens or 0) + (split.ephemeral_1h_input_tokens or 0)


def _columns(asked: list[_Asked], answered: list[_Answered]) -> Columns:
    conversations, asks = zip(*[_conversation(one.messages) for one in asked], strict=True)
    ids = [one.id for one in answered]
    counts = [one.usage for one in answered]
    read = [one.cache_read_input_tokens for one in counts]
    write = list(map(_written, counts))
    geographies = [one.inference_geo for one in counts]
    tiers = [one.service_tier for one in counts]
    splits = [one.cache_creation for one in counts]
    return {
        "system": [_system(one.system) for one in asked],
        "messages": list(conversations),
        "ask": asks,
        "tools": [tools(bytes(one.tools)) if one.tools else NOTHING for one in asked],
        "response_format": [None] * len(asked),
        "request_id": list(map(identity, ids)),
        "response_id": ids,
        "provider": "anthropic",
        "request_model": [one.model or None for one in asked],
        "response_model": [one.model or None for one in answered],
        "region": [None if one == "not_available" else one for one in geographies],
        "output": [said(_parts(one.content)) for one in answered],
        "params": _settings(asked),
        "input_tokens": [
            one.input_tokens + (cached or 0) + (written or 0)
            for one, cached, written in zip(counts, read, write, strict=True)
        ],
        "output_tokens": [one.output_tokens for one in counts],
        "cache_read_tokens": read,
        "cache_write_tokens": write,
        "cache_write_1h_tokens": [None if one is None else one.ephemeral_1h_input_tokens for one in splits],
        "service_tier": [None if one in _USUAL_TIERS else one for one in tiers],
        "finish_reason": [one.stop_reason for one in answered],
        "user": [None if one.metadata is None else one.metadata.user_id for one in asked],
    }


def _settings(asked: list[_Asked]) -> list[bytes]:
    budgets = [None if one.thinking is None else one.thinking.budget_tokens or None for one in asked]
    return settings(
        {
            "max_tokens": [one.max_tokens for one in asked],
            "temperature": [one.temperature for one in asked],
            "stream": [one.stream for one in asked],
            "top_p": [one.top_p for one in asked],
            "tool_choice": [one.tool_choice for one in asked],
            "thinking_budget": budgets,
        }
    )


_BODIES = Bodies("anthropic", _provider_of_url, _odd, _columns)
ANTHROPIC_PLAIN = _BODIES.bare(_Line)
"""Pairs of the bodies alone."""
ANTHROPIC_HTTP_PLAIN = _BODIES.over_http(_HttpLine)
"""The same with the HTTP around them."""
