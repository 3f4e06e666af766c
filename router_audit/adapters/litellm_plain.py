"""LiteLLM's plain payload, a batch at a time into columns."""

from __future__ import annotations

from math import modf
from typing import Any

from router_audit.adapters import clock
from router_audit.adapters.litellm import provider, stated
from router_audit.adapters.litellm_payload import (
    PAYLOAD,
    InputDetails,
    Metadata,
    OutputDetails,
    Parameters,
    Payload,
    Split,
    Time,
    Usage,
)
from router_audit.adapters.openai_plain import chosen, exchanged, parts
from router_audit.adapters.outcome import STATED
from router_audit.adapters.plain import (
    LATEST,
    Columns,
    Shape,
    microseconds,
    said,
    settings,
    typed,
)
from router_audit.types import Part

_NO_METADATA, _NO_PARAMETERS, _NO_USAGE = Metadata(), Parameters(), Usage(0)
_NO_INPUT_DETAILS, _NO_OUTPUT_DETAILS, _NO_SPLIT = InputDetails(), OutputDetails(), Split()
_LOOKED_AT = STATED | {"router_audit"}


def _usage(line: Payload) -> Usage:
    return (line.metadata or _NO_METADATA).usage_object or line.response.usage or _NO_USAGE


def _cache_read(counts: Usage) -> int | None:
    for found in (
        (counts.prompt_tokens_details or _NO_INPUT_DETAILS).cached_tokens,
        counts.prompt_cache_hit_tokens,
    ):
        if found is not None:
            return found
    return counts.cache_read_input_tokens


def _cache_write(counts: Usage) -> int | None:
    details = counts.prompt_tokens_details or _NO_INPUT_DETAILS
    for found in (details.cache_write_tokens, details.cache_creation_tokens):
        if found is not None:
            return found
    return counts.cache_creation_input_tokens


def _reasoning(counts: Usage) -> int | None:
    return (counts.completion_tokens_details or _NO_OUTPUT_DETAILS).reasoning_tokens


def _odd(lines: list[Payload]) -> list[int]:
    """Plain is a call of the provider's, told by an id of its own, with counts that agree and one limit."""
    return [
        place
        for place, line in enumerate(lines)
        if line.cache_hit or line.response.id.isdigit() or _disagree(line) or _has_two_limits(line)
    ]


def _disagree(line: Payload) -> bool:
    counts = _usage(line)
    inside, outside = line.prompt_tokens, line.completion_tokens
    total = counts.total_tokens if line.total_tokens is None else line.total_tokens
    return bool(
        (total and total != inside + outside)
        or (_cache_read(counts) or 0) + (_cache_write(counts) or 0) > inside
        or (_reasoning(counts) or 0) > outside
    )


def _has_two_limits(line: Payload) -> bool:
    asked = line.model_parameters
    return asked is not None and asked.max_tokens is not None and asked.max_completion_tokens is not None


def _told(*names: str | None) -> str | None:
    for name in names:
        if name and name != "None":
            return name
    return None


def _output(reply: Any) -> bytes:
    made = parts(reply)
    if reply.reasoning_content:
        made.insert(0, Part("reasoning", reply.reasoning_content))
    return said(made)


def _columns(lines: list[Payload]) -> Columns:
    asked = [line.model_parameters or _NO_PARAMETERS for line in lines]
    metadata = [line.metadata or _NO_METADATA for line in lines]
    answered = [line.response for line in lines]
    return exchanged([line.messages for line in lines], asked, answered) | {
        "provider": [provider(_told(line.custom_llm_provider)) for line in lines],
        "request_model": [
            _told(line.model_group, one.model, line.model) for line, one in zip(lines, asked, strict=True)
        ],
        "response_model": [_told(one.model, line.model) for line, one in zip(lines, answered, strict=True)],
        "output": [_output(one.choices[0].message) for one in answered],
        "params": _settings(lines, asked),
        "logged_cost_usd": list(map(_cost, lines)),
        **_counts(lines),
        **_times(lines),
        **_who(lines, asked, metadata),
        **_stated(metadata),
    }


