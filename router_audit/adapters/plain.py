"""The commonest line, a plain chat exchange of OpenAI's shape, read in a fraction of the time.

What it reads is what `pairs.read` reads of the same line: a line with any field or type that is not listed
here is left to it. A test holds the two to the same result.
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, Literal

import msgspec

from router_audit.adapters import clock, messages, pairs, shapes, usage
from router_audit.adapters.openai import provider_of_model
from router_audit.adapters.protocol import record_id
from router_audit.types import LoggedRequest, Message, Part


class _Text(msgspec.Struct, forbid_unknown_fields=True):
    type: Literal["text"]
    text: str


class _Function(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    arguments: str


class _Call(msgspec.Struct, forbid_unknown_fields=True):
    function: _Function
    id: str | None = None
    type: Literal["function"] = "function"


class _Turn(msgspec.Struct, forbid_unknown_fields=True):
    role: Literal["system", "user", "assistant", "tool", "developer"]
    content: str | list[_Text] | None = None
    tool_calls: list[_Call] | None = None
    tool_call_id: str | None = None
    name: str | None = None
    refusal: None = None
    annotations: list[None] = []


class _Asked(msgspec.Struct, forbid_unknown_fields=True):
    model: str
    messages: list[_Turn]
    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
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


class _InputDetails(msgspec.Struct, forbid_unknown_fields=True):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    audio_tokens: int | None = None


class _OutputDetails(msgspec.Struct, forbid_unknown_fields=True):
    reasoning_tokens: int | None = None
    audio_tokens: int | None = None
    accepted_prediction_tokens: int | None = None
    rejected_prediction_tokens: int | None = None


class _Counts(msgspec.Struct, forbid_unknown_fields=True):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int | None = None
    prompt_tokens_details: _InputDetails | None = None
    completion_tokens_details: _OutputDetails | None = None


class _Choice(msgspec.Struct, forbid_unknown_fields=True):
    message: _Turn
    finish_reason: str | None = None
    index: int = 0
    logprobs: None = None


class _Answered(msgspec.Struct, forbid_unknown_fields=True):
    id: str
    object: Literal["chat.completion"]
    model: str
    choices: list[_Choice]
    usage: _Counts
    created: int = 0
    system_fingerprint: str | None = None
    service_tier: str | None = None


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    request: _Asked
    response: _Answered
    timestamp: Any = None
    latency_ms: Any = None
    session_id: Any = None
    time_to_first_token_ms: Any = None
    user: Any = None
    team: Any = None
    project: Any = None
    tags: Any = None
    metadata: Any = None
    cost_usd: Any = None
    resolved: Any = None
    feedback: Any = None
    retry_count: Any = None


_BESIDE = _Line.__struct_fields__[2:]
_USUAL = 5
"""Fields of a line up to the session."""
_NO_REST = (None,) * (len(_Line.__struct_fields__) - _USUAL)
_NOTHING: dict[str, Any] = {}
_decode = msgspec.json.Decoder(_Line).decode
_decode_any = msgspec.json.Decoder().decode


@lru_cache(maxsize=256)
def _tools(raw: bytes) -> list[dict[str, Any]]:
    """Tool definitions; callers repeat them from call to call."""
    return shapes.tools(_decode_any(raw))


@lru_cache(maxsize=256)
def _format(raw: bytes) -> dict[str, Any] | None:
    return shapes.response_format(_decode_any(raw))


def _parts(turn: _Turn) -> list[Part]:
    content = turn.content
    if content.__class__ is str:
        made = [Part("text", content)] if turn.role == "user" or content not in messages.NO_TEXT else []
    elif content:
        made = [Part("text", one.text) for one in content if one.text]  # type: ignore[union-attr]
    else:
        made = []
    if turn.tool_calls:
        for call in turn.tool_calls:
            made.append(messages.tool_call(call.function.name, call.function.arguments, call.id))
    return made


def _conversation(turns: list[_Turn]) -> tuple[str | None, list[Message]]:
    system: list[str] = []
    made: list[Message] = []
    for turn in turns:
        role = turn.role
        if role == "user" or role == "assistant":  # noqa: PLR1714  the hot path
            made.append(Message(role, _parts(turn)))
        elif role == "tool":
            content: Any = turn.content
            if content.__class__ is list:
                content = [{"type": "text", "text": one.text} for one in content]
            made.append(Message("tool", [messages.tool_response(content, turn.tool_call_id, turn.name)]))
        else:
            text = messages.text_of(_parts(turn))
            if text:
                system.append(text)
    return "\n\n".join(system) or None, made


def _counted(counts: _Counts) -> usage.Usage:
    inside, outside = counts.prompt_tokens_details, counts.completion_tokens_details
    for name in ("prompt_tokens", "completion_tokens", "total_tokens"):
        value = getattr(counts, name)
        if value is not None and not 0 <= value <= usage.MOST_TOKENS:
            usage.count(value, name)
    return usage.inclusive(
        counts.prompt_tokens,
        counts.completion_tokens,
        cache_read=None if inside is None else usage.count(inside.cached_tokens, "cached_tokens"),
        cache_write=None if inside is None else usage.count(inside.cache_write_tokens, "cache_write_tokens"),
        reasoning=None if outside is None else usage.count(outside.reasoning_tokens, "reasoning_tokens"),
        total=counts.total_tokens,
    )


def read(raw: bytes, file: str, line: int) -> LoggedRequest | None:
    """The call on a line, or None where the line is not of the plain shape; may raise RecordError."""
    try:
        one = _decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    asked, answered = one.request, one.response
    response_id = answered.id
    choices = answered.choices
    if not response_id.startswith("chatcmpl-") or len(response_id) < 20 or not choices:
        return None  # another server's id, or one that is not unique
    choice = choices[0]
    if choice.message.role != "assistant" or (len(choices) > 1 and choice.finish_reason is None):
        return None
    if asked.max_tokens is not None and asked.max_completion_tokens is not None:
        return None
    counted = _counted(answered.usage)
    system, conversation = _conversation(asked.messages)
    fields = _beside(one, answered.created)
    if counted.flags:
        fields["flags"] = [*fields.get("flags", ()), *counted.flags]
    tier = answered.service_tier
    return LoggedRequest(
        request_id=record_id(response_id, _NOTHING),
        source="openai",
        file=file,
        line=line,
        response_id=response_id,
        provider=provider_of_model(answered.model or asked.model),
        request_model=asked.model or None,
        response_model=answered.model or None,
        system=system,
        messages=conversation,
        output=[Message("assistant", made) for each in choices if (made := _parts(each.message))],
        tools=_tools(bytes(asked.tools)) if asked.tools else [],
        response_format=_format(bytes(asked.response_format)) if asked.response_format else None,
        params=_params(asked),
        input_tokens=counted.input_tokens,
        output_tokens=counted.output_tokens,
        cache_read_tokens=counted.cache_read_tokens,
        cache_write_tokens=counted.cache_write_tokens,
        reasoning_tokens=counted.reasoning_tokens,
        service_tier=None if tier in (None, "default", "standard", "auto", "") else tier,
        finish_reason=choice.finish_reason,
        **fields,
    )


def _params(asked: _Asked) -> dict[str, Any]:
    params: dict[str, Any] = {}
    if asked.temperature is not None:
        params["temperature"] = asked.temperature
    limit = asked.max_tokens if asked.max_completion_tokens is None else asked.max_completion_tokens
    if limit is not None:
        params["max_tokens"] = limit
    if asked.stream is not None:
        params["stream"] = asked.stream
    if asked.reasoning_effort is not None:
        params["effort"] = asked.reasoning_effort
    if asked.top_p is not None:
        params["top_p"] = asked.top_p
    if asked.verbosity is not None:
        params["verbosity"] = asked.verbosity
    if asked.tool_choice is not None:
        params["tool_choice"] = asked.tool_choice
    return params


def _beside(one: _Line, created: int) -> dict[str, Any]:
    """What stands beside the bodies. The usual three are taken at once, all else is left to `pairs.around`."""
    fields: dict[str, Any] = {}
    started, latency, session = one.timestamp, one.latency_ms, one.session_id
    rest = msgspec.structs.astuple(one)[_USUAL:]
    usual = (
        rest == _NO_REST
        and started.__class__ is int
        and 0 < started < 4_102_444_800
        and (latency is None or (latency.__class__ is int and latency >= 0))
        and (session is None or (session.__class__ is str and session))
        and 0 <= created < 4_102_444_800
        and one.request.user is None
    )
    if usual:
        fields["started_at"] = datetime.fromtimestamp(started, UTC)
        if latency is not None:
            fields["latency_ms"] = float(latency)
        if session is not None:
            fields["session_id"] = session
        return fields
    at, flag = clock.utc(created)
    fields["started_at"] = at
    if flag:
        fields["flags"] = [flag]
    if one.request.user is not None:
        fields["user"] = one.request.user
    values = zip(_BESIDE, msgspec.structs.astuple(one)[2:], strict=True)
    pairs.around({name: value for name, value in values if value is not None}, fields, {})
    return fields
