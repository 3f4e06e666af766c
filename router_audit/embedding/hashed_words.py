"""Words and word pairs in hashed columns."""

from __future__ import annotations

import itertools
import re
import zlib
from typing import TYPE_CHECKING

from router_audit.embedding.protocol import encodable, unit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router_audit.embedding.protocol import FloatArray

HASHED_DIMENSION = 4096
MAX_WORDS = 400

_WORD = re.compile(r"[\u3040-\u30ff\u4e00-\u9fff\uac00-\ud7af]|[^\W_]+|[?:_]")
_DIGITS = re.compile(r"\d+")


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
            tokens = _WORD.findall(_DIGITS.sub("0", encodable(text).lower()))[:MAX_WORDS]
            grams = tokens + [f"{left} {right}" for left, right in itertools.pairwise(tokens)]
            for gram in grams:
                out[row, zlib.crc32(gram.encode()) % self.dimension] += 1.0
        return unit(np.log1p(out))
