"""Train the builtin labeller's head from a corpus folder, and measure it on sources it has not seen."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from router_audit.builtin_corpus import (
    OWN_SOURCE,
    PROFILES,
    LabelledPrompt,
    expand,
    is_trainable,
    read_rows,
    read_tasks,
)
from router_audit.builtin_features import (
    HASHED,
    LIGHT,
    STRUCTURE,
    build_features,
    semantic_columns,
    view_prompts,
)
from router_audit.classifier import (
    fit_linear,
    fit_neighbours,
    fit_temperature,
    predict_proba,
    raw_log_probabilities,
)
from router_audit.classifier_head import Head
from router_audit.errors import UserError
from router_audit.text_recipe import RECIPE_VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from router_audit.embedding import Encoder

    FloatArray = NDArray[np.float32]

RECORDS_PER_INSTRUCTION = 2
OWN_SHARE = 0.75
"""Share of the total training weight that our own corpus gets; public benchmarks are few, large and alike."""
RIDGE_SEMANTIC, RIDGE_STRUCTURE, RIDGE_WORDS = 1e-2, 3e-2, 1e-2
SHARE_SEMANTIC, SHARE_WORDS = 0.5, 0.35
REACH = 0.035
MINIMUM_PROBABILITY = 0.40
FOLDS = 8


@dataclass(frozen=True)
class TrainingSet:
    """Rows with their features, ready to fit."""

    rows: tuple[LabelledPrompt, ...]
    features: FloatArray
    """(n, columns), see builtin_features."""

    @property
    def labels(self) -> list[str]:
        """The profile of each row."""
        return [row.profile for row in self.rows]


def load_corpus(folder: Path, seed: int = 0) -> list[LabelledPrompt]:
    """Return the expanded tasks and the labelled rows below `folder`, whatever their licence."""
    if not folder.is_dir():
        raise UserError(f"{folder}: no such corpus folder")
    rows = [row for task in read_tasks(folder) for row in expand(task, RECORDS_PER_INSTRUCTION, seed)]
    rows.extend(read_rows(folder))
    if not rows:
        raise UserError(f"{folder}: no *.toml task and no labelled *.jsonl row found")
    return rows


def featurise(rows: Sequence[LabelledPrompt], encoder: Encoder) -> TrainingSet:
    """Apply the recipe and the encoder to every row."""
    return TrainingSet(tuple(rows), build_features(view_prompts([row.record for row in rows]), encoder))


def train_builtin(folder: Path, encoder: Encoder, seed: int = 0) -> Head:
    """Train the head on every row of `folder` whose licence permits it; the same folder gives the same numbers.

    The temperature is fitted on predictions for held-out sources and held-out task files.
    """
    training = featurise([row for row in load_corpus(folder, seed) if is_trainable(row)], encoder)
    head = fit_head(training, encoder)
    logits, targets, weights = _held_out_logits(training, encoder)
    sources = Counter(_family(row.source) for row in training.rows)
    about = {
        "encoder": encoder.name, "dimension": encoder.dimension, "recipe": RECIPE_VERSION, "seed": seed,
        "rows": len(training.rows), "sources": dict(sorted(sources.items())),
    }  # fmt: skip
    return replace(
        head,
        temperature=fit_temperature(logits, targets, weights),
        minimum_probability=MINIMUM_PROBABILITY,
        about=about,
    )


def fit_head(training: TrainingSet, encoder: Encoder) -> Head:
    """Fit the head's members: structure, likeness to training instructions, sentence vector, hashed words.

    They are fitted apart and averaged: on unseen sources that beats one model over all columns by far,
    since the columns that mislead differ from source to source.
    """
    weights, labels = row_weights(training.rows), training.labels
    semantic = semantic_columns(encoder.dimension)
    structure = fit_linear(training.features, labels, PROFILES, weights, STRUCTURE, RIDGE_STRUCTURE)
    near = fit_neighbours(training.features, labels, PROFILES, weights, semantic, REACH)
    vector = fit_linear(training.features, labels, PROFILES, weights, semantic, RIDGE_SEMANTIC)
    words = fit_linear(
        training.features, labels, PROFILES, weights, HASHED, RIDGE_WORDS, floor=0.01, sparse=True
    )
    return Head(
        PROFILES, (structure, near, replace(vector, share=SHARE_SEMANTIC), replace(words, share=SHARE_WORDS))
    )


def light_head(head: Head) -> Head:
    """Return the part of `head` that needs no encoder."""
    return replace(head, members=tuple(member for member in head.members if member.stop <= LIGHT[1]))


def row_weights(rows: Sequence[LabelledPrompt]) -> FloatArray:
    """Weigh rows (n,): large sources and tasks count by their square root, our own corpus and each profile get a fixed share."""
    import numpy as np

    sizes = Counter((row.source if row.licence != OWN_SOURCE else row.task, row.profile) for row in rows)
    weights = np.array(
        [sizes[row.source if row.licence != OWN_SOURCE else row.task, row.profile] ** -0.5 for row in rows]
    )
    own = np.array([row.licence == OWN_SOURCE for row in rows])
    if own.any() and not own.all():
        weights[own] *= OWN_SHARE / weights[own].sum()
        weights[~own] *= (1 - OWN_SHARE) / weights[~own].sum()
    labels = np.array([row.profile for row in rows])
    for profile in PROFILES:
        if (labels == profile).any():
            weights[labels == profile] /= weights[labels == profile].sum()
    result: FloatArray = (weights / weights.mean()).astype(np.float32)
    return result


def _family(source: str) -> str:
    return OWN_SOURCE if source.startswith(f"{OWN_SOURCE}:") else source


def source_folds(rows: Sequence[LabelledPrompt], folds: int = FOLDS) -> list[int]:
    """Give every row a fold so that no source is in two; our own rows are split by task file."""
    sizes = Counter(row.source for row in rows)
    totals = [0] * folds
    place: dict[str, int] = {}
    for source, size in sorted(sizes.items(), key=lambda item: (-item[1], item[0])):
        fold = totals.index(min(totals))
        place[source] = fold
        totals[fold] += size
    return [place[row.source] for row in rows]


def _held_out_logits(training: TrainingSet, encoder: Encoder) -> tuple[FloatArray, list[int], FloatArray]:
    """Return uncalibrated log-probabilities for every row from a head that saw neither its source nor its task file."""
    import numpy as np

    folds = np.array(source_folds(training.rows))
    logits = np.zeros((len(training.rows), len(PROFILES)), dtype=np.float32)
    for fold in sorted(set(folds.tolist())):
        kept, left = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        part = TrainingSet(tuple(training.rows[index] for index in kept.tolist()), training.features[kept])
        logits[left] = raw_log_probabilities(fit_head(part, encoder), training.features[left])
    return logits, [PROFILES.index(label) for label in training.labels], row_weights(training.rows)


@dataclass(frozen=True)
class SourceResult:
    """Predictions for the rows of one source by a head that never saw that source."""

    source: str
    trained_elsewhere: bool
    """False for sources whose licence keeps them out of every training set."""
    labels: tuple[str, ...]
    probabilities: FloatArray


def leave_one_source_out(
    rows: Sequence[LabelledPrompt], encoder: Encoder, light: bool = False
) -> list[SourceResult]:
    """Predict every public source with a head trained on our own corpus and on the licensed rows of the other sources.

    Sources whose licence forbids training are predicted by the head trained on all licensed rows.
    """
    everything = featurise(rows, encoder)
    import numpy as np

    public = np.array([row.licence != OWN_SOURCE for row in rows])
    trainable = np.array([is_trainable(row) for row in rows])
    sources = np.array([row.source for row in rows])
    results = []
    final: Head | None = None
    for source in sorted(set(sources[public].tolist())):
        left = np.flatnonzero(public & (sources == source))
        licensed = bool(trainable[left].any())
        if licensed or final is None:
            kept = np.flatnonzero(trainable & (sources != source))
            head = fit_head(
                TrainingSet(tuple(rows[index] for index in kept.tolist()), everything.features[kept]), encoder
            )
            final = head if not licensed else final
        else:
            head = final
        head = light_head(head) if light else head
        labels = tuple(rows[index].profile for index in left.tolist())
        results.append(SourceResult(source, licensed, labels, predict_proba(head, everything.features[left])))
    return results


__all__ = [
    "SourceResult", "TrainingSet", "featurise", "fit_head", "leave_one_source_out", "light_head", "load_corpus", "row_weights",
    "source_folds", "train_builtin",
]  # fmt: skip
