"""What an encoder is, and the two things every member does to its texts and vectors."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray
    from tokenizers import Encoding, Tokenizer

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
    text = text[:8000]
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def tokenized(tokenizer: Tokenizer, texts: Sequence[str]) -> list[Encoding]:
    """Tokenize texts; a single one on this thread, since waking the tokenizer's own threads takes longer than it does."""
    if len(texts) == 1:
        return [tokenizer.encode(encodable(texts[0]))]
    return tokenizer.encode_batch([encodable(text) for text in texts])


def unit(vectors: FloatArray) -> FloatArray:
    """Scale the rows of (n, d) to length 1; a row of zeros stays."""
    import numpy as np

    squares = np.sum(vectors * vectors, axis=1, keepdims=True)
    scaled: FloatArray = vectors / np.maximum(np.sqrt(squares), 1e-12)
    return scaled