def _settings(lines: list[Payload], asked: list[Parameters]) -> list[bytes]:
    return settings(
        chosen(asked)
        | {
            "stream": [
                one.stream if line.stream is None else line.stream
                for line, one in zip(lines, asked, strict=True)
            ],
            "thinking_budget": [one.thinking and (one.thinking.budget_tokens or None) for one in asked],
        }
    )


def _cost(line: Payload) -> str | None:
    """The cost as it was written; one of 0 is that of a model without a price."""
    cost = line.response_cost
    return None if cost is None or (not cost and line.prompt_tokens) else str(cost)


def _counts(lines: list[Payload]) -> Columns:
    counts = list(map(_usage, lines))
    splits = [
        (one.prompt_tokens_details or _NO_INPUT_DETAILS).cache_creation_token_details or _NO_SPLIT
        for one in counts
    ]
    return {
        "input_tokens": [line.prompt_tokens for line in lines],
        "output_tokens": [line.completion_tokens for line in lines],
        "cache_read_tokens": list(map(_cache_read, counts)),
        "cache_write_tokens": list(map(_cache_write, counts)),
        "cache_write_1h_tokens": [one.ephemeral_1h_input_tokens for one in splits],
        "reasoning_tokens": list(map(_reasoning, counts)),
    }


def _moment(at: Time) -> int | None:
    """Microseconds since 1970, to the same one as `clock.utc`."""
    if at.__class__ is float and 0 < at < LATEST:
        fraction, seconds = modf(at)
        return int(seconds) * 1_000_000 + round(fraction * 1e6)
    return microseconds(clock.utc(at, naive="utc")[0])


def _between_ms(start: int | None, end: int | None) -> float | None:
    return None if start is None or end is None or end < start else (end - start) / 1_000_000 * 1e3


def _times(lines: list[Payload]) -> Columns:
    started = [_moment(line.startTime) for line in lines]
    ended = [_moment(line.endTime) for line in lines]
    first = [_moment(line.completionStartTime) for line in lines]
    made: Columns = {
        "started_at": started,
        "latency_ms": list(map(_between_ms, started, ended)),
        "time_to_first_token_ms": [
            None if token == end else _between_ms(start, token)
            for start, token, end in zip(started, first, ended, strict=True)
        ],
    }
    if None in started:
        flags = [clock.utc(line.startTime, naive="utc")[1] for line in lines]
        made["flags"] = [[flag] if flag else [] for flag in flags]
    return made


def _who(lines: list[Payload], asked: list[Parameters], metadata: list[Metadata]) -> Columns:
    return {
        "session_id": [_told(line.session_id, line.trace_id) for line in lines],
        "trace_id": [_told(line.trace_id) for line in lines],
        "user": [
            _told(
                line.end_user, one.user, told.user_api_key_end_user_id, told.user_api_key_user_id, line.user
            )
            for line, one, told in zip(lines, asked, metadata, strict=True)
        ],
        "team": [
            _told(
                told.user_api_key_team_alias,
                told.user_api_key_team_id,
                told.team_alias,
                line.team_id,
                line.organization_id,
            )
            for line, told in zip(lines, metadata, strict=True)
        ],
        "project": [
            _told(one.user_api_key_project_alias, one.user_api_key_project_id, one.user_api_key_alias)
            for one in metadata
        ],
        "tags": [line.request_tags for line in lines],
        "retry_count": [max(one.attempted_retries or 0, 0) for one in metadata],
    }


def _states(holder: dict[str, Any] | None) -> bool:
    return holder is not None and not _LOOKED_AT.isdisjoint(holder)


def _stated(metadata: list[Metadata]) -> Columns:
    found = [
        stated(one.routing_decision, one.requester_metadata, one.spend_logs_metadata)
        if one.routing_decision or _states(one.requester_metadata) or _states(one.spend_logs_metadata)
        else {}
        for one in metadata
    ]
    return {name: [one.get(name) for one in found] for name in {name for one in found for name in one}}


LITELLM_PLAIN = Shape("litellm", typed(PAYLOAD), _odd, _columns)
