"""Lines of JSON, of a server-sent event stream, and JSON values that spread over lines."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from router_audit.logfile.record import MAX_DOCUMENT, MAX_RECORD, Bad, Numbered, decode, printable, unfold
from router_audit.logfile.streams import BROKEN

if TYPE_CHECKING:
    import io
    from collections.abc import Iterator

_BLOCK = 256 * 1024
_TOKEN = re.compile(rb'["{}\[\],]')
_QUOTE = re.compile(rb'["\\]')


def raw_lines(stream: io.BufferedReader, first: int = 1) -> Iterator[tuple[int, bytes | Bad]]:
    """Each line that is not blank, with its number; an overlong one, or the break of a stream, as `Bad`."""
    number = first - 1
    readline = stream.readline
    while True:
        number += 1
        try:
            raw = readline(MAX_RECORD)
            if len(raw) == MAX_RECORD and raw[-1] != 10:
                head = raw
                while raw and raw[-1] != 10:
                    raw = readline(MAX_RECORD)
                yield number, Bad(f"line longer than {MAX_RECORD >> 20} MB", printable(head))
                continue
        except BROKEN as error:
            yield number, Bad(f"the file breaks off here ({error})", whole_file=number == first)
            return
        if not raw:
            return
        if not raw.isspace():
            yield number, raw


def json_lines(stream: io.BufferedReader, first: int = 1) -> Iterator[Numbered]:
    """A record per line."""
    for number, raw in raw_lines(stream, first):
        if raw.__class__ is Bad:
            yield number, raw
            continue
        value = decode(raw)  # type: ignore[arg-type]
        if value.__class__ is dict:
            yield number, value
        else:
            yield from unfold(number, value)


def sse_lines(stream: io.BufferedReader) -> Iterator[Numbered]:
    """A record per `data:` line; event names, comments and `[DONE]` are punctuation."""
    for number, raw in raw_lines(stream):
        if isinstance(raw, Bad):
            yield number, raw
            continue
        if raw.startswith(b"data:"):
            payload = raw[5:].strip()
            if payload not in (b"[DONE]", b""):
                yield from unfold(number, decode(payload))


def json_values(stream: io.BufferedReader) -> Iterator[Numbered]:
    """A record per JSON value, however they are laid out; the elements of an outermost array one by one.

    Memory holds one value at a time.
    """
    scan = _Scan()
    while True:
        try:
            block = stream.read(_BLOCK)
        except BROKEN as error:
            yield scan.line, Bad(f"the file breaks off here ({error})", printable(bytes(scan.pending)))
            return
        for number, raw in scan.feed(block):
            yield from unfold(number, decode(raw))
        if not block:
            return
        if len(scan.pending) > MAX_DOCUMENT:
            yield (
                scan.line,
                Bad(
                    f"a JSON value longer than {MAX_DOCUMENT >> 20} MB", printable(bytes(scan.pending[:999]))
                ),
            )
            return


class _Scan:
    """Where the outermost values begin and end, over blocks that cut anywhere."""

    def __init__(self) -> None:
        self.pending = bytearray()
        self.line = 1
        self._at = 0
        self._depth = 0
        self._base = 0
        self._in_string = False

    def feed(self, block: bytes) -> list[tuple[int, bytes]]:
        """The values that the block completes, with the line each begins on; an empty block ends the file."""
        found: list[tuple[int, bytes]] = []
        self.pending += block
        data = self.pending
        start = 0
        at = self._at
        while True:
            match = (_QUOTE if self._in_string else _TOKEN).search(data, at)
            if match is None:
                at = len(data)
                break
            token = data[match.start()]
            at = match.end()
            if self._in_string:
                if token == 0x5C:  # a backslash takes the next byte with it
                    if at >= len(data) and block:
                        at = match.start()
                        break
                    at += 1
                else:
                    self._in_string = False
            elif token == 0x22:
                self._in_string = True
            elif token in (0x7B, 0x5B):
                if token == 0x5B and self._depth == 0 and not data[start : at - 1].strip():
                    self._base = 1
                    self._take(data, start, at, found, keep=False)
                    start = at
                self._depth += 1
            elif token in (0x7D, 0x5D):
                self._depth = max(0, self._depth - 1)
                if self._depth == 0 and self._base:
                    self._base = 0
                    self._take(data, start, at - 1, found)
                    self._take(data, at - 1, at, found, keep=False)
                    start = at
                elif self._depth == 0:
                    self._take(data, start, at, found)
                    start = at
            elif self._base and self._depth == 1:
                self._take(data, start, at - 1, found)
                start = at
        if not block:
            self._take(data, start, len(data), found)
            start = at = len(data)
        del data[:start]
        self._at = at - start
        return found

    def _take(
        self, data: bytearray, start: int, end: int, found: list[tuple[int, bytes]], *, keep: bool = True
    ) -> None:
        raw = bytes(data[start:end])
        text = raw.strip()
        lead = len(raw) - len(raw.lstrip())
        if keep and text:
            found.append((self.line + raw.count(b"\n", 0, lead), text))
        self.line += raw.count(b"\n")
