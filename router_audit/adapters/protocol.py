"""What a log format has to answer to be read."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from router_audit.types import Outcome

Record = dict[str, Any]
"""One decoded record of a log: a JSON line, an array element, a CSV or Parquet row."""


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

    def detects(self, record: Record) -> bool:
        """Whether the record carries this format's signature. Cheap: a few key look-ups."""
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
    digest = blake2b(digest_size=16)
    for part in parts:
        digest.update(b"\x00" if part is None else b"\x01" + str(part).encode("utf-8", "surrogatepass"))
        digest.update(b"\x1f")
    return digest.hexdigest()
