"""Files to shards on disk: the work that several processes share."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from router_audit.adapters.protocol import RecordError
from router_audit.adapters.reading import FileReader, NeedsOrder
from router_audit.logfile import Bad, Piece, Source, piece_lines, records
from router_audit.stages.ingest import redact
from router_audit.stages.ingest.rows import Shard
from router_audit.types import Filtered, LoggedRequest, Rejected

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from router_audit.types import Outcome

SHARD_ROWS = 10_000
SHARDS_PER_TASK = 1 << 16


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
        self.options = options
        self._number = first
        self.tally = Tally()
        self._shard = self._new()

    def _new(self) -> Shard:
        self._room = SHARD_ROWS
        return Shard(self._number, redacting=self.options.redact)

    def put(self, outcomes: Iterable[Outcome]) -> None:
        """Take the outcomes in, each counted once."""
        tally = self.tally
        for outcome in outcomes:
            tally.records += 1
            if outcome.__class__ is LoggedRequest:
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
                tally.merged += 1
            self._room -= 1
            if not self._room:
                self.flush()

    def _reject(self, outcome: Rejected) -> None:
        if self.options.redact:
            outcome = redact.rejected(outcome)
        self._shard.rejects.append(outcome)
        self.tally.rejected[outcome.source] += 1

    def flush(self) -> None:
        """Write what is there."""
        self._shard.write(self._folder)
        self._number += 1
        self._shard = self._new()


def read_file(source: Source, shards: Shards) -> Iterator[int]:
    """Decode a whole file into the shards; yields the records read so far now and then."""
    reader = FileReader(source.name, mapping=dict(shards.options.mapping))
    at = 0
    for at, (line, record) in enumerate(records(source, undecoded=True), 1):
        if record.__class__ is Bad and record.whole_file:
            shards.tally.whole_file.append((source.name, record.reason))
        shards.put(reader.feed(line, record))
        if at % 1000 == 0:
            yield 1000
    shards.put(reader.close())
    yield at % 1000


def run(task: Task, folder: Path, options: Options) -> Tally | None:
    """Do a task; None where a piece turned out to need its file in order."""
    shards = Shards(folder, task.number * SHARDS_PER_TASK, options)
    if task.piece is not None:
        reader = FileReader(Source(task.piece.path).name, pieces=True, mapping=dict(options.mapping))
        try:
            for line, record in piece_lines(task.piece):
                shards.put(reader.feed(line, record))
            shards.put(reader.close())
        except NeedsOrder:
            return None
    for source in task.sources:
        for _ in read_file(source, shards):
            pass
    shards.flush()
    return shards.tally
