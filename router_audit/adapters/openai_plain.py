"""The plain chat exchange of OpenAI's shape, typed: the commonest line of all."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any, Literal

import msgspec

from router_audit.adapters import clock, messages, pairs
from router_audit.adapters.openai import provider_of_model
from router_audit.adapters.plain import (
    LATEST,
    NO_TOOLS,
    Columns,
    Said,
    Text,
    identity,
    is_text,
    microseconds,
    response_format,
    tools,
)
from router_audit.adapters.usage import MOST_TOKENS

Number = int | float


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


Count = Annotated[int, msgspec.Meta(ge=0, le=MOST_TOKENS)]
"""What can be a count of tokens; a line with another number is left to the adapter, which says what is wrong."""


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


class _Answered(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    id: Annotated[str, msgspec.Meta(min_length=20)]
    object: Literal["chat.completion"]
    model: str
    choices: list[_Choice]
    usage: _Counts
    created: int = 0
    system_fingerprint: str | None = None
    service_tier: str | None = None


class _Line(msgspec.Struct, forbid_unknown_fields=True, gc=False):
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


_COLUMNS = (
    "system", "messages", "ask", "tools", "response_format", "request_id", "response_id", "provider",
    "request_model", "response_model", "output", "params", "input_tokens", "output_tokens", "cache_read_tokens",
    "cache_write_tokens", "reasoning_tokens", "service_tier", "finish_reason", "line",
)  # fmt: skip
_provider = lru_cache(maxsize=256)(provider_of_model)
_USUAL_TIERS = (None, "default", "standard", "auto", "")
_BESIDE = _Line.__struct_fields__[2:]
_USUAL = 5
"""Fields of a line up to the session."""
_NO_REST = (None,) * (len(_Line.__struct_fields__) - _USUAL)
_astuple = msgspec.structs.astuple
_decode = msgspec.json.Decoder(_Line).decode
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
            if content.__class__ is list:
                content = [{"type": "text", "text": one.text} for one in content]
            made.append(Said("tool", [messages.tool_response(content, turn.tool_call_id, turn.name)]))
        elif text := "\n".join([one.content for one in parts(turn) if one.__class__ is Text]):
            system = text if system is None else f"{system}\n\n{text}"
    if made and made[-1].role == "user":
        said = made[-1].parts
        ask = said[0].content if len(said) == 1 else "\n".join([one.content for one in said if one.content])
    return system, _encode(made), ask


class _OpenAIPlain:
    """Pairs with a whole, uncut chat completion."""

    source = "openai"

    def __init__(self) -> None:
        self._settings: dict[tuple[Any, ...], bytes] = {}

    def read(self, raw: bytes) -> tuple[Any, ...] | None:
        """See `Shape.read`. Plain is an exchange with a unique id, counts that agree, and one answer."""
        line = _decode(raw)
        asked, answered = line.request, line.response
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
            _provider(served or wanted),
            wanted,
            served,
            [Said("assistant", said)] if said else None,
            self._params(asked),
            inside,
            outside,
            read,
            write,
            reasoning,
            None if tier in _USUAL_TIERS else tier,
            choice.finish_reason,
            line,
        )

    def columns(self, records: list[tuple[Any, ...]]) -> Columns:
        """See `Shape.columns`."""
        columns = dict(zip(_COLUMNS, map(list, zip(*records, strict=True)), strict=True))
        return columns | _beside(columns.pop("line"))

    def _params(self, asked: _Asked) -> bytes:
        warmth, top, choice = asked.temperature, asked.top_p, asked.tool_choice
        limit = asked.max_tokens if asked.max_completion_tokens is None else asked.max_completion_tokens
        if choice.__class__ is dict or choice.__class__ is list:
            return _encode_sorted(_params(asked))
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
