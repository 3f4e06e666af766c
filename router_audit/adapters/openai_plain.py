"""The plain chat exchange of OpenAI's shape, typed: the commonest line of all."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import msgspec

from router_audit.adapters import clock, messages, pairs
from router_audit.adapters.openai import provider_of_model
from router_audit.adapters.plain import (
    LATEST,
    Columns,
    Said,
    Talk,
    Text,
    identity,
    is_count,
    is_text,
    is_utf8,
    microseconds,
    response_format,
    talk,
    tools,
)

Number = int | float


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
    messages: msgspec.Raw
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


class _InputDetails(msgspec.Struct, forbid_unknown_fields=True):
    cached_tokens: int | None = None
    cache_write_tokens: int | None = None
    audio_tokens: int | None = None


class _OutputDetails(msgspec.Struct, forbid_unknown_fields=True):
    reasoning_tokens: int | None = None
    audio_tokens: int | None = None
    accepted_prediction_tokens: int | None = None
    rejected_prediction_tokens: int | None = None


_NO_INPUT_DETAILS, _NO_OUTPUT_DETAILS = _InputDetails(), _OutputDetails()


class _Counts(msgspec.Struct, forbid_unknown_fields=True):
    prompt_tokens: int
    completion_tokens: int
    total_tokens: int | None = None
    prompt_tokens_details: _InputDetails | None = None
    completion_tokens_details: _OutputDetails | None = None

    def of_input(self) -> _InputDetails:
        """What is said of the prompt, or nothing."""
        return self.prompt_tokens_details or _NO_INPUT_DETAILS

    def of_output(self) -> _OutputDetails:
        """What is said of the answer, or nothing."""
        return self.completion_tokens_details or _NO_OUTPUT_DETAILS


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


class _Read(NamedTuple):
    """A line that is plain."""

    line: _Line
    talk: Talk
    tools: bytes
    response_format: bytes | None


_USUAL_TIERS = (None, "default", "standard", "auto", "")
_BESIDE = _Line.__struct_fields__[2:]
_USUAL = 5
"""Fields of a line up to the session."""
_NO_REST = (None,) * (len(_Line.__struct_fields__) - _USUAL)
_astuple = msgspec.structs.astuple
_decode = msgspec.json.Decoder(_Line).decode
_decode_turns = msgspec.json.Decoder(list[_Turn]).decode
_encode = msgspec.json.Encoder().encode
_encode_sorted = msgspec.json.Encoder(order="sorted").encode
_ALIKE = 256
"""Settings that are remembered: callers repeat them from call to call."""


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


def conversation(turns: list[_Turn]) -> Talk:
    """The turns as they are stored."""
    system: list[str] = []
    made: list[Said] = []
    ask: str | None = None
    for turn in turns:
        role, ask = turn.role, None
        if role == "user" or role == "assistant":  # noqa: PLR1714  the hot path
            said = parts(turn)
            made.append(Said(role, said))
            if role == "user":
                ask = "\n".join([one.content for one in said if one.content])
        elif role == "tool":
            content: Any = turn.content
            if content.__class__ is list:
                content = [{"type": "text", "text": one.text} for one in content]
            made.append(Said("tool", [messages.tool_response(content, turn.tool_call_id, turn.name)]))
        elif text := "\n".join([one.content for one in parts(turn) if one.__class__ is Text]):
            system.append(text)
    return Talk("\n\n".join(system) or None, _encode(made), ask)


def _counts_fit(counts: _Counts) -> bool:
    inside, outside = counts.prompt_tokens, counts.completion_tokens
    of_input, of_output = counts.of_input(), counts.of_output()
    read, write, reasoning = of_input.cached_tokens, of_input.cache_write_tokens, of_output.reasoning_tokens
    return (
        is_count(inside)
        and is_count(outside)
        and (not counts.total_tokens or counts.total_tokens == inside + outside)
        and (read is None or 0 <= read <= inside)
        and (write is None or 0 <= write <= inside - (read or 0))
        and (reasoning is None or 0 <= reasoning <= outside)
    )


class _OpenAIPlain:
    """Pairs with a whole, uncut chat completion."""

    source = "openai"

    def __init__(self) -> None:
        self._settings: dict[tuple[Any, ...], bytes] = {}

    def read(self, raw: bytes) -> _Read | None:
        """See `Shape.read`. Plain is an exchange with a unique id, counts that agree, and an answer."""
        one = _decode(raw)
        asked, answered = one.request, one.response
        identifier, choices = answered.id, answered.choices
        if identifier[:9] != "chatcmpl-" or len(identifier) < 20 or not choices:
            return None
        first = choices[0]
        if first.message.role != "assistant" or (len(choices) > 1 and first.finish_reason is None):
            return None
        if asked.max_tokens is not None and asked.max_completion_tokens is not None:
            return None
        if not _counts_fit(answered.usage) or not is_utf8(raw):
            return None
        turns = bytes(asked.messages)
        return _Read(
            one,
            talk(turns) or conversation(_decode_turns(turns)),
            tools(bytes(asked.tools)),
            response_format(bytes(asked.response_format)),
        )

    def columns(self, records: list[_Read]) -> Columns:
        """See `Shape.columns`."""
        ones = [one.line for one in records]
        asked = [one.request for one in ones]
        answered = [one.response for one in ones]
        talks = [one.talk for one in records]
        counts = [one.usage for one in answered]
        inside = [one.of_input() for one in counts]
        response_ids = [one.id for one in answered]
        served = [one.model or None for one in answered]
        wanted = [one.model or None for one in asked]
        return {
            "request_id": [identity(one) for one in response_ids],
            "response_id": response_ids,
            "provider": [provider_of_model(one or other) for one, other in zip(served, wanted, strict=True)],
            "request_model": wanted,
            "response_model": served,
            "system": [one.system for one in talks],
            "messages": [one.messages for one in talks],
            "ask": [one.ask for one in talks],
            "output": [
                [Said("assistant", made) for choice in one.choices if (made := parts(choice.message))]
                for one in answered
            ],
            "tools": [one.tools for one in records],
            "response_format": [one.response_format for one in records],
            "params": [self._params(one) for one in asked],
            "input_tokens": [one.prompt_tokens for one in counts],
            "output_tokens": [one.completion_tokens for one in counts],
            "cache_read_tokens": [one.cached_tokens for one in inside],
            "cache_write_tokens": [one.cache_write_tokens for one in inside],
            "reasoning_tokens": [one.of_output().reasoning_tokens for one in counts],
            "service_tier": [
                None if one.service_tier in _USUAL_TIERS else one.service_tier for one in answered
            ],
            "finish_reason": [one.choices[0].finish_reason for one in answered],
            **_beside(ones),
        }

    def _params(self, asked: _Asked) -> bytes:
        choice = asked.tool_choice
        if choice.__class__ is dict or choice.__class__ is list:
            return _encode_sorted(_params(asked))
        warmth, top = asked.temperature, asked.top_p
        limit = asked.max_tokens if asked.max_completion_tokens is None else asked.max_completion_tokens
        # 1 and 1.0 are one key, but not one text.
        key = (
            warmth, warmth.__class__, top, top.__class__, limit, limit.__class__,
            asked.stream, asked.reasoning_effort, asked.verbosity, choice, choice.__class__,
        )  # fmt: skip
        made = self._settings.get(key)
        if made is None:
            if len(self._settings) >= _ALIKE:
                self._settings.clear()
            made = self._settings[key] = _encode_sorted(_params(asked))
        return made


def _params(asked: _Asked) -> dict[str, Any]:
    limit = asked.max_tokens if asked.max_completion_tokens is None else asked.max_completion_tokens
    params = {
        "temperature": asked.temperature,
        "max_tokens": limit,
        "stream": asked.stream,
        "effort": asked.reasoning_effort,
        "top_p": asked.top_p,
        "verbosity": asked.verbosity,
        "tool_choice": asked.tool_choice,
    }
    return {name: value for name, value in params.items() if value is not None}


def _is_usual(one: _Line) -> bool:
    started, latency, session = one.timestamp, one.latency_ms, one.session_id
    return (
        started.__class__ is int
        and 0 < started < LATEST
        and (latency is None or (latency.__class__ is int and 0 <= latency < LATEST))
        and (session is None or (session.__class__ is str and session != ""))
        and 0 <= one.response.created < LATEST
        and one.request.user is None
        and _astuple(one)[_USUAL:] == _NO_REST
    )


def _beside(records: list[_Line]) -> Columns:
    """What stands beside the bodies. The usual three are taken at once, all else is left to `pairs.around`."""
    if all(map(_is_usual, records)):
        return {
            "started_at": [one.timestamp * 1_000_000 for one in records],
            "latency_ms": [one.latency_ms for one in records],
            "session_id": [one.session_id for one in records],
        }
    found = [_around(one) for one in records]
    for fields in found:
        fields["started_at"] = microseconds(fields["started_at"])
    return {
        name: [fields.get(name) for fields in found] for name in {name for fields in found for name in fields}
    }


def _around(one: _Line) -> dict[str, Any]:
    at, flag = clock.utc(one.response.created or None)
    fields: dict[str, Any] = {"started_at": at}
    if flag:
        fields["flags"] = [flag]
    if one.request.user is not None:
        fields["user"] = one.request.user
    values = zip(_BESIDE, _astuple(one)[2:], strict=True)
    pairs.around({name: value for name, value in values if value is not None}, fields, {})
    return fields


OPENAI_PLAIN = _OpenAIPlain()
