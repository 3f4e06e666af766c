"""The classifier that a table names, from files alone, ready to judge one request at a time."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from router_audit.builtin.features import build_row, stored_row
from router_audit.classifier.head import load_head
from router_audit.classifier.row import RowScorer
from router_audit.embedding import CachedEncoder, StaticTokens, load_encoder
from router_audit.errors import ModelError
from router_audit.files.tables import classifier_folder
from router_audit.labellers.builtin import HEAD_FOLDER, NO_TEXT
from router_audit.recipe.view import RECIPE_VERSION, PromptView, view_prompt

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from router_audit.classifier.fit import Prediction
    from router_audit.classifier.head import FloatArray, Head
    from router_audit.embedding import Encoder

BUILTIN = "builtin-"
"""How a table names the shipped head, where the log held too few labels to train one of its own."""


@dataclass(frozen=True, slots=True)
class LiveClassifier:
    """A head and the encoder it was trained over."""

    version: str
    """As the table names it."""
    head: Head
    encoder: Encoder | None
    """None for the builtin head, which has encoders of its own."""
    builtin: bool
    light: bool = False
    """Of the builtin head, the form without a forward pass."""
    scorer: RowScorer = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "scorer", RowScorer(self.head.form(light=self.light)))

    def judge(self, record: Mapping[str, Any]) -> tuple[Prediction, PromptView]:
        """The verdict on a prompt record, and what of it the classifier was shown."""
        view = view_prompt(record)
        verdict = self.scorer.judge(self.row(view))
        return (verdict if view.has_text else replace(verdict, abstained=NO_TEXT)), view

    def probabilities(self, view: PromptView) -> dict[str, float]:
        """The calibrated probability of every profile."""
        shares = self.scorer.probabilities(self.row(view))
        return {name: round(share, 6) for name, share in zip(self.head.classes, shares, strict=True)}

    def row(self, view: PromptView) -> FloatArray:
        """(columns,): what this head reads."""
        return build_row(view, None, light=self.light) if self.builtin else stored_row(view, self.encoder)


def load_classifier(
    tables: Path, version: str, encoder_name: str, *, encoder: Encoder | None = None, fast: bool = False
) -> LiveClassifier:
    """The classifier `version` from beside `tables`, or from the package where it is the builtin one.

    `encoder` is used where its name is the one asked for, so that a reload loads no weights twice. Raises
    ModelError or UserError where files are missing, changed or of another recipe.
    """
    name, _, recipe = encoder_name.rpartition("/")
    if recipe != RECIPE_VERSION:
        raise ModelError(
            f"was trained on text recipe {recipe}, this version has {RECIPE_VERSION}; run `router-audit run` again",
            where=version,
        )
    folder = classifier_folder(tables, version)
    builtin = version.startswith(BUILTIN)
    if not folder.is_dir() and not builtin:
        raise ModelError(
            "the table's classifier is not beside it; copy it along, or run `router-audit build-table` again",
            where=str(folder),
        )
    head = load_head(HEAD_FOLDER if builtin else folder)
    if builtin and version != BUILTIN + head.version:
        raise ModelError(
            f"is not the head of this version of router-audit ({head.version}); run `router-audit run` again",
            where=version,
        )
    if builtin:
        found = LiveClassifier(version, head, None, builtin=True, light=fast)
        found.judge({})  # loads what the first request would wait for
        return found
    if fast and name != StaticTokens.name:
        raise ModelError(
            f"reads vectors of {name}; leave `fast` off, or use a table of the builtin head or of the static encoder",
            where=version,
        )
    if encoder is None or encoder.name != name:
        encoder = load_encoder(name)
    cached = encoder if isinstance(encoder, CachedEncoder) else CachedEncoder(encoder)
    return LiveClassifier(version, head, cached, builtin)
