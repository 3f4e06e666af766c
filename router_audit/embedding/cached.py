"""An encoder with a memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router_audit.embedding.protocol import Encoder, FloatArray


class CachedEncoder:
    """Another encoder that remembers the last `size` texts; safe to share between threads."""

    def __init__(self, encoder: Encoder, size: int = 4096) -> None:
        self.name, self.dimension = encoder.name, encoder.dimension
        self.hits = self.misses = 0
        self._encoder, self._size = encoder, size
        self._seen: OrderedDict[str, FloatArray] = OrderedDict()
        self._lock = threading.Lock()

    def remember(self, text: str, vector: FloatArray) -> None:
        """Take a vector that was worked out before: (dimension,), of length 1."""
        with self._lock:
            self._seen[text] = vector
            while len(self._seen) > self._size:
                self._seen.popitem(last=False)

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Return unit vectors (n, dimension); only texts that are not remembered are encoded."""
        import numpy as np

        found: dict[str, FloatArray] = {}
        with self._lock:
            for text in texts:
                vector = self._seen.get(text)
                if vector is not None:
                    self._seen.move_to_end(text)
                    found[text] = vector
        missing = [text for text in dict.fromkeys(texts) if text not in found]
        if missing:
            found.update(zip(missing, self._encoder.encode(missing), strict=True))
        with self._lock:
            self.hits += len(texts) - len(missing)
            self.misses += len(missing)
            for text in missing:
                self._seen[text] = found[text]
            while len(self._seen) > self._size:
                self._seen.popitem(last=False)
        return (
            np.stack([found[text] for text in texts]) if texts else np.zeros((0, self.dimension), np.float32)
        )
