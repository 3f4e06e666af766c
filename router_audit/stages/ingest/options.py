"""What the user asks of an ingest, and what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """Which of the calls found are stored, and how."""

    last: int | None = None
    """Only the latest N of the calls read, by time, across all files."""
    since: datetime | None = None
    """Only calls that started then or later."""
    until: datetime | None = None
    """Only calls that started before."""
    models: tuple[str, ...] = ()
    """Only calls that asked for or got one of these models (`*` as in file names)."""
    sources: tuple[str, ...] = ()
    """Only calls read by these adapters."""
    redact: bool = False
    """Mask e-mail addresses, phone and card numbers as well as keys."""
    mapping: tuple[str, ...] = ()
    """`FIELD=PATH` each: which of a log's fields is which of ours."""
    workers: int | None = None
    """Processes that read; as many as there are cores by default."""

    @property
    def selecting(self) -> bool:
        """Whether some of the calls found may not be asked for."""
        return bool(self.last is not None or self.since or self.until or self.models or self.sources)


@dataclass(frozen=True, slots=True)
class Tokens:
    """Sums over what one ingest stored."""

    input: int
    output: int
    cache_read: int
    cache_write: int
    reasoning: int


@dataclass(frozen=True, slots=True)
class SourceCounts:
    """What came of one source."""

    stored: int
    rejected: int


@dataclass(frozen=True, slots=True)
class IngestResult:
    """What one ingest did; `records = stored + duplicates + filtered + rejected`."""

    files: int
    records: int
    stored: int
    duplicates: int
    filtered: int
    rejected: int
    tokens: Tokens
    by_source: dict[str, SourceCounts]
