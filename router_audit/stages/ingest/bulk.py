"""Plain records to columns: many at a time, without an object for each call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from router_audit.stages.ingest.columns import MOST_RETRIES, UNSAID, cost_text
from router_audit.stages.ingest.contents import Templates, content_hash, question_hash

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from router_audit.adapters.plain import Columns, Shape

_encode = msgspec.json.Encoder().encode
_encode_sorted = msgspec.json.Encoder(order="sorted").encode


def _lists(values: list[Any]) -> list[bytes]:
    return [_encode(value) if value else b"[]" for value in values]


_WRITTEN: dict[str, Callable[[list[Any]], list[Any]]] = {
    "tags": _lists,
    "flags": _lists,
    "routing": lambda values: [_encode_sorted(value) if value else b"{}" for value in values],
    "retry_count": lambda values: [min(value or 0, MOST_RETRIES) for value in values],
    "logged_cost_usd": lambda values: [None if value is None else cost_text(value) for value in values],
}
"""How a field of `plain.Columns` is written, where not as it is."""


class Bulk:
    """The columns of the plain records of a shard, of whatever shape and file."""

    def __init__(self, templates: Templates) -> None:
        self.count = 0
        self.columns: dict[str, list[Any]] = {}
        self._templates = templates

    def add(
        self, shape: Shape, records: list[Any], file: str, lines: Sequence[int], places: Sequence[int]
    ) -> None:
        """As many rows as there are records; each has a line of the file and a place among all records."""
        columns = shape.columns(records)
        templates = list(
            map(
                self._templates.of,
                columns.pop("system"),
                columns.pop("tools"),
                columns.pop("response_format"),
            )
        )
        asks = columns.pop("ask")
        sessions = columns.get("session_id")
        if sessions is not None:
            columns["ask_hash"] = [
                None if session is None else question_hash(ask)
                for session, ask in zip(sessions, asks, strict=True)
            ]
        for name, write in _WRITTEN.items():
            if columns.get(name) is not None:
                columns[name] = write(columns[name])
        if "user" in columns:
            columns["user_id"] = columns.pop("user")
        columns |= {
            "source": shape.source,
            "file": file,
            "line": [*lines],
            "place": [*places],
            "template_id": templates,
            "content_hash": list(map(content_hash, templates, columns["messages"])),
        }
        self._extend(columns, len(records))

    def _extend(self, columns: Columns, count: int) -> None:
        held = self.columns
        for name, values in columns.items():
            if name not in held:
                held[name] = [UNSAID.get(name)] * self.count
            held[name] += values if values.__class__ is list else [values] * count
        for name in held.keys() - columns.keys():
            held[name] += [UNSAID.get(name)] * count
        self.count += count
