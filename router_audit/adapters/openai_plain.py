"""The plain chat exchange of OpenAI's shape, typed: the commonest line of all."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Annotated, Any, Literal

import msgspec

from router_audit.adapters import messages
from router_audit.adapters.bodies import USUAL_TIERS
from router_audit.adapters.openai import provider_of_model
from router_audit.adapters.pairs_plain import Beside, Bodies, HttpAnswered, HttpAsked
from router_audit.adapters.plain import (
    LONGEST_NO_TEXT,
    NOTHING,
    Columns,
    Count,
    Number,
    Said,
    Text,
    encode,
    identity,
    is_text,
    response_format,
    said,
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
    annotations: tuple[()] = ()


class _Reply(_Turn, forbid_unknown_fields=True, gc=False):
    role: Literal["assistant"]


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
    message: _Reply
    finish_reason: str | None = None
    index: int = 0
    logprobs: None = None
    content_filter_results: Any = None


class _Answered(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    id: Annotated[str, msgspec.Meta(min_length=20)]
    object: Literal["chat.completion"]
    model: str
    choices: tuple[_Choice]
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


_provider = lru_cache(maxsize=256)(provider_of_model)

_URLS = re.compile(
    r"https://(?:api\.openai\.com/v1|([\w-]+)\.openai\.azure\.com/openai/deployments/[\w.-]+)/chat/completions(?:\?[\w=.&-]*)?",
    re.ASCII,
)


@lru_cache(maxsize=256)
def _provider_of_url(url: str) -> str | None:
    found = _URLS.fullmatch(url)
    return None if found is None else "azure" if found[1] else "openai"


def parts(turn: Any) -> list[Any]:
    """What was said in a turn, as it is written."""
    content = turn.content
    if content.__class__ is str:
        made: list[Any] = [Text(content)] if turn.role == "user" or is_text(content) else []
    elif content:
        made = [Text(one.text) for one in content if one.text]
    else:
        made = []
    if turn.tool_calls:
        made += [
            messages.tool_call(one.function.name, one.function.arguments, one.id) for one in turn.tool_calls
        ]
    return made


def conversation(turns: list[Any]) -> tuple[str | None, bytes, str | None]:
    """(system text, the other turns as they are stored, the text of the user's turn that is last)."""
    system: str | None = None
    made: list[Said] = []
    for turn in turns:
        role, content = turn.role, turn.content
        if role == "user":
            made.append(Said("user", [Text(content)] if content.__class__ is str else parts(turn)))
        elif role == "assistant":
            if isinstance(content, str) and len(content) > LONGEST_NO_TEXT and turn.tool_calls is None:
                made.append(Said("assistant", [Text(content)]))
            else:
                made.append(Said("assistant", parts(turn)))
        elif role == "tool":
            response: Any = content
            if content.__class__ is list:
                response = [{"type": "text", "text": one.text} for one in content]
            made.append(Said("tool", [messages.tool_response(response, turn.tool_call_id, turn.name)]))
        elif text := "\n".join([one.content for one in parts(turn) if one.__class__ is Text]):
            system = text if system is None else f"{system}\n\n{text}"
    ask: str | None = None
    if made and made[-1].role == "user":
        last = made[-1].parts
        ask = last[0].content if len(last) == 1 else "\n".join([one.content for one in last if one.content])
    return system, encode(made), ask


def _odd(asked: list[_Asked], answered: list[_Answered]) -> list[int]:
    """Plain is an exchange with a unique id and counts that agree."""
    return [
        place
        for place, (question, answer) in enumerate(zip(asked, answered, strict=True))
        if answer.id[:9] != "chatcmpl-"
        or _disagree(answer.usage)
        or (question.max_tokens is not None and question.max_completion_tokens is not None)
    ]


def _disagree(counts: _Counts) -> bool:
    inside, outside = counts.prompt_tokens, counts.completion_tokens
    of_input, of_output = counts.prompt_tokens_details, counts.completion_tokens_details
    return bool(
        (counts.total_tokens and counts.total_tokens != inside + outside)
        or (of_input and (of_input.cached_tokens or 0) + (of_input.cache_write_tokens or 0) > inside)
        or (of_output and (of_output.reasoning_tokens or 0) > outside)
    )


def exchanged(turns: list[Any], asked: list[Any], answered: list[Any]) -> Columns:
    """The columns that any plain chat in OpenAI's words has: what was said before, the tools, the identity."""
    systems, conversations, asks = zip(*map(conversation, turns), strict=True)
    ids = [one.id for one in answered]
    return {
        "system": systems,
        "messages": list(conversations),
        "ask": asks,
        "tools": [tools(bytes(one.tools)) if one.tools else NOTHING for one in asked],
        "response_format": [
            response_format(bytes(one.response_format)) if one.response_format else None for one in asked
        ],
        "request_id": list(map(identity, ids)),
        "response_id": ids,
        "service_tier": [None if one.service_tier in USUAL_TIERS else one.service_tier for one in answered],
        "finish_reason": [one.choices[0].finish_reason for one in answered],
    }


def _columns(asked: list[_Asked], answered: list[_Answered]) -> Columns:
    wanted = [one.model or None for one in asked]
    served = [one.model or None for one in answered]
    counts = [one.usage for one in answered]
    of_input = [one.prompt_tokens_details or _NO_INPUT_DETAILS for one in counts]
    of_output = [one.completion_tokens_details or _NO_OUTPUT_DETAILS for one in counts]
    return exchanged([one.messages for one in asked], asked, answered) | {
        "provider": [_provider(one or other) for one, other in zip(served, wanted, strict=True)],
        "request_model": wanted,
        "response_model": served,
        "output": [said(parts(one.choices[0].message)) for one in answered],
        "params": settings(chosen(asked) | {"stream": [one.stream for one in asked]}),
        "input_tokens": [one.prompt_tokens for one in counts],
        "output_tokens": [one.completion_tokens for one in counts],
        "cache_read_tokens": [one.cached_tokens for one in of_input],
        "cache_write_tokens": [one.cache_write_tokens for one in of_input],
        "reasoning_tokens": [one.reasoning_tokens for one in of_output],
        "created": [one.created for one in answered],
        "user": [one.user for one in asked],
    }


def chosen(asked: list[Any]) -> Columns:
    """The parameters that a request in OpenAI's words states, but for `stream`."""
    return {
        "temperature": [one.temperature for one in asked],
        "max_tokens": [
            one.max_tokens if one.max_completion_tokens is None else one.max_completion_tokens
            for one in asked
        ],
        "effort": [one.reasoning_effort for one in asked],
        "top_p": [one.top_p for one in asked],
        "verbosity": [one.verbosity for one in asked],
        "tool_choice": [one.tool_choice for one in asked],
    }


_BODIES = Bodies("openai", _provider_of_url, _odd, _columns)
OPENAI_PLAIN = _BODIES.bare(_Line)
"""Pairs of the bodies alone."""
OPENAI_HTTP_PLAIN = _BODIES.over_http(_HttpLine)
"""The same with the HTTP around them, as OpenAI's and Azure's hosts speak it."""
