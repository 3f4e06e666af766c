"""Counting a nested trace once: a call that stands above another call only repeats it."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING

import msgspec

from router_audit.types import LoggedRequest, Merged, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

OPEN_TRACES = 2000
"""How many traces wait for more spans at once: exports interleave few, and memory must not grow with the log."""


class _Trace(msgspec.Struct):
    parents: dict[str, str | None] = {}
    calls: dict[str, LoggedRequest] = {}


class Leaves:
    """Holds the calls of open traces until it is known which of them stand above others."""

    def __init__(self, open_traces: int = OPEN_TRACES) -> None:
        self._open: OrderedDict[str, _Trace] = OrderedDict()
        self._most = open_traces

    def link(self, trace: str, span: str, parent: str | None) -> None:
        """Note where a span stands, be it a call or not."""
        if trace not in self._open:
            self._open[trace] = _Trace(parents={}, calls={})
        self._open.move_to_end(trace)
        self._open[trace].parents[span] = parent

    def hold(self, trace: str, span: str, parent: str | None, call: Outcome) -> Iterator[Outcome]:
        """Take in a call; give back what an older trace can now let go. What is no call is given back at once."""
        self.link(trace, span, parent)
        if not isinstance(call, LoggedRequest):
            yield call
            return
        calls = self._open[trace].calls
        if span in calls:
            yield Merged()
        calls[span] = call
        while len(self._open) > self._most:
            yield from _settle(self._open.popitem(last=False)[1])

    def close(self) -> Iterator[Outcome]:
        """Every call still held."""
        while self._open:
            yield from _settle(self._open.popitem(last=False)[1])


def _settle(trace: _Trace) -> Iterator[Outcome]:
    above: set[str] = set()
    for span in trace.calls:
        parent = trace.parents.get(span)
        while parent is not None and parent not in above:
            above.add(parent)
            parent = trace.parents.get(parent)
    for span, call in trace.calls.items():
        yield Merged() if span in above else call
