"""Tokenizer factors measured on this log's own trials: the same request, counted by both models."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Callable

FEWEST_TRIALS = 30
"""Fewer pairs than this leave the stated factor in place."""


@dataclass(frozen=True, slots=True)
class LearntFactor:
    """A factor between two families, with what it rests on."""

    old: str
    new: str
    factor: Decimal
    """The candidate's input tokens over the incumbent's, summed over trials: it prices totals without bias."""
    trials: int


def learn_factors(
    trials: pl.DataFrame, family: Callable[[str], str | None], fewest: int = FEWEST_TRIALS
) -> tuple[LearntFactor, ...]:
    """Factors of each pair of families seen in at least `fewest` trials.

    `trials` has `incumbent`, `candidate` (`provider/model`), `incumbent_input_tokens` and
    `candidate_input_tokens`; the input is the same text on both sides, the output is not.
    """
    refs = {str(ref) for name in ("incumbent", "candidate") for ref in trials[name].drop_nulls().unique()}
    names = {ref: found for ref in sorted(refs) if (found := family(ref)) is not None}
    paired = (
        trials.select(
            pl.col("incumbent").replace_strict(names, default=None, return_dtype=pl.String).alias("old"),
            pl.col("candidate").replace_strict(names, default=None, return_dtype=pl.String).alias("new"),
            pl.col("incumbent_input_tokens").alias("given"),
            pl.col("candidate_input_tokens").alias("counted"),
        )
        .drop_nulls()
        .filter((pl.col("given") > 0) & (pl.col("counted") > 0) & (pl.col("old") != pl.col("new")))
        .group_by("old", "new")
        .agg(pl.len().alias("n"), pl.col("given", "counted").sum())
        .filter(pl.col("n") >= fewest)
        .sort("old", "new")
    )
    return tuple(
        LearntFactor(old, new, (Decimal(counted) / Decimal(given)).quantize(Decimal("0.0001")), count)
        for old, new, count, given, counted in paired.iter_rows()
    )
