"""Fit, calibrate and apply the profile classifier; applying it needs numpy alone."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from router_audit.classifier.head import Head, Layer, Member, Neighbours
from router_audit.classifier.neighbours import neighbour_scores
from router_audit.errors import UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]
    IntArray = NDArray[np.int64]

CLIP = 6.0
MAX_ITERATIONS = 80
PASSES, PER_STEP, STEP = 20, 1024, 4e-3
"""Of the network: passes over the rows, rows a step, learning rate."""
LOW_PROBABILITY = "low probability"
FAR_FROM_TRAINING = "far from training data"


@dataclass(frozen=True)
class Prediction:
    """The verdict on one row: the most likely class, its calibrated probability, and why it is withheld ("" = it is not)."""

    profile: str
    probability: float
    abstained: str


def fit_linear(
    features: FloatArray,
    labels: Sequence[str],
    classes: Sequence[str],
    weights: FloatArray | None = None,
    columns: tuple[int, int] | None = None,
    ridge: float = 1e-3,
    floor: float = 0.05,
    sparse: bool = False,
) -> Member:
    """Fit multinomial logistic regression on columns of `features` (n, d); deterministic.

    Minimises the weighted mean log loss plus `ridge` times the sum of squared coefficients of the scaled
    columns. `weights` (n,) weigh the rows; `floor` keeps columns that hardly vary from being blown up;
    `sparse` spares memory for columns that are mostly zero, which are then scaled but not centred.
    """
    import numpy as np
    from sklearn.linear_model import LogisticRegression

    start, stop = columns or (0, features.shape[1])
    row_weights = np.ones(len(features)) if weights is None else np.asarray(weights, dtype=np.float64)
    row_weights = row_weights / row_weights.mean()
    targets = np.array([list(classes).index(label) for label in labels])
    if len(set(targets.tolist())) < 2:
        raise UserError("Training needs labels of at least two profiles.")
    mean, scale = _scaling(features[:, start:stop], row_weights, floor, centred=not sparse)
    scaled: Any = np.clip((features[:, start:stop] - mean) / scale, -CLIP, CLIP)
    if sparse:
        from scipy.sparse import csr_array

        scaled = csr_array(scaled)
    model = LogisticRegression(C=1.0 / (2.0 * ridge * len(features)), max_iter=MAX_ITERATIONS, tol=1e-4)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", category=UserWarning)  # stopping at the iteration limit is meant
        model.fit(scaled, targets, sample_weight=row_weights.astype(np.float32))
    weight = np.zeros((stop - start, len(classes)), dtype=np.float32)
    bias = np.full(len(classes), -30.0, dtype=np.float32)
    coefficients, intercepts = np.asarray(model.coef_), np.asarray(model.intercept_)
    if len(model.classes_) == 2:
        coefficients, intercepts = (
            np.vstack([-coefficients, coefficients]) / 2,
            np.concatenate([-intercepts, intercepts]) / 2,
        )
    for row, target in enumerate(model.classes_):
        weight[:, target] = coefficients[row]
        bias[target] = intercepts[row]
    return Member(start, stop, mean, scale, (Layer(weight, bias),))


def fit_network(
    features: FloatArray,
    labels: Sequence[str],
    classes: Sequence[str],
    weights: FloatArray,
    columns: tuple[int, int],
    hidden: int,
    decay: float,
    seed: int,
) -> Member:
    """Fit one hidden layer of `hidden` ReLUs on columns of `features` (n, d); the same seed gives the same numbers.

    `weights` (n,) weigh the rows; `decay` is the L2 penalty.
    """
    import numpy as np
    from sklearn.neural_network import MLPClassifier

    start, stop = columns
    row_weights: Any = np.asarray(weights, dtype=np.float64) / np.mean(weights)
    targets = np.array([list(classes).index(label) for label in labels])
    if len(set(targets.tolist())) < 2:
        raise UserError("Training needs labels of at least two profiles.")
    mean, scale = _scaling(features[:, start:stop], row_weights, 0.05, centred=True)
    scaled = np.clip((features[:, start:stop] - mean) / scale, -CLIP, CLIP)
    model = MLPClassifier(
        (hidden,), alpha=decay, max_iter=PASSES, random_state=seed, batch_size=min(PER_STEP, len(scaled)), learning_rate_init=STEP,
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", category=UserWarning)  # the number of passes is meant
        model.fit(scaled, targets, sample_weight=row_weights)
    inner, outer = (np.asarray(part, dtype=np.float32) for part in model.coefs_)
    inner_bias, outer_bias = (np.asarray(part, dtype=np.float32) for part in model.intercepts_)
    if len(model.classes_) == 2:
        outer = (np.hstack([-outer, outer]) / 2).astype(np.float32)
        outer_bias = (np.concatenate([-outer_bias, outer_bias]) / 2).astype(np.float32)
    weight = np.zeros((hidden, len(classes)), dtype=np.float32)
    bias = np.full(len(classes), -30.0, dtype=np.float32)
    weight[:, model.classes_], bias[model.classes_] = outer, outer_bias
    return Member(start, stop, mean, scale, (Layer(inner, inner_bias), Layer(weight, bias)))


def _scaling(
    block: FloatArray, row_weights: Any, floor: float, centred: bool
) -> tuple[FloatArray, FloatArray]:
    """Return the weighted mean (0 unless `centred`) and spread (plus `floor`) of each column of `block` (n, d)."""
    import numpy as np

    share = (row_weights / row_weights.sum()).astype(np.float32)
    mean = share @ block if centred else np.zeros(block.shape[1], dtype=np.float32)
    variance = np.maximum(share @ (block * block) - mean * mean, 0.0)
    return mean.astype(np.float32), (np.sqrt(variance) + floor).astype(np.float32)


def raw_log_probabilities(head: Head, features: FloatArray) -> FloatArray:
    """Return the averaged, uncalibrated log-probabilities (n, classes)."""
    import numpy as np

    total = np.zeros((len(features), len(head.classes)), dtype=np.float64)
    share = sum(member.share for member in head.members)
    for member in head.members:
        block = features[:, member.start : member.stop]
        scores = (
            neighbour_scores(member, block)
            if isinstance(member, Neighbours)
            else _layer_scores(member, block)
        )
        total += member.share / share * _log_softmax(scores)
    result: FloatArray = total.astype(np.float32)
    return result


def _layer_scores(member: Member, block: FloatArray) -> FloatArray:
    import numpy as np

    values = np.clip((block - member.mean) / member.scale, -CLIP, CLIP)
    for index, layer in enumerate(member.layers):
        values = (np.maximum(values, 0.0) if index else values) @ layer.weight + layer.bias
    scores: FloatArray = values
    return scores


def predict_proba(head: Head, features: FloatArray) -> FloatArray:
    """Return calibrated probabilities (n, classes); rows sum to 1."""
    import numpy as np

    result: FloatArray = np.exp(
        _log_softmax(raw_log_probabilities(head, features).astype(np.float64) / head.temperature)
    ).astype(np.float32)
    return result


def predict(head: Head, features: FloatArray) -> list[Prediction]:
    """Return one Prediction per row of `features` (n, d)."""
    probabilities = predict_proba(head, features)
    distances = distance_to_training(head, features)
    best = probabilities.argmax(axis=1)
    return [
        verdict(head, int(index), float(probabilities[row, index]), float(distances[row]))
        for row, index in enumerate(best)
    ]


def verdict(head: Head, best: int, probability: float, distance: float) -> Prediction:
    """Return the verdict for class `best`, withheld where it is too improbable or the row too far from training data."""
    reason = ""
    if probability < head.minimum_probability:
        reason = LOW_PROBABILITY
    elif distance > head.maximum_distance:
        reason = FAR_FROM_TRAINING
    return Prediction(head.classes[best], probability, reason)


def distance_to_training(head: Head, features: FloatArray) -> FloatArray:
    """Return for each row 1 - cosine to the nearest prototype, in [0, 2]; zeros when the head keeps no prototypes."""
    import numpy as np

    if head.prototypes is None or not len(head.prototypes):
        return np.zeros(len(features), dtype=np.float32)
    width = head.prototypes.shape[1]
    rows = features[:, :width]
    rows = rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)
    result: FloatArray = (1.0 - (rows @ head.prototypes.T).max(axis=1)).astype(np.float32)
    return result


def with_prototypes(head: Head, features: FloatArray, count: int, quantile: float, seed: int) -> Head:
    """Return `head` with up to `count` training rows as prototypes and a distance limit at `quantile` of the other rows."""
    import numpy as np

    unit = features / np.maximum(np.linalg.norm(features, axis=1, keepdims=True), 1e-9)
    order = np.random.default_rng(seed).permutation(len(unit))
    kept, rest = unit[np.sort(order[:count])], unit[np.sort(order[count:])]
    limit = float("inf") if not len(rest) else float(np.quantile(1.0 - (rest @ kept.T).max(axis=1), quantile))
    return replace(head, prototypes=kept.astype(np.float32), maximum_distance=limit)


def calibrate(
    head: Head, features: FloatArray, labels: Sequence[str], weights: FloatArray | None = None
) -> Head:
    """Return `head` with the temperature that gives held-out rows the lowest weighted log loss."""
    logits = raw_log_probabilities(head, features)
    return replace(
        head, temperature=fit_temperature(logits, [head.classes.index(label) for label in labels], weights)
    )


def fit_temperature(logits: FloatArray, targets: Sequence[int], weights: FloatArray | None = None) -> float:
    """Return the temperature in [0.2, 10] with the lowest log loss for `logits` (n, classes), by golden section."""
    import numpy as np

    index = np.asarray(targets)
    row_weights = np.ones(len(index)) if weights is None else np.asarray(weights, dtype=np.float64)

    def loss(log_temperature: float) -> float:
        scores = _log_softmax(logits.astype(np.float64) / np.exp(log_temperature))
        return float(-(row_weights * scores[np.arange(len(index)), index]).sum())

    low, high, ratio = float(np.log(0.2)), float(np.log(10.0)), 0.6180339887498949
    left, right = high - ratio * (high - low), low + ratio * (high - low)
    for _ in range(40):
        if loss(left) < loss(right):
            high, right = right, left
            left = high - ratio * (high - low)
        else:
            low, left = left, right
            right = low + ratio * (high - low)
    return float(np.exp((low + high) / 2))


def grouped_split(groups: Sequence[str], share: float, seed: int) -> tuple[IntArray, IntArray]:
    """Split rows into (rest, held out) so that no group is on both sides; about `share` of the rows are held out."""
    import numpy as np

    names, counts = np.unique(np.asarray(groups, dtype=object).astype(str), return_counts=True)
    order = np.random.default_rng(seed).permutation(len(names))
    wanted, taken = share * len(groups), 0
    held: set[str] = set()
    for index in order[: max(len(names) - 1, 0)]:
        if taken >= wanted:
            break
        held.add(str(names[index]))
        taken += int(counts[index])
    mask = np.array([str(group) in held for group in groups], dtype=bool)
    return np.flatnonzero(~mask), np.flatnonzero(mask)


def _log_softmax(scores: Any) -> Any:
    import numpy as np

    shifted = scores - scores.max(axis=1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
