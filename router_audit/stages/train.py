"""From labels to a classifier, its honest figures, and a prediction for every content."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from router_audit.builtin.features import matrix, vector_name
from router_audit.classifier.fit import calibrate, fit_linear, grouped_split, predict, predict_proba
from router_audit.classifier.head import Head, pack_head
from router_audit.classifier.report import Evaluation, evaluate
from router_audit.embedding import DEFAULT_ENCODER, load_encoder
from router_audit.labellers.builtin import BuiltinLabeller
from router_audit.recipe.view import RECIPE_VERSION
from router_audit.selection import suspects
from router_audit.stages.figures import figures_of
from router_audit.stages.label_health import WORST, Drift, LabelNoise, Suspect, drift
from router_audit.stages.prompt_form import PromptAsking, PromptResult, train_prompt
from router_audit.types import PROFILES

if TYPE_CHECKING:
    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from router_audit.store import Store
    from router_audit.types.progress import Progress

BATCH = 4096
HELD_OUT = 0.25
SEED = 20261101
FEWEST = 40
"""Below so many labelled contents, or with one profile alone, nothing is fitted: the labels themselves predict."""
RIDGE = 3e-3


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
    labels: dict[str, int] = field(default_factory=dict)
    """Contents by whose label they were learnt from."""
    risk_coverage: list[list[float]] = field(default_factory=list)
    """[share of rows kept, error among them], the most certain rows first."""
    noise: LabelNoise | None = None
    drift: Drift | None = None
    """Against the version before; None for the first."""


def train(store: Store, options: TrainOptions, progress: Progress) -> TrainResult:
    """Fit on three quarters of the templates, measure on the rest, refit on all, predict every content."""
    encoder = load_encoder(options.encoder or DEFAULT_ENCODER)
    labeller = BuiltinLabeller()
    name = vector_name(encoder)
    who = {"labeller": labeller.name, "model": labeller.version, "prompt_version": RECIPE_VERSION}
    store.run("select_window", last=options.last)
    store.run("select_contents")
    rows = store.query("training_rows", encoder=name, **who)
    older = next(store.query("latest_classifier").iter_rows(named=True), None)
    labels = dict(rows.group_by("labeller").len().sort("labeller").iter_rows())
    split = _split(rows)
    if split is None:
        predicted = _predict_as_labelled(store, who)
        version = f"{labeller.name}-{labeller.version}"
        _save(store, version, name, labeller.name, None, {})
        moved = drift(store, version, older, None)
        return TrainResult(version, 0, None, {}, {}, None, None, 0, predicted, labels, drift=moved)
    progress.stage("training", None)
    head, found, noise = _fit(rows, *split, {"encoder": encoder.name, "recipe": RECIPE_VERSION, **who})
    figures = figures_of(found)
    kept = {"figures": figures, "noise": asdict(noise)}
    _save(store, head.version, name, labeller.name, head, kept)
    predicted = _predict(store, head, name, progress)
    return TrainResult(
        version=head.version,
        predicted=predicted,
        labels=labels,
        noise=noise,
        drift=drift(store, head.version, older, found.macro_f1),
        **figures,
    )


def train_as_prompt(
    store: Store, options: TrainOptions, asking: PromptAsking, progress: Progress
) -> PromptResult:
    """Choose a prompt that makes an LLM the classifier, measured on the templates that `train` holds out."""
    import numpy as np

    encoder = load_encoder(options.encoder or DEFAULT_ENCODER)
    labeller = BuiltinLabeller()
    who = {"labeller": labeller.name, "model": labeller.version, "prompt_version": RECIPE_VERSION}
    store.run("select_window", last=options.last)
    store.run("select_contents")
    rows = store.query("training_rows", encoder=vector_name(encoder), **who)

    def embedding(train: list[int], test: list[int]) -> NDArray[np.float32]:
        vectors = matrix(rows["vector"])
        weights = np.sqrt(rows["requests"].to_numpy()).astype(np.float32)
        labels = [rows["profile"][i] for i in train]
        member = fit_linear(vectors[train], labels, PROFILES, weights[train], ridge=RIDGE)
        return predict_proba(Head(PROFILES, (member,)), vectors[test])

    return train_prompt(store, rows, asking, embedding, progress)


def _split(rows: pl.DataFrame) -> tuple[NDArray[np.int64], NDArray[np.int64]] | None:
    """Rows to fit on and templates held out; None where there are too few of either to fit or to measure."""
    if rows.height < FEWEST:
        return None
    rest, held = grouped_split(rows["template_id"].to_list(), HELD_OUT, SEED)
    if not len(held) or rows["profile"].gather(rest).n_unique() < 2:
        return None
    return rest, held


def _fit(
    rows: pl.DataFrame, rest: NDArray[np.int64], held: NDArray[np.int64], about: dict[str, Any]
) -> tuple[Head, Evaluation, LabelNoise]:
    import numpy as np

    vectors = matrix(rows["vector"])
    labels = rows["profile"].to_list()
    weights = np.sqrt(rows["requests"].to_numpy()).astype(np.float32)
    kept, asked = [labels[i] for i in rest], [labels[i] for i in held]
    trial = Head(PROFILES, (fit_linear(vectors[rest], kept, PROFILES, weights[rest], ridge=RIDGE),))
    trial = calibrate(trial, vectors[held], asked, weights[held])
    probabilities = predict_proba(trial, vectors[held])
    found = evaluate(
        asked,
        probabilities,
        PROFILES,
        [bool(verdict.abstained) for verdict in predict(trial, vectors[held])],
    )
    member = fit_linear(vectors, labels, PROFILES, weights, ridge=RIDGE)
    noise = _noise(rows, [int(i) for i in held], asked, probabilities)
    return Head(PROFILES, (member,), temperature=trial.temperature, about=about), found, noise


def _noise(rows: pl.DataFrame, held: list[int], given: list[str], probabilities: Any) -> LabelNoise:
    found = suspects(given, probabilities, PROFILES)
    names = rows.select("content_hash", "request_id", "labeller")
    worst = tuple(
        Suspect(
            **names.row(held[place], named=True),
            given=given[place],
            looks_like=other,
            margin=round(margin, 6),
        )
        for place, other, margin in found[:WORST]
    )
    return LabelNoise(len(given), len(found), worst)


def _save(
    store: Store, version: str, encoder: str, labeller: str, head: Head | None, about: dict[str, Any]
) -> None:
    import polars as pl

    seen = store.query("classifier_sequence", version=version).row(0, named=True)
    stays = seen["own"] and seen["own"] == seen["newest"]
    about = about | {"labels_given": store.query("labels_given")["mark"][0]}
    metadata, arrays = pack_head(head) if head is not None else ({}, b"")
    row = {
        "version": version,
        "sequence": seen["newest"] + (0 if stays else 1),
        "encoder": encoder,
        "labeller": labeller,
        "metadata": json.dumps({"head": metadata, "figures": {}} | about, sort_keys=True),
        "arrays": arrays,
    }
    store.append("classifiers", pl.DataFrame([row]), on_conflict="replace")


def _predict_as_labelled(store: Store, who: dict[str, str]) -> int:
    """The labeller's own verdicts as predictions of the classifier `LABELLER-VERSION`."""
    with store.transaction():
        return store.run("predict_as_labelled", classifier=f"{who['labeller']}-{who['model']}", **who)


def _predict(store: Store, head: Head, encoder: str, progress: Progress) -> int:

    progress.stage("predicting", None)
    done = 0
    for batch in store.stream(
        "unpredicted_vectors", batch_rows=BATCH, encoder=encoder, classifier=head.version
    ):
        vectors = matrix(batch["vector"])
        found = _predictions(batch, predict(head, vectors), head.version)
        store.append("predictions", found, on_conflict="ignore", aside=True)
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
