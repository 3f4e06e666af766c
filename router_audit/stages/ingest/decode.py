"""One file, or a piece of one, to shards on disk: the work that may run in another process."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from router_audit.adapters.protocol import RecordError
from router_audit.adapters.reading import FileReader
from router_audit.logfile import Source, records
from router_audit.stages.ingest.rows import Shard
from router_audit.types import Filtered, LoggedRequest, Merged, Rejected

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from router_audit.types import Outcome

SHARD_ROWS = 20_000
SHARD_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Options:
    """What decoding needs of the user's options."""

    redact: bool = False


@dataclass(slots=True)
class Tally:
    """What became of the records that were decoded."""

    records: int = 0
    requests: int = 0
    merged: int = 0
    filtered: Counter[str] = field(default_factory=Counter)
    rejected: Counter[str] = field(default_factory=Counter)
    """By source."""
    whole_file: list[tuple[str, str]] = field(default_factory=list)
    """(file, reason) of files of which nothing could be read."""

    def add(self, other: Tally) -> None:
        """Add the other's counts."""
        self.records += other.records
        self.requests += other.requests
        self.merged += other.merged
        self.filtered += other.filtered
        self.rejected += other.rejected
        self.whole_file += other.whole_file


class Shards:
    """Numbered shards in a folder; a new one begins when the last is full."""

    def __init__(self, folder: Path, first: int, options: Options) -> None:
        self._folder = folder
        self._options = options
        self._number = first
        self.tally = Tally()
        self._shard = self._new()

    def _new(self) -> Shard:
        return Shard(self._number)

    def put(self, outcomes: Iterable[Outcome]) -> None:
        """Take the outcomes in, each counted once."""
        tally = self.tally
        for outcome in outcomes:
            tally.records += 1
            if outcome.__class__ is LoggedRequest:
                assert isinstance(outcome, LoggedRequest)
                try:
                    self._shard.add(outcome)
                    tally.requests += 1
                except RecordError as error:
                    self._reject(Rejected(outcome.file, outcome.line, str(error), source=outcome.source))
            elif isinstance(outcome, Rejected):
                self._reject(outcome)
            elif isinstance(outcome, Filtered):
                tally.filtered[outcome.reason] += 1
            else:
                assert isinstance(outcome, Merged)
                tally.merged += 1
        if self._shard.rows >= SHARD_ROWS or len(self._shard.rejects) >= SHARD_ROWS:
            self.flush()

    def _reject(self, outcome: Rejected) -> None:
        self._shard.rejects.append(outcome)
        self.tally.rejected[outcome.source] += 1

    def flush(self) -> None:
        """Write what is there."""
        self._shard.write(self._folder)
        self._number += 1
        self._shard = self._new()


def read_file(source: Source, shards: Shards) -> Iterator[int]:
    """Decode a whole file into the shards; yields the records read so far now and then."""
    reader = FileReader(source.name)
    at = 0
    for at, (line, record) in enumerate(records(source), 1):
        if not isinstance(record, dict) and record.whole_file:
            shards.tally.whole_file.append((source.name, record.reason))
        shards.put(reader.feed(line, record))
        if at % 1000 == 0:
            yield 1000
    shards.put(reader.close())
    yield at % 1000
