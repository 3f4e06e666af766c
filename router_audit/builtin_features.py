"""Feature columns of the builtin labeller: hashed words, structure, then the sentence vector of the instruction."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router_audit.embedding import HASHED_DIMENSION, Encoder, HashedWords
from router_audit.text_recipe import FEATURE_NAMES, RECIPE_VERSION, PromptView, view_prompt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]

HASHED = (0, HASHED_DIMENSION)
STRUCTURE = (HASHED[1], HASHED[1] + len(FEATURE_NAMES))
LIGHT = (HASHED[0], STRUCTURE[1])
"""The columns that need no encoder."""


def semantic_columns(dimension: int) -> tuple[int, int]:
    """Return the columns of the instruction's sentence vector."""
    return (STRUCTURE[1], STRUCTURE[1] + dimension)


def view_prompts(records: Sequence[Mapping[str, object]]) -> list[PromptView]:
    """Apply the text recipe to every record."""
    return [view_prompt(record) for record in records]


def build_features(views: Sequence[PromptView], encoder: Encoder | None) -> FloatArray:
    """Return (n, columns) float32; without an encoder the semantic columns are left out.

    Equal instructions are embedded once: production traffic is few templates.
    """
    import numpy as np

    hashed = HashedWords().encode([view.instruction for view in views])
    structure = np.array([view.features for view in views], dtype=np.float32).reshape(
        len(views), len(FEATURE_NAMES)
    )
    blocks = [hashed, structure]
    if encoder is not None:
        unique = sorted({view.instruction for view in views})
        vectors = encoder.encode(unique)
        place = {text: row for row, text in enumerate(unique)}
        blocks.append(
            vectors[[place[view.instruction] for view in views]]
            if views
            else vectors.reshape(0, encoder.dimension)
        )
    result: FloatArray = np.hstack(blocks).astype(np.float32, copy=False)
    return result


def stored_columns(features: FloatArray) -> FloatArray:
    """Return what the store keeps of feature rows (n, columns) and the user's own classifier learns from.

    That is structure and sentence vector; the hashed words, thousands of columns, serve the builtin head alone.
    """
    return features[:, STRUCTURE[0] :]


def vector_name(encoder: Encoder) -> str:
    """Return the name under which vectors of this encoder and recipe are stored."""
    return f"{encoder.name}/{RECIPE_VERSION}"


def matrix(vectors: pl.Series) -> FloatArray:
    """Return a column of stored vectors as (n, columns) float32."""
    import numpy as np

    width = int(vectors.list.len()[0]) if len(vectors) else 0
    return np.asarray(vectors.list.to_array(width).to_numpy(), dtype=np.float32)
