"""What stands around the two bodies of a plain exchange: HTTP, times, session, outcome."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from router_audit.adapters import clock, pairs
from router_audit.adapters.plain import LATEST, Columns, Shape, microseconds, typed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable


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
_REST = _BESIDE[_USUAL:]
_rest = attrgetter(*_REST)
_NO_REST = (None,) * len(_REST)
_NUMBERS = {int, float, type(None)}
_TEXTS = {str, type(None)}
_NO_HEADERS: dict[str, str] = {}


@dataclass(frozen=True, slots=True)
class Bodies:
    """How the bodies of one provider's plain exchanges are read."""

    source: str
    provider_of_url: Callable[[str], str | None]
    """Of a URL whose calls are plain, else None."""
    odd: Callable[[list[Any], list[Any]], Iterable[int]]
    """Which of these requests and responses are not plain."""
    columns: Callable[[list[Any], list[Any]], Columns]
    """Theirs, with `user` and `created` where the bodies say them."""

    def bare(self, line: type[Beside]) -> Shape:
        """The shape of lines whose `request` and `response` are the bodies."""

        def odd(lines: list[Any]) -> Iterable[int]:
            return self.odd([one.request for one in lines], [one.response for one in lines])

        def columns(lines: list[Any]) -> Columns:
            made = self.columns([one.request for one in lines], [one.response for one in lines])
            return _beside(made, lines)

        return Shape(self.source, typed(line), odd, columns)

    def over_http(self, line: type[Beside]) -> Shape:
        """The shape of lines with the HTTP around the bodies."""

        def odd(lines: list[Any]) -> Iterable[int]:
            asked = [one.request for one in lines]
            found = self.odd([one.body for one in asked], [one.response.body for one in lines])
            return {
                *found,
                *(place for place, one in enumerate(asked) if self.provider_of_url(one.url) is None),
            }

        def columns(lines: list[Any]) -> Columns:
            asked = [one.request for one in lines]
            made = self.columns([one.body for one in asked], [one.response.body for one in lines])
            made["provider"] = [self.provider_of_url(one.url) for one in asked]
            return _beside(made, lines, [one.response.headers for one in lines])

        return Shape(self.source, typed(line), odd, columns)


def _beside(bodies: Columns, lines: list[Any], headers: list[Any] | None = None) -> Columns:
    """The columns of the bodies, and of what stands beside them.

    The usual three are taken at once, all else is left to `pairs.around`.
    """
    count = len(lines)
    users = bodies.pop("user")
    created = bodies.pop("created", [0] * count)
    started = _usual_starts([one.timestamp for one in lines])
    latency = [one.latency_ms for one in lines]
    sessions = [one.session_id for one in lines]
    if (
        users.count(None) == count
        and list(map(_rest, lines)).count(_NO_REST) == count
        and (headers is None or headers.count(None) == count)
        and None not in started
        and {*map(type, latency)} <= _NUMBERS
        and not any(one is not None and not 0 <= one < LATEST for one in latency)
        and {*map(type, sessions)} <= _TEXTS
        and "" not in sessions
        and max(created) < LATEST
        and min(created) >= 0
    ):
        return bodies | {"started_at": started, "latency_ms": latency, "session_id": sessions}
    found = list(map(_around, lines, created, users))
    names = {name for fields in found for name in fields}
    return bodies | {name: [fields.get(name) for fields in found] for name in names}


def _usual_starts(values: list[Any]) -> list[int | None]:
    """The moments that nothing is to be said about, in microseconds since 1970."""
    if {*map(type, values)} == {int} and min(values) > 0 and max(values) < LATEST:
        return [value * 1_000_000 for value in values]
    return [None if flag else microseconds(moment) for moment, flag in map(clock.utc, values)]


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
