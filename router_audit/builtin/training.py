"""Train the builtin labeller's head from a corpus folder, and measure it on sources it has not seen."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from router_audit.builtin.corpus import (
    OWN_SOURCE,
    PROFILES,
    LabelledPrompt,
    expand,
    is_trainable,
    read_rows,
    read_tasks,
)
from router_audit.builtin.features import (
    SENTENCE,
    STATIC,
    STRUCTURE,
    WORDS,
    build_features,
    view_prompts,
)
from router_audit.classifier.fit import (
    fit_linear,
    fit_network,
    fit_temperature,
    raw_log_probabilities,
)
from router_audit.classifier.head import Head, Member, Neighbours
from router_audit.classifier.neighbours import fit_neighbours
from router_audit.embedding import StaticTokens
from router_audit.errors import UserError
from router_audit.recipe.view import RECIPE_VERSION

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]
    Wording = tuple[Neighbours, Neighbours, Member]

RECORDS_PER_INSTRUCTION = 2
OWN_SHARE = 0.75
"""Share of the total training weight that our own corpus gets; public benchmarks are few, large and alike."""
RIDGE, RIDGE_WORDS, FLOOR_WORDS = 1e-2, 1e-2, 0.01
HIDDEN, DECAY, SHARE_CURVED = 48, 1.0, 0.6
REACH, REACH_SENTENCE = 0.035, 0.03
ALIKE = 0.65
"""Cosine from which a row gives its vote to another."""
AXES = 128
"""Directions of the vectors in which texts are compared: a third of them tell the same."""
MINIMUM_PROBABILITY = 0.34
FOLDS = 4


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


def load_corpus(paths: Sequence[Path], seed: int = 0) -> list[LabelledPrompt]:
    """Return the expanded tasks and the labelled rows of folders and *.jsonl(.gz) files, whatever their licence."""
    rows: list[LabelledPrompt] = []
    for path in paths:
        if not path.exists():
            raise UserError(f"{path}: no such corpus folder or file")
        if path.is_dir():
            rows.extend(
                row for task in read_tasks(path) for row in expand(task, RECORDS_PER_INSTRUCTION, seed)
            )
        rows.extend(read_rows(path))
    if not rows:
        raise UserError(
            f"{', '.join(map(str, paths))}: no *.toml task and no labelled *.jsonl row found; see benchmarks/builtin_corpus"
        )
    return rows


def featurise(rows: Sequence[LabelledPrompt]) -> TrainingSet:
    """Apply the recipe to every row."""
    return TrainingSet(tuple(rows), build_features(view_prompts([row.record for row in rows]), None))


def train_builtin(paths: Sequence[Path], seed: int = 0) -> Head:
    """Train the head on every row of `paths` whose licence permits it; the same files give the same numbers."""
    return calibrated_head(featurise([row for row in load_corpus(paths, seed) if is_trainable(row)]), seed)


def calibrated_head(training: TrainingSet, seed: int = 0) -> Head:
    """Fit the head on all rows, and its temperature on predictions for held-out sources and task files."""
    head = fit_head(training, seed=seed)
    logits, light, targets, weights = _held_out_logits(training)
    sources = Counter(_family(row.source) for row in training.rows)
    own_tasks = {row.task for row in training.rows if row.licence == OWN_SOURCE}
    about = {
        "encoder": StaticTokens.name, "recipe": RECIPE_VERSION, "seed": seed, "rows": len(training.rows),
        "own_tasks": len(own_tasks), "sources": dict(sorted(sources.items())),
    }  # fmt: skip
    return replace(
        head,
        temperature=fit_temperature(logits, targets, weights),
        light_temperature=fit_temperature(light, targets, weights),
        minimum_probability=MINIMUM_PROBABILITY,
        about=about,
    )


def fit_head(training: TrainingSet, wording: Wording | None = None, seed: int = 0) -> Head:
    """Fit the head's members and average them.

    Two over structure share one vote; one goes by the likeness of the whole instruction, one by that of the sentence
    that orders. The light form goes by the instruction's words in place of the last, which spares a forward pass.

    Apart they err on different sources: what misleads one member seldom misleads the other. Those that go by
    wording learn from our own rows alone, where there are any: thousands of rows of one public template, near in
    wording to nothing but themselves, would outvote the varied ones on every new source. `wording` spares fitting
    them again.
    """
    weights, labels = row_weights(training.rows), training.labels
    straight = fit_linear(training.features, labels, PROFILES, weights, STRUCTURE, RIDGE)
    curved = fit_network(training.features, labels, PROFILES, weights, STRUCTURE, HIDDEN, DECAY, seed)
    return Head(
        PROFILES,
        (
            replace(straight, share=1 - SHARE_CURVED),
            replace(curved, share=SHARE_CURVED),
            *(fit_wording(training) if wording is None else wording),
        ),
    )


def fit_wording(training: TrainingSet) -> Wording:
    """Fit the members that go by wording, two of voters and one over hashed words, on our own rows where there are any."""
    import numpy as np

    own = [index for index, row in enumerate(training.rows) if row.licence == OWN_SOURCE]
    chosen = own or list(range(len(training.rows)))
    rows = [training.rows[index] for index in chosen]
    features, labels, weights = (
        training.features[np.array(chosen)],
        [row.profile for row in rows],
        row_weights(rows),
    )
    voters = partial(fit_neighbours, features, labels, PROFILES, weights, alike=ALIKE, axes=AXES)
    return (
        voters(columns=STATIC, reach=REACH),
        replace(voters(columns=SENTENCE, reach=REACH_SENTENCE), form="full"),
        replace(
            fit_linear(features, labels, PROFILES, weights, WORDS, RIDGE_WORDS, FLOOR_WORDS, sparse=True),
            form="light",
        ),
    )


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


def _held_out_logits(training: TrainingSet) -> tuple[FloatArray, FloatArray, list[int], FloatArray]:
    """Return uncalibrated log-probabilities for every row from a head that saw neither its source nor its task file.

    Those of the full form, those of the light one, then targets and weights.
    """
    import numpy as np

    folds = np.array(source_folds(training.rows))
    logits = np.zeros((len(training.rows), len(PROFILES)), dtype=np.float32)
    light = np.zeros_like(logits)
    for fold in sorted(set(folds.tolist())):
        kept, left = np.flatnonzero(folds != fold), np.flatnonzero(folds == fold)
        part = TrainingSet(tuple(training.rows[index] for index in kept.tolist()), training.features[kept])
        head, shown = fit_head(part), training.features[left]
        logits[left] = raw_log_probabilities(head.form(), shown)
        light[left] = raw_log_probabilities(head.form(light=True), shown)
    return logits, light, [PROFILES.index(label) for label in training.labels], row_weights(training.rows)


def subset(everything: TrainingSet, kept: Sequence[int]) -> TrainingSet:
    """Return the rows with these indices."""
    import numpy as np

    return TrainingSet(tuple(everything.rows[index] for index in kept), everything.features[np.asarray(kept)])
