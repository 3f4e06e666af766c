"""A large file of lines in pieces that several processes read; every piece knows the line it begins on."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import msgspec

from router_audit.errors import InputError
from router_audit.logfile.containers import Kind, kind_of
from router_audit.logfile.lines import raw_lines
from router_audit.logfile.paths import STDIN, Source
from router_audit.logfile.postgres import is_database
from router_audit.logfile.record import Bad
from router_audit.logfile.streams import BROKEN, HEAD, Stream, buffered, open_plain, unpack

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECE = 4 * 1024 * 1024
"""Bytes of text in a piece, to the end of its last line."""


class Piece(msgspec.Struct, frozen=True):
    """Some lines of a file: where they stand, or (of a packed file or a stream) the lines themselves."""

    path: str
    first_line: int
    start: int = 0
    size: int = 0
    data: bytes | None = None
    broken: str = ""
    """Why the file ends after this piece, where it breaks off."""


def glance(source: Source) -> tuple[Kind, bytes]:
    """The container and the first bytes; ("empty", b"") for what cannot be opened. Not for standard input."""
    if is_database(source.path):
        return "empty", b""
    try:
        with open_plain(source) as plain:
            _, head = unpack(plain)
    except (*BROKEN, InputError):
        return "empty", b""
    return kind_of(head, complete=len(head) < HEAD), head


def split(source: Source) -> Iterator[Piece]:
    """The pieces of a file of lines, in order. A fault while it is read ends the last one."""
    plain = open_plain(source)
    try:
        stream, _ = unpack(plain)
        by_place = not stream.packed and source.path != STDIN and "://" not in source.path
        if by_place:
            yield from _places(source, stream)
        else:
            yield from _blocks(source, stream)
    finally:
        if source.path != STDIN:
            plain.close()


def _places(source: Source, stream: Stream) -> Iterator[Piece]:
    """Offsets only: the reader of a piece opens the file itself."""
    start, end, line, lines = 0, 0, 1, 0
    while True:
        block = stream.read(PIECE)
        if not block:
            break
        cut = block.rfind(b"\n") + 1
        if cut and end - start + cut >= PIECE:
            lines += block.count(b"\n", 0, cut)
            yield Piece(source.path, line, start, end + cut - start)
            start, line = end + cut, line + lines
            lines = block.count(b"\n", cut)
        else:
            lines += block.count(b"\n")
        end += len(block)
    if end > start:
        yield Piece(source.path, line, start, end - start)


def _blocks(source: Source, stream: Stream) -> Iterator[Piece]:
    """The text itself, as it is unpacked."""
    reader = buffered(stream)
    line, broken = 1, ""
    rest = bytearray()
    while not broken:
        try:
            block = reader.read1(PIECE)
        except BROKEN as error:
            block, broken = b"", str(error) or type(error).__name__
        rest += block
        if block and (len(rest) < PIECE or (cut := rest.rfind(b"\n") + 1) == 0):
            continue
        if not block:
            cut = len(rest)
        data = bytes(rest[:cut])
        del rest[:cut]
        if data or broken:
            yield Piece(source.path, line, data=data, broken=broken)
        if not block:
            return
        line += data.count(b"\n")


def piece_bytes(piece: Piece) -> bytes | None:
    """The text of a piece; None where it cannot be read."""
    if piece.data is not None:
        return piece.data
    try:
        with open_plain(Source(piece.path)) as plain:
            plain.seek(piece.start)
            data: bytes = plain.read(piece.size)
            return data
    except OSError:
        return None


def piece_lines(piece: Piece) -> Iterator[tuple[int, bytes | Bad]]:
    """The lines of a piece, numbered as in their file; what cannot be read is `Bad`."""
    last = piece.first_line
    if piece.data is not None:
        for last, raw in raw_lines(io.BufferedReader(io.BytesIO(piece.data)), piece.first_line):
            yield last, raw
        if piece.broken:
            yield last, Bad(f"the file breaks off here ({piece.broken})")
        return
    try:
        plain = open_plain(Source(piece.path))
    except OSError as error:
        yield last, Bad(f"the file vanished while it was read ({error.strerror})")
        return
    with plain:
        plain.seek(piece.start)
        left = piece.size

        def read(size: int) -> bytes:
            nonlocal left
            block: bytes = plain.read(min(size, left))
            left -= len(block)
            return block

        yield from raw_lines(buffered(Stream(read)), piece.first_line)
