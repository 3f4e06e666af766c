"""The labeller that needs no key: a head trained ahead of time, shipped as numbers."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from router_audit.classifier import Head, load_head, predict
from router_audit.embedding import load_encoder
from router_audit.text_recipe import RECIPE_VERSION, view_prompt

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from router_audit.embedding import Encoder
    from router_audit.text_recipe import PromptView

HEAD = Path(__file__).parent / "builtin_head"


@dataclass(frozen=True, slots=True)
class Judgement:
    """A labeller's verdict on one record."""

    profile: str | None
    probability: float
    reason: str


@dataclass
class BuiltinLabeller:
    """Embeds prompt records and judges the vectors."""

    encoder_name: str
    name: str = "builtin"

    @cached_property
    def model_encoder(self) -> Encoder:
        """The encoder, loaded when the first record comes."""
        return load_encoder(self.encoder_name)

    @cached_property
    def head(self) -> Head:
        """The shipped classifier."""
        return load_head(HEAD)

    @property
    def model(self) -> str:
        """The head's version."""
        return self.head.version

    @property
    def prompt_version(self) -> str:
        """The recipe that makes the text."""
        return f"recipe-{RECIPE_VERSION}"

    @property
    def encoder(self) -> str:
        """Encoder and recipe: what a stored vector is of."""
        return f"{self.encoder_name}/{RECIPE_VERSION}"

    def featurise(self, records: Sequence[Mapping[str, Any]]) -> Any:
        """(n, d) float32: see `features_of`."""
        return features_of(self.model_encoder, [view_prompt(record) for record in records])

    def judge(self, vectors: Any) -> list[Judgement]:
        """One judgement per row."""
        return [
            Judgement(None if found.abstained else found.profile, found.probability, found.abstained)
            for found in predict(self.head, vectors)
        ]


def features_of(encoder: Encoder, views: Sequence[PromptView]) -> Any:
    """(n, d) float32: instruction and whole embedded, structure features beside them."""
    import numpy as np

    vectors = encoder.encode([view.instruction for view in views] + [view.whole for view in views])
    count = len(views)
    features = np.array([view.features for view in views], dtype=np.float32)
    return np.hstack([vectors[:count], vectors[count:], features]).astype(np.float32)


def load_builtin(encoder: str | None = None) -> BuiltinLabeller:
    """The labeller over the named encoder (default: MiniLM from its package)."""
    return BuiltinLabeller(encoder or "minilm")
