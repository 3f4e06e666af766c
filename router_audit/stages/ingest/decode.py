"""Files to shards on disk: the work that several processes share."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from router_audit.adapters.protocol import RecordError
from router_audit.adapters.reading import FileReader, NeedsOrder
from router_audit.logfile import Bad, Piece, Source, gathered, of_piece, records
from router_audit.stages.ingest import redact
from router_audit.stages.ingest.loading import PLACES_PER_SHARD, SHARDS_PER_TASK
from router_audit.stages.ingest.rows import Shard
from router_audit.types import Filtered, LoggedRequest, Rejected

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from router_audit.adapters.plain import Shape
    from router_audit.logfile import Handful
    from router_audit.types import Outcome

SHARD_ROWS = 10_000
MOST_ROWS = 20_000
"""Rows after which a shard is full even in the midst of a line, which may hold many calls."""
SHARD_BYTES = 32 * 1024 * 1024
"""Of log text, after which a shard is full: memory stays flat whatever the size of a record."""


@dataclass(frozen=True, slots=True)
class Task:
    """Work for one process: whole files, or a piece of one."""

    number: int
    sources: tuple[Source, ...] = ()
    piece: Piece | None = None


@dataclass(frozen=True, slots=True)
class Options:
    """What decoding needs of the user's options."""

    redact: bool = False
    mapping: tuple[tuple[str, str], ...] = ()
    """`--map`: (our field, path in the record)."""


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
    shards: int = 0
    """Into which they were written."""

    def add(self, other: Tally) -> None:
        """Add the other's counts."""
        self.records += other.records
        self.requests += other.requests
        self.merged += other.merged
        self.filtered += other.filtered
        self.rejected += other.rejected
        self.whole_file += other.whole_file
        self.shards += other.shards


class Shards:
    """Numbered shards in a folder; a new one begins when the last is full."""

    def __init__(self, folder: Path, first: int, options: Options) -> None:
        self._folder = folder
        self.options = options
        self._number = first
        self.tally = Tally()
        self._begin()

    def _begin(self) -> None:
        self._shard = Shard(self._number, redacting=self.options.redact)
        self._place = self._number * PLACES_PER_SHARD
        self._bytes = 0

    def take(self, handfuls: Iterable[Handful], reader: FileReader) -> Iterator[int]:
        """Take in the records of one file, decoded or not; yields how many they were, now and then."""
        for numbers, lines in handfuls:
            before = self.tally.records
            self._take(numbers, lines, reader)
            if self._shard.rows >= SHARD_ROWS or self._bytes >= SHARD_BYTES or self._is_full():
                self.flush()
            yield self.tally.records - before
        before = self.tally.records
        self._put(reader.close())
        yield self.tally.records - before

    def _take(self, numbers: Sequence[int], lines: list[Any], reader: FileReader) -> None:
        """Plain records become columns together; every other line is read on its own."""
        self._bytes += sum(len(line) for line in lines if line.__class__ is bytes)
        start = 0
        for shape, run in [(None, lines)] if self.options.redact else reader.runs(lines):
            here = numbers[start : start + len(run)]
            start += len(run)
            if shape is not None:
                self._add(shape, run, reader.file, here)
                continue
            for number, line in zip(here, run, strict=True):
                if line.__class__ is Bad and line.whole_file:
                    self.tally.whole_file.append((reader.file, line.reason))
                self._put(reader.feed(number, line))

    def _add(self, shape: Shape, records: list[Any], file: str, lines: Sequence[int]) -> None:
        end = self._place + len(records)
        self._shard.bulk.add(shape, records, file, lines, range(self._place, end))
        self._place = end
        self.tally.records += len(records)
        self.tally.requests += len(records)

    def _put(self, outcomes: Iterable[Outcome]) -> None:
        """Take the outcomes in, each counted once."""
        tally = self.tally
        for outcome in outcomes:
            tally.records += 1
            if outcome.__class__ is LoggedRequest:
                try:
                    self._shard.add(outcome, self._place)
                    tally.requests += 1
                except RecordError as error:
                    self._reject(Rejected(outcome.file, outcome.line, str(error), source=outcome.source))
            elif isinstance(outcome, Rejected):
                self._reject(outcome)
            elif isinstance(outcome, Filtered):
                tally.filtered[outcome.reason] += 1
            else:
                tally.merged += 1
            self._place += 1
            if self._is_full():
                self.flush()

    def _is_full(self) -> bool:
        """Whether not another line may go in, whatever it holds."""
        return (
            self._shard.rows >= MOST_ROWS
            or self._shard.body_bytes >= SHARD_BYTES
            or self._place >= (self._number + 1) * PLACES_PER_SHARD - MOST_ROWS
        )

    def _reject(self, outcome: Rejected) -> None:
        if self.options.redact:
            outcome = redact.rejected(outcome)
        self._shard.rejects.append(outcome)
        self.tally.rejected[outcome.source] += 1

    def flush(self) -> None:
        """Write what is there."""
        self._shard.write(self._folder)
        self._number += 1
        self.tally.shards += 1
        self._begin()


def read_file(source: Source, shards: Shards) -> Iterator[int]:
    """Decode a whole file into the shards; yields the records read so far now and then."""
    reader = FileReader(source.name, mapping=dict(shards.options.mapping))
    return shards.take(gathered(records(source, undecoded=True)), reader)


def run(task: Task, folder: Path, options: Options) -> Tally | None:
    """Do a task; None where a piece turned out to need its file in order."""
    shards = Shards(folder, task.number * SHARDS_PER_TASK, options)
    if task.piece is not None:
        reader = FileReader(Source(task.piece.path).name, pieces=True, mapping=dict(options.mapping))
        try:
            for _ in shards.take(of_piece(task.piece), reader):
                pass
        except NeedsOrder:
            return None
    for source in task.sources:
        for _ in read_file(source, shards):
            pass
    shards.flush()
    return shards.tally
