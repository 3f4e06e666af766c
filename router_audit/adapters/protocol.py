"""What a log format has to answer to be read."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from router_audit.types import Outcome

Record = dict[str, Any]
"""One decoded record of a log: a JSON line, an array element, a CSV or Parquet row."""


class RecordError(ValueError):
    """A record that cannot be read: raised inside `feed`, it becomes a `Rejected` with this reason.

    A record that carries many calls (an OTLP envelope) catches it per call and yields `Rejected` itself.
    """


class Reader(Protocol):
    """Turns the records of one file, in order, into outcomes. It may hold state between records."""

    def feed(self, record: Record, line: int) -> Iterable[Outcome]:
        """Exactly one outcome per unit the record carries (an OTLP envelope carries many spans)."""
        ...

    def close(self) -> Iterable[Outcome]:
        """What was still waiting for its end when the file ended."""
        ...


class Adapter(Protocol):
    """One log format. It owns recognition and the field map; files, dedupe, prices and totals are common."""

    source: str
    """The name in the store, in `--source` and in the README."""
    reads: str
    """What of the source is read, in one line: the README's table is made of these."""
    ordered: bool
    """Whether its reader needs the records of a file in order (it holds state between them)."""

    def detects(self, record: Record) -> bool:
        """Whether the record carries this format's signature. Cheap: a few key look-ups.

        Besides JSON objects, CSV and Parquet rows, two kinds of record come from `logfile`:
        `{"text": TEXT}` is a whole text file that is neither JSON, CSV nor SSE;
        `{"sqlite": PATH, "tables": [NAME, ...]}` is a SQLite database, to be read with `logfile.sqlite_rows`.
        """
        ...

    def reader(self, file: str) -> Reader:
        """A fresh reader for one file."""
        ...


@dataclass(frozen=True, slots=True)
class Each:
    """A reader for formats in which every record stands alone."""

    file: str
    read: Callable[[Record, str, int], Iterable[Outcome]]
    """(record, file, line) to its outcomes."""

    def feed(self, record: Record, line: int) -> Iterable[Outcome]:
        """See `Reader.feed`."""
        return self.read(record, self.file, line)

    def close(self) -> Iterator[Outcome]:
        """Nothing is ever waiting."""
        return iter(())


def identity(*parts: object) -> str:
    """A stable 32-digit identity of the parts; None and "" differ."""
    told = "".join(["\x00\x1f" if part is None else f"\x01{part!s}\x1f" for part in parts])
    return blake2b(told.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def call_id(response_id: str | None, *content: object) -> str:
    """The identity of a call: its provider's response id, the same whichever log it stands in, else the content.

    Short or bare numeric ids (`chatcmpl-123` of local servers) repeat, so they count as content.
    """
    if response_id and len(response_id) >= 16 and not response_id.isdigit():
        return identity("response", response_id)
    return identity("content", response_id, *content)


def record_id(response_id: str | None, record: Record) -> str:
    """`call_id` with the whole record as its content: the same line in another file is the same call."""
    if response_id and len(response_id) >= 16 and not response_id.isdigit():
        return identity("response", response_id)
    return identity("record", response_id, json.encode(record, order="deterministic").decode())
