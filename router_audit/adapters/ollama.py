"""Ollama: exchanges with its own API, its OpenAI-compatible one and its cloud, bare replies and their streams."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from router_audit.adapters.dialects import logged
from router_audit.adapters.exchange import Exchange, bodies_fields, collapsed, fields_of, from_pair
from router_audit.types import Filtered, Merged, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from router_audit.adapters.protocol import Record

_URLS = ("/api/chat", "/api/generate", ":11434/", "//ollama.com/")


class _Ollama:
    """Reads one call per exchange, or per reply that is done. A prompt count of zero means that it was cached."""

    source = "ollama"
    reads = "exchanges (`/api/chat`, `/api/generate`, `/v1`), bare replies and streamed replies"
    ordered = True

    def detects(self, record: Record) -> bool:
        """Its URLs, or a reply with its words."""
        request = record.get("request")
        if isinstance(request, dict) and isinstance(request.get("url"), str):
            return any(part in request["url"] for part in _URLS)
        return {"model", "created_at", "done"} <= record.keys() and (
            "message" in record or "response" in record
        )

    def reader(self, file: str) -> Reader:
        """See `Adapter.reader`."""
        return Reader(file)


class Reader:
    """Puts the lines of a streamed reply together."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._lines: list[Record] = []

    def feed(self, record: Record, line: int) -> Iterable[Outcome]:
        """See `Reader.feed` of the protocol."""
        exchange = from_pair(record)
        if exchange is not None:
            found = fields_of(exchange)
            yield found if isinstance(found, Filtered) else self._call(found, record, line)
            return
        self._lines.append(record)
        if record.get("done") is not True:
            yield Merged()
            return
        yield self._reply(line)

    def close(self) -> Iterator[Outcome]:
        """See `Reader.close` of the protocol: a reply that never ended has no counts."""
        self._lines.clear()
        return iter(())

    def _reply(self, line: int) -> Outcome:
        lines, self._lines = self._lines, []
        whole = collapsed(lines)
        found = bodies_fields(Exchange(url="/api/chat", response=whole))
        found["flags"] = [*found.get("flags", []), "response_only"]
        return self._call(found, whole, line)

    def _call(self, found: dict[str, Any], record: Record, line: int) -> Outcome:
        found["provider"] = "ollama"
        return logged(found, source=OLLAMA.source, file=self._file, line=line, native=record)


OLLAMA = _Ollama()
