"""What kind of container a file is, and its records."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal

from router_audit.errors import InputError
from router_audit.logfile import lines, tables
from router_audit.logfile.paths import STDIN
from router_audit.logfile.postgres import is_database, spend_log_rows
from router_audit.logfile.record import MAX_DOCUMENT, Bad, Numbered, decode
from router_audit.logfile.streams import BROKEN, HEAD, buffered, open_plain, unpack

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator

    from router_audit.logfile.paths import Source
    from router_audit.logfile.streams import Stream

Kind = Literal["lines", "values", "sse", "csv", "text", "parquet", "sqlite", "binary", "empty"]

_SSE = re.compile(rb"\A\s*(?:(?:event|data|id|retry):|: )", re.ASCII)
_LOOK = 50


def _json_kind(head: bytes, *, complete: bool) -> Kind:
    """Records on lines, or values laid out freely: the first lines tell."""
    found = [line for line in head.split(b"\n") if line.strip()]
    if not complete and len(found) > 1:
        found.pop()
    if isinstance(decode(found[0]), list) and len(found) == 1:
        return "values"
    if found[0].lstrip()[:1] == b"[" and isinstance(decode(found[0]), Bad):
        return "values"
    if not complete and len(found) == 1:
        # One line longer than the head: an object is a line like any other, which `values` would read as well.
        return "lines" if found[0].lstrip()[:1] == b"{" else "values"
    for line in found[:_LOOK]:
        if line.lstrip()[:1] in (b"{", b"[") and not isinstance(decode(line), Bad):
            return "lines"
    return "values" if found[0].lstrip()[:1] in (b"{", b"[") else "text"


def kind_of(head: bytes, *, complete: bool) -> Kind:
    """The container, from the first bytes after decompression; `complete` when they are the whole file."""
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"SQLite format 3\x00"):
        return "sqlite"
    head = head.removeprefix(b"\xef\xbb\xbf")
    text = head.lstrip()
    if not text.strip(b"\x00"):
        return "binary" if text else "empty"
    if text[:1] in (b"{", b"["):
        return _json_kind(text, complete=complete)
    if _SSE.match(head) and b"data:" in head:
        return "sse"
    controls = sum(head[:4096].count(code) for code in (0, 1, 2, 3, 4, 5, 6, 14, 15, 16))
    if any(line.lstrip()[:1] == b"{" for line in head.split(b"\n")[:_LOOK]):
        kind = _json_kind(text, complete=complete)
        if kind == "lines":
            return kind
    if controls > len(head[:4096]) // 50:
        return "binary"
    first = text.split(b"\n", 1)[0].decode("utf-8", "replace").strip()
    return "csv" if tables.csv_delimiter(first) else "text"


def records(source: Source, *, undecoded: bool = False) -> Iterator[tuple[int, dict[str, Any] | bytes | Bad]]:
    """Every record of the file with its line, and a `Bad` for each piece that is none. Memory is bounded.

    `undecoded` leaves the lines of a file of JSON lines as bytes, for a reader that has a shorter way.
    """
    if is_database(source.path):
        yield from spend_log_rows(source)
        return
    try:
        plain = open_plain(source)
    except OSError as error:
        yield 0, Bad(f"the file cannot be opened ({error.strerror or error})", whole_file=True)
        return
    except InputError as error:
        yield 0, Bad(error.message, whole_file=True)
        return
    try:
        stream, head = unpack(plain)
        yield from _read(source, stream, head, undecoded=undecoded)
    except BROKEN as error:
        yield 0, Bad(f"the file is damaged ({error})", whole_file=True)
    finally:
        if source.path != STDIN:
            plain.close()


def _read(
    source: Source, raw: Stream, head: bytes, *, undecoded: bool
) -> Iterator[tuple[int, dict[str, Any] | bytes | Bad]]:
    kind = kind_of(head, complete=len(head) < HEAD)
    if kind in ("parquet", "sqlite") and (source.path == STDIN or "://" in source.path or raw.packed):
        yield 0, Bad(f"a {kind} file must lie unpacked on this machine", whole_file=True)
        return
    stream = buffered(raw)
    match kind:
        case "lines":
            yield from lines.raw_lines(stream) if undecoded else lines.json_lines(stream)
        case "values":
            yield from lines.json_values(stream)
        case "sse":
            yield from lines.sse_lines(stream)
        case "csv":
            first = head.removeprefix(b"\xef\xbb\xbf").lstrip().split(b"\n", 1)[0]
            delimiter = tables.csv_delimiter(first.decode("utf-8", "replace").strip()) or ","
            yield from tables.csv_rows(stream, delimiter)
        case "parquet":
            yield from tables.parquet_rows(source)
        case "sqlite":
            yield from tables.sqlite_record(source)
        case "text":
            yield from _text(stream)
        case "binary":
            yield 0, Bad("a binary file, not a log", whole_file=True)
        case "empty":
            yield 0, Bad("the file is empty", whole_file=True)


def _text(stream: io.BufferedReader) -> Iterator[Numbered]:
    try:
        raw = stream.read(MAX_DOCUMENT)
        if len(raw) == MAX_DOCUMENT:
            yield 0, Bad(f"text of more than {MAX_DOCUMENT >> 20} MB", whole_file=True)
            return
    except BROKEN as error:
        yield 0, Bad(f"the file breaks off ({error})", whole_file=True)
        return
    yield 1, {"text": raw.decode("utf-8", "replace")}
