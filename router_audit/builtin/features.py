"""Feature columns of a classifier: hashed words and static vector of the instruction, sentence vector of the order, structure, then the vector of the encoder in use."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router_audit.embedding import (
    HASHED_DIMENSION,
    Encoder,
    HashedWords,
    MiniLM,
    StaticTokens,
    sentences,
    static_tokens,
)
from router_audit.recipe.structure import FEATURE_NAMES
from router_audit.recipe.view import RECIPE_VERSION, PromptView, view_prompt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from router_audit.classifier.head import Form

    FloatArray = NDArray[np.float32]

WORDS = (0, HASHED_DIMENSION)
STATIC = (WORDS[1], WORDS[1] + StaticTokens.dimension)
SENTENCE = (STATIC[1], STATIC[1] + MiniLM.dimension)
"""The only block of a forward pass, of the order alone; zeros where it is not wanted."""
STRUCTURE = (SENTENCE[1], SENTENCE[1] + len(FEATURE_NAMES))
BUILTIN = (WORDS[0], STRUCTURE[1])
"""All that the builtin head reads."""


def view_prompts(records: Sequence[Mapping[str, object]]) -> list[PromptView]:
    """Apply the text recipe to every record."""
    return [view_prompt(record) for record in records]


def build_features(views: Sequence[PromptView], encoder: Encoder | None, *, form: Form = "") -> FloatArray:
    """Return (n, columns) float32; without an encoder the last block is left out.

    What only the other form of the builtin head reads is zeros: the words of the full one, the forward pass of the light one.
    """
    import numpy as np

    unique, rows = _distinct([view.instruction for view in views])
    static = static_tokens().encode(unique)
    vectors = static if encoder is not None and encoder.name == StaticTokens.name else None
    orders, places = _distinct([view.order for view in views])
    result: FloatArray = np.hstack(
        [
            np.zeros((len(views), HASHED_DIMENSION), np.float32)
            if form == "full"
            else HashedWords().encode(unique)[rows],
            static[rows],
            np.zeros((len(views), MiniLM.dimension), np.float32)
            if form == "light"
            else sentences().encode(orders)[places],
            _stored(views, encoder, unique, rows, vectors),
        ]
    )
    return result


def build_row(view: PromptView, encoder: Encoder | None, *, light: bool = False) -> FloatArray:
    """Return (columns,): the one row of `build_features` for one form of the builtin head."""
    import numpy as np

    asked = [view.instruction]
    words = HashedWords().encode(asked)[0] if light else np.zeros(HASHED_DIMENSION, np.float32)
    sentence = np.zeros(MiniLM.dimension, np.float32) if light else sentences().encode([view.order])[0]
    return np.concatenate([words, static_tokens().encode(asked)[0], sentence, stored_row(view, encoder)])


def stored_row(view: PromptView, encoder: Encoder | None) -> FloatArray:
    """Return (columns,): the one row of `stored_features`."""
    import numpy as np

    structure = np.array(view.features, dtype=np.float32)
    return (
        structure if encoder is None else np.concatenate([structure, encoder.encode([view.instruction])[0]])
    )


def stored_features(views: Sequence[PromptView], encoder: Encoder | None) -> FloatArray:
    """Return what `stored_columns` leaves of `build_features`, without working out the rest."""
    return _stored(views, encoder, *_distinct([view.instruction for view in views]), None)


def _distinct(texts: list[str]) -> tuple[list[str], list[int]]:
    """Return the different texts and the place of each text among them: production traffic is few templates."""
    unique = sorted(set(texts))
    place = {text: row for row, text in enumerate(unique)}
    return unique, [place[text] for text in texts]


def _stored(
    views: Sequence[PromptView],
    encoder: Encoder | None,
    unique: list[str],
    rows: list[int],
    vectors: FloatArray | None,
) -> FloatArray:
    import numpy as np

    structure = np.array([view.features for view in views], dtype=np.float32).reshape(
        len(views), len(FEATURE_NAMES)
    )
    if encoder is None:
        return structure
    known = encoder.encode(unique) if vectors is None else vectors
    result: FloatArray = np.hstack([structure, known[rows]]).astype(np.float32, copy=False)
    return result


def stored_columns(features: FloatArray) -> FloatArray:
    """Return what the store keeps of feature rows (n, columns) and the user's own classifier learns from.

    That is structure and the encoder's vector; the blocks before them serve the builtin head alone.
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
