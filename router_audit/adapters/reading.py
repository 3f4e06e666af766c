"""From the records of one file to outcomes: which adapter, and what happens when it cannot."""

from __future__ import annotations

from contextlib import suppress
from itertools import groupby
from operator import itemgetter
from typing import TYPE_CHECKING, Any

import msgspec

from router_audit.adapters import LEAN, PLAIN, detect
from router_audit.adapters.generic import Mapped
from router_audit.adapters.plain import UNTYPED
from router_audit.adapters.protocol import RecordError
from router_audit.logfile import Bad, decode, unfold
from router_audit.types import Filtered, Rejected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from router_audit.adapters.plain import Shape
    from router_audit.adapters.protocol import Adapter, Reader, Record
    from router_audit.types import Outcome

    Run = tuple[Shape | None, list[Any]]

_SHAPES = (TypeError, AttributeError, KeyError, IndexError, ValueError, OverflowError, RecursionError)
"""What a field map meets when a record has its format's mark but not its shape."""

_PATIENCE = 100
"""Lines in a row that fit no plain shape, after which a file is no longer asked for one."""

_MANY = 24
"""Keys that a reason lists at most."""


class NeedsOrder(Exception):  # noqa: N818  a turn of events, not a fault
    """A format whose reader holds state stands in a file that is read in pieces."""


class FileReader:
    """Reads the records of one file, in order; every record leads to an outcome, sooner or later."""

    def __init__(self, file: str, *, pieces: bool = False, mapping: dict[str, str] | None = None) -> None:
        self.file = file
        self._pieces = pieces
        self._readers: dict[str, Reader] = {}
        self._mapped = Mapped(mapping) if mapping else None
        self._shape: Shape = PLAIN[0]
        """Of the last plain record."""
        self._misses = _PATIENCE if mapping else 0
        self._lean: Callable[[bytes], Record | None] | None = None

    def runs(self, lines: list[Any]) -> list[Run]:
        """The lines of JSON in runs: (shape, plain records of it), or (None, lines that `feed` is to read)."""
        if self._misses >= _PATIENCE or not all(line.__class__ is bytes for line in lines):
            return [(None, lines)]
        found: list[Run] = []
        done = 0
        left = iter(lines)
        while done < len(lines):
            shape = self._shape
            records: list[Any] = []
            with suppress(*UNTYPED):  # raised by the first line that is not of the last one's shape
                records.extend(map(shape.read, left))
            if records:
                self._misses = 0
                odd = {*shape.odd(records)}
                plain = enumerate(records)
                found += (
                    [(None, [lines[done + at]]) if at in odd else (shape, [one]) for at, one in plain]
                    if odd
                    else [(shape, records)]
                )
                done += len(records)
            if done < len(lines):
                found.append(self._of_another_shape(lines[done]))
                done += 1
        return found if len(found) < 2 else _joined(found)

    def _of_another_shape(self, raw: bytes) -> Run:
        """The run of a line that is not of the last one's shape."""
        for shape in PLAIN:
            if shape is self._shape:
                continue
            try:
                record = shape.read(raw)
            except UNTYPED:
                continue
            if not any(True for _ in shape.odd([record])):
                self._shape, self._misses = shape, 0
                return shape, [record]
        self._misses += 1
        return None, [raw]

    def feed(self, line: int, record: Record | Bad | bytes) -> Iterable[Outcome]:
        """The outcomes that are known after this record, or undecoded line of JSON.

        Raises NeedsOrder where the file is read in pieces.
        """
        if record.__class__ is bytes:
            return self._line(line, record)
        if record.__class__ is Bad:
            return (Rejected(self.file, line, record.reason, record.excerpt),)
        assert isinstance(record, dict)
        adapter = (
            self._mapped if self._mapped is not None and self._mapped.detects(record) else detect(record)
        )
        if adapter is None:
            return (Rejected(self.file, line, _unknown(record), excerpt(record)),)
        if self._pieces and adapter.ordered:
            raise NeedsOrder
        self._lean = None if self._mapped is not None else LEAN.get(adapter.source)
        reader = self._reader(adapter)
        try:
            outcomes = list(reader.feed(record, line))
        except RecordError as error:
            return (Rejected(self.file, line, str(error), excerpt(record), adapter.source),)
        except _SHAPES as error:
            reason = f"not the shape of {adapter.source} ({type(error).__name__}: {str(error)[:120]})"
            return (Rejected(self.file, line, reason, excerpt(record), adapter.source),)
        if not outcomes and not adapter.ordered:
            return (Filtered("nothing in it"),)
        return outcomes

    def lean(self, raw: bytes) -> Record | None:
        """What is read of a line, where it is of the last record's format and that leaves most of it aside."""
        return None if self._lean is None else self._lean(raw)

    def _line(self, line: int, raw: bytes) -> Iterable[Outcome]:
        if (part := self.lean(raw)) is not None:
            outcomes = list(self.feed(line, part))
            if not any(
                isinstance(one, Rejected) for one in outcomes
            ):  # which shows the head of the whole record
                return outcomes
        value = decode(raw)
        if value.__class__ is dict:
            return self.feed(line, value)
        return [outcome for _, one in unfold(line, value) for outcome in self.feed(line, one)]

    def _reader(self, adapter: Adapter) -> Reader:
        name = type(adapter).__qualname__
        if name not in self._readers:
            self._readers[name] = adapter.reader(self.file)
        return self._readers[name]

    def close(self) -> Iterable[Outcome]:
        """The outcomes that waited for the end of the file."""
        for reader in self._readers.values():
            try:
                yield from reader.close()
            except (RecordError, *_SHAPES) as error:
                yield Rejected(self.file, 0, f"the end of the file cannot be read ({error})")


def _joined(runs: list[Run]) -> list[Run]:
    """Runs of one shape that follow one another, as one."""
    return [
        (shape, [one for _, run in alike for one in run]) for shape, alike in groupby(runs, key=itemgetter(0))
    ]


def reads_in_pieces(head: bytes) -> bool:
    """Whether the first lines are of formats whose records stand alone. A later one may still raise NeedsOrder."""
    for raw in head.split(b"\n")[:_PATIENCE]:
        value = decode(raw) if raw else None
        adapter = detect(value) if isinstance(value, dict) else None
        if adapter is not None and adapter.ordered:
            return False
    return True


def _unknown(record: Record) -> str:
    if "text" in record and len(record) == 1:
        return "text of no log format known here"
    if "sqlite" in record:
        return f"a SQLite database of no log known here (tables: {', '.join(record['tables'][:_MANY])})"
    names = ", ".join(sorted(str(name) for name in record)[:_MANY])
    return f"no log format known here has these fields: {names[:300]}; --map tells which field is which"


def excerpt(record: Record) -> str:
    """The head of the record as JSON."""
    try:
        return msgspec.json.encode(record)[:200].decode("utf-8", "ignore")
    except (TypeError, ValueError, RecursionError):
        return ""
