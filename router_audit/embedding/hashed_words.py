"""Words and word pairs in hashed columns."""

from __future__ import annotations

import re
import zlib
from functools import lru_cache
from typing import TYPE_CHECKING

from router_audit.embedding.protocol import encodable, unit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router_audit.embedding.protocol import FloatArray

HASHED_DIMENSION = 4096
MAX_WORDS = 400
KEPT_LINES = 1024

_WORD = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]|[^\W_]+|[?:_]")
_DIGITS = re.compile(r"\d+")
_MARKS = "?:_"
_ASCII_GAPS = {code: " " for code in range(128) if not chr(code).isalnum() and chr(code) not in _MARKS}


class HashedWords:
    """Words and word pairs hashed into a fixed number of columns: no weights, well under a millisecond a text."""

    name = "hashed-words"

    def __init__(self, dimension: int = HASHED_DIMENSION) -> None:
        self.dimension = dimension

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Return unit vectors (n, dimension); digits read as 0, case is ignored, scripts without spaces go by character."""
        import numpy as np

        out = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            sums = np.array(_sums(encodable(text)), dtype=np.int64)
            counts = np.bincount(sums % self.dimension, minlength=self.dimension)
            columns = counts.nonzero()[0]
            out[row, columns] = np.log1p(counts[columns].astype(np.float32))
        return unit(out)


def _sums(text: str) -> list[int]:
    """Checksums of the words and word pairs, those of the first line remembered: many requests share it."""
    head, _, rest = text.partition("\n")
    known, before = _line_sums(head)
    words = [word.encode() for word in _words(rest)[: MAX_WORDS - len(before)]]
    singles = [*before[-1:], *map(zlib.crc32, words)]
    # The checksum of a pair goes on from that of its first word.
    pairs = map(zlib.crc32, [b" " + word for word in (words if before else words[1:])], singles)
    return [*known, *singles[len(before[-1:]) :], *pairs]


@lru_cache(maxsize=KEPT_LINES)
def _line_sums(line: str) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Checksums of the words and word pairs of a line, and of its words alone."""
    words = [word.encode() for word in _words(line)[:MAX_WORDS]]
    singles = tuple(map(zlib.crc32, words))
    return (*singles, *map(zlib.crc32, [b" " + word for word in words[1:]], singles)), singles


def _words(text: str) -> list[str]:
    """Words in lower case with every digit run as 0, and marks; of ASCII without the patterns, in half their time."""
    lowered = text.lower()
    if not lowered.isascii():
        return _WORD.findall(_DIGITS.sub("0", lowered))
    for mark in _MARKS:
        lowered = lowered.replace(mark, f" {mark} ")
    return _DIGITS.sub("0", lowered.translate(_ASCII_GAPS)).split()
