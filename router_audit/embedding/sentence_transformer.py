"""Any sentence-transformers model as an encoder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router_audit.embedding.protocol import encodable
from router_audit.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router_audit.embedding.protocol import FloatArray


class TorchEncoder:
    """Any sentence-transformers model, by folder or hub name."""

    def __init__(self, model: str, name: str) -> None:
        try:
            from sentence_transformers import SentenceTransformer

            self._model = SentenceTransformer(model, device="cpu")
        except ImportError as error:
            raise UserError(
                f"The encoder {name!r} needs sentence-transformers: pip install sentence-transformers"
            ) from error
        except (OSError, ValueError) as error:
            raise UserError(f"Cannot load the encoder {name!r}: {error}") from error
        self.name = name
        self.dimension = int(self._model.get_sentence_embedding_dimension() or 0)

    def encode(self, texts: Sequence[str]) -> FloatArray:
        """Return unit vectors (n, dimension)."""
        import numpy as np

        vectors = self._model.encode(
            [encodable(text) for text in texts],
            batch_size=32,
            normalize_embeddings=True,
            show_progress_bar=False,
        )
        return np.asarray(vectors, dtype=np.float32).reshape(len(texts), self.dimension)
