"""What stands around the two bodies of a plain exchange: HTTP, times, session, outcome."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from router_audit.adapters import clock, pairs
from router_audit.adapters.plain import LATEST, Columns, microseconds


class Beside(msgspec.Struct, forbid_unknown_fields=True, gc=False, kw_only=True):
    """A line's fields beside `request` and `response`."""

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
    started_at: Any = None
    ended_at: Any = None


class HttpAsked(msgspec.Struct, forbid_unknown_fields=True, gc=False, kw_only=True):
    """A request but for its `body`."""

    url: str
    method: Any = None
    headers: Any = None


class HttpAnswered(msgspec.Struct, forbid_unknown_fields=True, gc=False, kw_only=True):
    """A response but for its `body`: one that was no error."""

    status: Literal[200] | None = None
    headers: dict[str, Any] | None = None


_BESIDE = Beside.__struct_fields__
_USUAL = 3
"""Fields up to the session."""
_NO_REST = (None,) * (len(_BESIDE) - _USUAL)
_BODIES = 2
"""Fields that a line has before them."""
_astuple = msgspec.structs.astuple
_NO_HEADERS: dict[str, str] = {}


def beside(lines: list[Any], created: list[int], users: list[str | None]) -> Columns:
    """What stands beside the bodies; `created` and `users` are what the bodies say themselves.

    The usual three are taken at once, all else is left to `pairs.around`.
    """
    if not any(users) and all(map(_is_usual, lines, created)):
        return {
            "started_at": [one.timestamp * 1_000_000 for one in lines],
            "latency_ms": [one.latency_ms for one in lines],
            "session_id": [one.session_id for one in lines],
        }
    found = list(map(_around, lines, created, users))
    names = {name for fields in found for name in fields}
    return {name: [fields.get(name) for fields in found] for name in names}


def _is_usual(line: Any, created: int) -> bool:
    values = _astuple(line)
    _, answered, started, latency, session = values[: _BODIES + _USUAL]
    return (
        started.__class__ is int
        and 0 < started < LATEST
        and (latency is None or (latency.__class__ is int and 0 <= latency < LATEST))
        and (session is None or (session.__class__ is str and session != ""))
        and 0 <= created < LATEST
        and values[_BODIES + _USUAL :] == _NO_REST
        and getattr(answered, "headers", None) is None
    )


def _around(line: Any, created: int, user: str | None) -> dict[str, Any]:
    at, flag = clock.utc(created or None)
    fields: dict[str, Any] = {"started_at": at}
    if flag:
        fields["flags"] = [flag]
    if user is not None:
        fields["user"] = user
    told = {name: value for name in _BESIDE if (value := getattr(line, name)) is not None}
    answered = line.response
    headers = pairs.header_map(answered.headers) if isinstance(answered, HttpAnswered) else _NO_HEADERS
    pairs.around(told, fields, headers)
    fields["started_at"] = microseconds(fields["started_at"])
    return fields
