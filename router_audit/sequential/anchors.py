"""Has the judge moved? A fixed anchor set, graded once for reference and again at every check.

If the judge has moved, a canary alarm may be the judge's doing, so verdicts freeze until it is settled.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scipy.special import bdtr, bdtrc

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class JudgeDrift:
    """The reference grades of the anchor set against those of one check."""

    items: int
    """Anchors that were graded both times."""
    harsher: int
    """Passed for reference, failed now."""
    milder: int
    """Failed for reference, passed now."""
    p_value: float
    """Exact McNemar, two-sided: is the judge harsher or milder?"""
    p_noise: float | None
    """Exact binomial: does it contradict itself more often than it did at first? None without a baseline."""
    level: float
    """What this check may spend of alpha."""
    drifted: bool
    """Either p-value is at most half the level (the whole where there is no baseline)."""


def judge_drift(
    reference: Mapping[str, bool],
    now: Mapping[str, bool],
    *,
    check: int = 1,
    alpha: float = 0.05,
    baseline: float | None = None,
) -> JudgeDrift:
    """Compare a re-grading of the anchor set with its reference grades, both by item id.

    Given that an item's two grades differ, an unmoved judge is as likely to have passed it first as now:
    harsher is Bin(harsher + milder, 1/2) (McNemar 1947, Psychometrika 12:153-157, in its exact form).
    The re-gradings of one set depend on each other, so no product of evidence is formed: the k-th
    `check` spends alpha / (k (k + 1)), which adds up to alpha over all checks ever made, whatever the
    dependence. `baseline` is the share of items the unmoved judge graded differently when asked twice
    (an upper bound of it, to be safe). Items missing on either side are left out.
    Raises ValueError for a check below 1 or a baseline outside (0, 1).
    """
    if check < 1 or (baseline is not None and not 0 < baseline < 1):
        raise ValueError("checks count from 1, and a baseline lies strictly between 0 and 1")
    both = reference.keys() & now.keys()
    harsher = sum(reference[item] and not now[item] for item in both)
    milder = sum(now[item] and not reference[item] for item in both)
    changed = harsher + milder
    level = alpha / (check * (check + 1))
    p_value = min(1.0, 2 * float(bdtr(min(harsher, milder), changed, 0.5))) if changed else 1.0
    p_noise = None
    if baseline is not None:
        p_noise = float(bdtrc(changed - 1, len(both), baseline)) if changed else 1.0
    drifted = p_value <= level if p_noise is None else min(p_value, p_noise) <= level / 2
    return JudgeDrift(len(both), harsher, milder, p_value, p_noise, level, drifted)
