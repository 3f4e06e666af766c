"""Has the traffic changed? Population stability of the mix, and a classifier two-sample test of the content.

The index is sum (q - p) ln(q / p) over categories, each count with half a request added. The test fits a
ridge classifier on one half of both windows and counts how often it tells, on the other half, which window a
request is of (Lopez-Paz and Oquab 2017, "Revisiting classifier two-sample tests"): under "no change" the hits
are Bin(n, 1/2), so the p-value is exact whatever the classifier. Requests must be independent: one of each session.
"""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import bdtrc

from router_audit.types.drift import Stability, TwoSamples

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from router_audit.types.drift import Size

MOVED, SHIFTED = 0.1, 0.25
FEWEST = 40
"""Sessions a window needs of a profile before its content is tested."""
MOST = 1000
"""Sessions compared of each window."""
LEVEL = 0.01
RIDGE = 10.0


def stability(of: str, before: Mapping[str, int], now: Mapping[str, int]) -> Stability:
    """The index of two counts by category. Raises ValueError where a window is empty."""
    if not sum(before.values()) or not sum(now.values()):
        raise ValueError("an empty window has no mix")
    names = sorted({*before, *now})
    totals = [sum(counts.values()) + len(names) / 2 for counts in (before, now)]
    index = 0.0
    for name in names:
        p, q = (
            (counts.get(name, 0) + 0.5) / total for counts, total in zip((before, now), totals, strict=True)
        )
        index += (q - p) * log(q / p)
    size: Size = "stable" if index < MOVED else "moved" if index < SHIFTED else "shifted"
    shares = [
        (name, before.get(name, 0) / sum(before.values()), now.get(name, 0) / sum(now.values()))
        for name in names
    ]
    return Stability(of, index, size, tuple(sorted(shares, key=lambda row: (-abs(row[2] - row[1]), row[0]))))


def two_samples(
    profile: str,
    before: NDArray[np.float32],
    now: NDArray[np.float32],
    rng: np.random.Generator,
    *,
    level: float = LEVEL,
) -> TwoSamples:
    """Test whether the rows of two matrices come from one distribution; as many of either are used.

    Raises ValueError where one has fewer than `FEWEST` rows.
    """
    if min(len(before), len(now)) < FEWEST:
        raise ValueError(f"needs {FEWEST} rows of either window")
    size = min(len(before), len(now), MOST) // 2 * 2
    halves = [part[rng.permutation(len(part))[:size]].astype(np.float64) for part in (before, now)]
    fitted = np.concatenate([half[: size // 2] for half in halves])
    asked = np.concatenate([half[size // 2 :] for half in halves])
    side: NDArray[np.float64] = np.repeat([-1.0, 1.0], size // 2)
    centre = fitted.mean(axis=0)
    x = fitted - centre
    # The dual form: as many unknowns as rows, however wide the vectors are.
    scale = float(np.trace(x @ x.T)) / len(x) or 1.0
    weights = x.T @ np.linalg.solve(x @ x.T + RIDGE * scale / 10 * np.eye(len(x)), side)
    scores = (asked - centre) @ weights
    # A score of exactly zero tells nothing: a fair coin decides it, so that identical windows stay at one half.
    scores = np.where(scores == 0, rng.choice([-1.0, 1.0], len(scores)), scores)
    hits = int((np.sign(scores) == side).sum())
    p_value = float(bdtrc(hits - 1, size, 0.5)) if hits else 1.0
    return TwoSamples(profile, size, size, hits / size, p_value, p_value <= level)
