"""A sentence vector without a forward pass: MiniLM's own token table, averaged."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from router_audit.embedding.minilm import MINILM_TOKENS, minilm_folder
from router_audit.embedding.protocol import encodable, unit
from router_audit.embedding.word_pieces import WordPieces

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from router_audit.embedding.protocol import FloatArray

FIRST_WORD = 1996
"""From this id on the vocabulary is sorted by frequency, most frequent first; below stand single characters."""
RARITY = 1e-4
"""A token of relative frequency f weighs RARITY / (RARITY + f): smooth inverse frequency (Arora et al. 2017)."""

KEPT_LINES = 1024
"""First lines whose sum is remembered: what is picked of a system message, which many requests share."""


class StaticTokens:
    """The weighted mean of MiniLM's token vectors: tens of microseconds a text, no word order."""

    name = "static"
    dimension = 384

    def __init__(self, folder: Path) -> None:
        import numpy as np
        from safetensors import safe_open
        from tokenizers import Tokenizer

        with safe_open(str(folder / "model.safetensors"), framework="numpy") as weights:
            name = next(key for key in weights.keys() if key.endswith("word_embeddings.weight"))  # noqa: SIM118  (not a dict)
            table = weights.get_tensor(name)
        rank = np.maximum(np.arange(len(table)) - FIRST_WORD + 1, 1)
        frequency = 1.0 / (rank + 2.0)
        frequency /= frequency[FIRST_WORD:].sum()  # Zipf's law over the words
        weight = RARITY / (RARITY + frequency)
        self._table = (unit(table - table.mean(axis=0)) * weight[:, None]).astype(np.float32)
        tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self._pieces = WordPieces(tokenizer)
        self._known = lru_cache(maxsize=KEPT_LINES)(self._sum)

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Return unit vectors (n, 384); a text without tokens is all zeros."""
        import numpy as np

        out = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for row, text in enumerate(texts):
            head, _, rest = encodable(text).partition("\n")
            count, known = self._known(head)
            ids = self._pieces.ids(rest)[: MINILM_TOKENS - count]
            vectors = np.empty((1 + len(ids), self.dimension), dtype=np.float32)
            vectors[0] = known
            if ids:
                np.take(self._table, ids, axis=0, out=vectors[1:], mode="clip")  # the mode that needs no copy
            np.add.reduce(vectors, axis=0, out=out[row])
        return unit(out)

    def _sum(self, line: str) -> tuple[int, FloatArray]:
        """How many tokens a line has, and the sum of their vectors (384,)."""
        ids = self._pieces.ids(line)[:MINILM_TOKENS]
        total: FloatArray = self._table[ids].sum(axis=0)
        return len(ids), total


@lru_cache(maxsize=1)
def static_tokens() -> StaticTokens:
    """Return the encoder over the installed MiniLM weights, loaded once a process."""
    return StaticTokens(minilm_folder())
