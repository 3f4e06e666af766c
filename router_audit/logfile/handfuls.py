"""Lines some at a time: few enough that what becomes of them stays in the processor's cache."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from router_audit.logfile.pieces import PIECE, Piece, piece_bytes, piece_lines
from router_audit.logfile.record import MAX_RECORD, Bad

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Line = bytes | dict[str, Any] | Bad
Handful = tuple[Sequence[int], list[Any]]
"""The numbers of some lines and what stands on each, a `Line`: undecoded, decoded, or not to be read."""

LINES = 64
BYTES = 32 * 1024 * 1024
"""A handful ends there too, whatever the size of a line."""
_MOST = 2 * PIECE
assert _MOST < MAX_RECORD


def gathered(lines: Iterable[tuple[int, Line]]) -> Iterator[Handful]:
    """The lines in handfuls, as they come."""
    numbers: list[int] = []
    handful: list[Line] = []
    room = BYTES
    for number, line in lines:
        numbers.append(number)
        handful.append(line)
        if line.__class__ is bytes:
            room -= len(line)
        if len(handful) == LINES or room <= 0:
            yield numbers, handful
            numbers, handful, room = [], [], BYTES
    if handful:
        yield numbers, handful


def of_piece(piece: Piece) -> Iterator[Handful]:
    """The lines of a piece that are not blank, numbered as in their file; what cannot be read is `Bad`."""
    data = piece_bytes(piece) if piece.size <= _MOST else None
    if data is None or len(data) > _MOST:
        # A line of its own length, or a file that has changed.
        yield from gathered(piece_lines(piece))
        return
    lines: list[Any] = io.BytesIO(data).readlines()
    end = piece.first_line + len(lines)
    if any(map(bytes.isspace, lines)):
        yield from gathered(
            (number, line) for number, line in enumerate(lines, piece.first_line) if not line.isspace()
        )
    else:
        for start in range(0, len(lines), LINES):
            first = piece.first_line + start
            yield range(first, min(first + LINES, end)), lines[start : start + LINES]
    if piece.broken:
        yield [max(end - 1, piece.first_line)], [Bad(f"the file breaks off here ({piece.broken})")]
