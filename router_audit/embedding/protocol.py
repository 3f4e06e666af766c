"""What an encoder is, and the two things every member does to its texts and vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]


class Encoder(Protocol):
    """Turns texts into unit vectors."""

    name: str
    dimension: int

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Return an array (len(texts), dimension), float32, every row of length 1 (or 0 for a text without tokens)."""
        ...


def encodable(text: str) -> str:
    """Replace lone surrogates, which no tokenizer accepts, and cut far beyond what any encoder reads."""
    return text[:8000].encode("utf-8", "replace").decode("utf-8")


def unit(vectors: FloatArray) -> FloatArray:
    """Scale the rows of (n, d) to length 1; a row of zeros stays."""
    import numpy as np

    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    scaled: FloatArray = vectors / np.maximum(norms, 1e-12)
    return scaled
