"""Measure a classifier: macro-F1, intervals per profile, confusion, calibration and the price of abstaining."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]

BINS = 15
COVERAGES = (0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 1.0)


@dataclass(frozen=True)
class Rate:
    """A proportion with its 95% Wilson interval; all NaN when nothing was counted."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class ProfileReport:
    """How one profile fared."""

    precision: Rate
    recall: Rate
    f1: float
    support: int


@dataclass(frozen=True)
class Evaluation:
    """All measures over n labelled rows; an abstention is an error in `macro_f1` and in recall."""

    n: int
    macro_f1: float
    per_profile: dict[str, ProfileReport]
    confusion: dict[str, dict[str, int]]
    """Counts by true profile, then by predicted profile; "abstained" is a column of its own."""
    brier: float
    """Mean squared distance between the probability vector and the truth, in [0, 2]."""
    ece: float
    abstained: int
    risk_coverage: tuple[tuple[float, float], ...]
    """(share of rows kept, error among them), the most certain rows first."""


def evaluate(
    labels: Sequence[str],
    probabilities: FloatArray,
    classes: Sequence[str],
    abstained: Sequence[bool] | None = None,
) -> Evaluation:
    """Measure `probabilities` (n, classes) against `labels` (n,); profiles without support are left out of macro_f1."""
    import numpy as np

    index = {name: place for place, name in enumerate(classes)}
    truth = np.array([index[label] for label in labels], dtype=np.int64)
    withheld = np.zeros(len(truth), dtype=bool) if abstained is None else np.asarray(abstained, dtype=bool)
    best = probabilities.argmax(axis=1) if len(truth) else np.zeros(0, dtype=np.int64)
    given = np.where(withheld, -1, best)
    per_profile, scores = {}, []
    for name, place in index.items():
        hits = int(((given == place) & (truth == place)).sum())
        said, there = int((given == place).sum()), int((truth == place).sum())
        f1 = 2 * hits / (said + there) if said + there else 0.0
        per_profile[name] = ProfileReport(wilson(hits, said), wilson(hits, there), f1, there)
        if there:
            scores.append(f1)
    confusion = {
        name: {
            other: int(((truth == place) & (given == column)).sum())
            for other, column in [*index.items(), ("abstained", -1)]
        }
        for name, place in index.items()
    }
    certainty: FloatArray = probabilities.max(axis=1) if len(truth) else np.zeros(0, dtype=np.float32)
    right = best == truth
    one_hot = np.eye(len(classes))[truth]
    return Evaluation(
        n=len(truth),
        macro_f1=float(np.mean(scores)) if scores else float("nan"),
        per_profile=per_profile,
        confusion=confusion,
        brier=float(((probabilities - one_hot) ** 2).sum(axis=1).mean()) if len(truth) else float("nan"),
        ece=_calibration_error(certainty, right),
        abstained=int(withheld.sum()),
        risk_coverage=_risk_coverage(certainty, right),
    )


def wilson(hits: int, trials: int, z: float = 1.959963984540054) -> Rate:
    """Return hits / trials with its Wilson score interval."""
    if trials == 0:
        return Rate(float("nan"), float("nan"), float("nan"))
    share = hits / trials
    centre = (share + z * z / (2 * trials)) / (1 + z * z / trials)
    half = z / (1 + z * z / trials) * math.sqrt(share * (1 - share) / trials + z * z / (4 * trials * trials))
    return Rate(share, max(0.0, centre - half), min(1.0, centre + half))


def _calibration_error(certainty: FloatArray, right: NDArray[np.bool_]) -> float:
    """Mean gap between certainty and accuracy over equal-width bins, weighted by their size."""
    import numpy as np

    if not len(certainty):
        return float("nan")
    bins = np.minimum((certainty * BINS).astype(int), BINS - 1)
    gaps = [
        abs(float(certainty[bins == b].mean()) - float(right[bins == b].mean())) * float((bins == b).mean())
        for b in set(bins.tolist())
    ]
    return float(sum(gaps))


def _risk_coverage(certainty: FloatArray, right: NDArray[np.bool_]) -> tuple[tuple[float, float], ...]:
    import numpy as np

    if not len(certainty):
        return ()
    errors = ~right[np.argsort(-certainty, kind="stable")]
    return tuple((share, float(errors[: max(1, round(share * len(errors)))].mean())) for share in COVERAGES)
