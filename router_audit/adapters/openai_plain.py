"""The plain chat exchange of OpenAI's shape, typed: the commonest line of all."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Annotated, Any, Literal

import msgspec

from router_audit.adapters import messages
from router_audit.adapters.openai import provider_of_model
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
    response_format,
    settings,
    tools,
)


class _Text(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    type: Literal["text"]
    text: str


class _Function(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    name: str
    arguments: str


class _Call(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    function: _Function
    id: str | None = None
    type: Literal["function"] = "function"


class _Turn(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    role: Literal["system", "user", "assistant", "tool", "developer"]
    content: str | list[_Text] | None = None
    tool_calls: list[_Call] | None = None
    tool_call_id: str | None = None
    name: str | None = None
    refusal: None = None
    annotations: list[None] = []


class _Asked(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    model: str
    messages: list[_Turn]
    temperature: Number | None = None
    top_p: Number | None = None
    max_tokens: Number | None = None
    max_completion_tokens: Number | None = None
    stream: bool | None = None
    n: int | None = None
    seed: int | None = None
    stop: Any = None
    reasoning_effort: str | None = None
    verbosity: str | None = None
    tool_choice: Any = None
    parallel_tool_calls: bool | None = None
    stream_options: Any = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    user: str | None = None
    tools: msgspec.Raw = msgspec.Raw(b"")
    response_format: msgspec.Raw = msgspec.Raw(b"")


class _InputDetails(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    cached_tokens: Count | None = None
    cache_write_tokens: Count | None = None
    audio_tokens: Count | None = None


class _OutputDetails(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    reasoning_tokens: Count | None = None
    audio_tokens: Count | None = None
    accepted_prediction_tokens: Count | None = None
    rejected_prediction_tokens: Count | None = None


_NO_INPUT_DETAILS, _NO_OUTPUT_DETAILS = _InputDetails(), _OutputDetails()


class _Counts(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    prompt_tokens: Count
    completion_tokens: Count
    total_tokens: Count | None = None
    prompt_tokens_details: _InputDetails | None = None
    completion_tokens_details: _OutputDetails | None = None


class _Choice(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    message: _Turn
    finish_reason: str | None = None
    index: int = 0
    logprobs: None = None
    content_filter_results: Any = None


class _Answered(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    id: Annotated[str, msgspec.Meta(min_length=20)]
    object: Literal["chat.completion"]
    model: str
    choices: list[_Choice]
    usage: _Counts
    created: int = 0
    system_fingerprint: str | None = None
    service_tier: str | None = None
    prompt_filter_results: Any = None


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
    "system", "messages", "ask", "tools", "response_format", "request_id", "response_id", "provider",
    "request_model", "response_model", "output", "params", "input_tokens", "output_tokens", "cache_read_tokens",
    "cache_write_tokens", "reasoning_tokens", "service_tier", "finish_reason", "created", "user",
    "line",
)  # fmt: skip
_provider = lru_cache(maxsize=256)(provider_of_model)
_USUAL_TIERS = (None, "default", "standard", "auto", "")
_decode = msgspec.json.Decoder(_Line).decode
_decode_http = msgspec.json.Decoder(_HttpLine).decode
_encode = msgspec.json.Encoder().encode


_URLS = re.compile(
    r"https://(?:api\.openai\.com/v1|([\w-]+)\.openai\.azure\.com/openai/deployments/[\w.-]+)/chat/completions(?:\?[\w=.&-]*)?",
    re.ASCII,
)


@lru_cache(maxsize=256)
def _provider_of_url(url: str) -> str | None:
    """Of a URL whose calls are plain, else None."""
    found = _URLS.fullmatch(url)
    return None if found is None else "azure" if found[1] else "openai"


def parts(turn: _Turn) -> list[Any]:
    """The parts of a turn."""
    content = turn.content
    if content.__class__ is str:
        made: list[Any] = [Text(content)] if turn.role == "user" or is_text(content) else []
    elif content:
        made = [Text(one.text) for one in content if one.text]  # type: ignore[union-attr]
    else:
        made = []
    if turn.tool_calls:
        made += [
            messages.tool_call(one.function.name, one.function.arguments, one.id) for one in turn.tool_calls
        ]
    return made


def conversation(turns: list[_Turn]) -> tuple[str | None, bytes, str | None]:
    """(system text, the other turns as they are stored, the text of the user's turn that is last)."""
    system: str | None = None
    made: list[Said] = []
    ask: str | None = None
    for turn in turns:
        role, content = turn.role, turn.content
        if role == "user":
            if content.__class__ is str:
                made.append(Said("user", [Text(content)]))
            else:
                made.append(Said("user", parts(turn)))
        elif role == "assistant":
            made.append(Said("assistant", parts(turn)))
        elif role == "tool":
            response: Any = content
            if content.__class__ is list:
                response = [{"type": "text", "text": one.text} for one in content]
            made.append(Said("tool", [messages.tool_response(response, turn.tool_call_id, turn.name)]))
        elif text := "\n".join([one.content for one in parts(turn) if one.__class__ is Text]):
            system = text if system is None else f"{system}\n\n{text}"
    if made and made[-1].role == "user":
        said = made[-1].parts
        ask = said[0].content if len(said) == 1 else "\n".join([one.content for one in said if one.content])
    return system, _encode(made), ask


def _row(asked: _Asked, answered: _Answered, line: Any, provider: str | None) -> tuple[Any, ...] | None:
    """Plain is an exchange with a unique id, counts that agree, and one answer."""
    response_id, choices, counts = answered.id, answered.choices, answered.usage
    if len(choices) != 1 or response_id[:9] != "chatcmpl-":
        return None
    choice = choices[0]
    inside, outside = counts.prompt_tokens, counts.completion_tokens
    of_input = counts.prompt_tokens_details or _NO_INPUT_DETAILS
    of_output = counts.completion_tokens_details or _NO_OUTPUT_DETAILS
    read, write = of_input.cached_tokens, of_input.cache_write_tokens
    reasoning = of_output.reasoning_tokens
    if (
        choice.message.role != "assistant"
        or (counts.total_tokens and counts.total_tokens != inside + outside)
        or (read or 0) + (write or 0) > inside
        or (reasoning or 0) > outside
        or (asked.max_tokens is not None and asked.max_completion_tokens is not None)
    ):
        return None
    said = parts(choice.message)
    served, wanted, tier = answered.model or None, asked.model or None, answered.service_tier
    return (
        *conversation(asked.messages),
        tools(bytes(asked.tools)) if asked.tools else NO_TOOLS,
        response_format(bytes(asked.response_format)) if asked.response_format else None,
        identity(response_id),
        response_id,
        provider or _provider(served or wanted),
        wanted,
        served,
        [Said("assistant", said)] if said else None,
        _settings(asked),
        inside,
        outside,
        read,
        write,
        reasoning,
        None if tier in _USUAL_TIERS else tier,
        choice.finish_reason,
        answered.created,
        asked.user,
        line,
    )


def _columns(records: list[tuple[Any, ...]]) -> Columns:
    columns = dict(zip(_COLUMNS, map(list, zip(*records, strict=True)), strict=True))
    return columns | beside(columns.pop("line"), columns.pop("created"), columns.pop("user"))


def _settings(asked: _Asked) -> bytes:
    """The parameters as they are stored."""
    warmth, top, choice = asked.temperature, asked.top_p, asked.tool_choice
    limit = asked.max_tokens if asked.max_completion_tokens is None else asked.max_completion_tokens
    return settings(
        ("temperature", "max_tokens", "stream", "effort", "top_p", "verbosity", "tool_choice"),
        (warmth, limit, asked.stream, asked.reasoning_effort, top, asked.verbosity, choice),
    )


def _read(raw: bytes) -> tuple[Any, ...] | None:
    line = _decode(raw)
    return _row(line.request, line.response, line, None)


def _read_http(raw: bytes) -> tuple[Any, ...] | None:
    line = _decode_http(raw)
    provider = _provider_of_url(line.request.url)
    if provider is None:
        return None
    return _row(line.request.body, line.response.body, line, provider)


OPENAI_PLAIN = Shape("openai", _read, _columns)
"""Pairs of the bodies alone."""
OPENAI_HTTP_PLAIN = Shape("openai", _read_http, _columns)
"""The same with the HTTP around them, as OpenAI's and Azure's hosts speak it."""
