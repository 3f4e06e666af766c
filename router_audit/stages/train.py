"""From labels to a classifier, its honest figures, and a prediction for every content."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from router_audit import classifier as learner
from router_audit.labellers.builtin import load_builtin
from router_audit.types import PROFILES

if TYPE_CHECKING:
    import polars as pl

    from router_audit.classifier import Head
    from router_audit.store import Store
    from router_audit.types.progress import Progress

BATCH = 4096
HELD_OUT = 0.25
SEED = 20261101
FEWEST = 40
"""Below so many labelled contents, or with one profile alone, nothing is fitted: the builtin head predicts."""


@dataclass(frozen=True, slots=True)
class TrainOptions:
    """Which requests to learn from, and how they are embedded."""

    last: int | None = None
    encoder: str | None = None


@dataclass(frozen=True, slots=True)
class TrainResult:
    """How well the classifier repeats the labels of templates it was not fitted on.

    Figures are None where too few labels were there to hold any out.
    """

    version: str
    n: int
    macro_f1: float | None
    per_profile: dict[str, dict[str, float]]
    confusion: dict[str, dict[str, int]]
    brier: float | None
    ece: float | None
    abstained: int
    predicted: int
    """Contents that this call predicted; the others had their prediction already."""


def train(store: Store, options: TrainOptions, progress: Progress) -> TrainResult:
    """Fit on three quarters of the templates, measure on the rest, refit on all, predict every content."""
    import numpy as np

    labeller = load_builtin(options.encoder)
    store.run("select_window", last=options.last)
    store.run("select_contents")
    rows = store.query(
        "training_rows",
        encoder=labeller.encoder,
        labeller=labeller.name,
        model=labeller.model,
        prompt_version=labeller.prompt_version,
    )
    figures: dict[str, Any] = {
        "n": 0, "macro_f1": None, "per_profile": {}, "confusion": {}, "brier": None, "ece": None, "abstained": 0,
    }  # fmt: skip
    if rows.height < FEWEST or rows["profile"].n_unique() < 2:
        head = labeller.head
    else:
        progress.stage("training", None)
        vectors = np.stack(rows["vector"].to_numpy())
        labels = rows["profile"].to_list()
        weights = np.sqrt(rows["requests"].to_numpy().astype(float))
        head, figures = learner.fit_and_measure(
            vectors,
            labels,
            groups=rows["template_id"].to_list(),
            classes=PROFILES,
            weights=weights,
            held_out=HELD_OUT,
            seed=SEED,
            about={"encoder": labeller.encoder, "labeller": labeller.name, "labeller_model": labeller.model},
        )
    _save(store, head, labeller.encoder, labeller.name, figures)
    predicted = _predict(store, head, labeller.encoder, progress)
    return TrainResult(version=head.version, predicted=predicted, **figures)


def _save(store: Store, head: Head, encoder: str, labeller: str, figures: dict[str, Any]) -> None:
    import polars as pl

    seen = store.query("classifier_sequence", version=head.version).row(0, named=True)
    if seen["own"] and seen["own"] == seen["newest"]:
        return
    metadata, arrays = learner.to_bytes(head)
    row = {
        "version": head.version,
        "sequence": seen["newest"] + 1,
        "encoder": encoder,
        "labeller": labeller,
        "metadata": json.dumps({"head": metadata, "figures": figures}, sort_keys=True),
        "arrays": arrays,
    }
    store.append("classifiers", pl.DataFrame([row]), on_conflict="replace")


def _predict(store: Store, head: Head, encoder: str, progress: Progress) -> int:
    import numpy as np

    progress.stage("predicting", None)
    done = 0
    for batch in store.stream(
        "unpredicted_vectors", batch_rows=BATCH, encoder=encoder, classifier=head.version
    ):
        verdicts = learner.predict(head, np.stack(batch["vector"].to_numpy()))
        store.append(
            "predictions", _predictions(batch, verdicts, head.version), on_conflict="ignore", aside=True
        )
        done += batch.height
    return done


def _predictions(batch: pl.DataFrame, verdicts: Any, version: str) -> pl.DataFrame:
    import polars as pl

    return pl.DataFrame(
        {
            "content_hash": batch["content_hash"],
            "classifier": pl.repeat(version, batch.height, eager=True),
            "profile": pl.Series(
                [None if verdict.abstained else verdict.profile for verdict in verdicts], dtype=pl.String
            ),
            "probability": pl.Series([verdict.probability for verdict in verdicts], dtype=pl.Float64),
            "reason": pl.Series([verdict.abstained for verdict in verdicts], dtype=pl.String),
        }
    )
