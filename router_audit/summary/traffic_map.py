"""The traffic as a landscape: contents that the encoder finds alike lie side by side."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from router_audit.summary.examples import masked_text
from router_audit.summary.traffic import UNTAGGED
from router_audit.types.report import Landmark, TrafficMap, TrafficPoint

if TYPE_CHECKING:
    from collections.abc import Mapping

    import polars as pl
    from numpy.typing import NDArray

MOST_POINTS = 1200
"""Contents shown; of more than these a sample by hash is drawn."""

LANDMARKS = 6


def lay_out(
    sample: pl.DataFrame, names: Mapping[str, str], contents: int, *, skip: int = 0
) -> TrafficMap | None:
    """Project the sample's vectors on their first two principal axes; None for fewer than three contents.

    `sample` has `vector` (lists of one length), `profile`, `template_id` and `requests`; the first `skip` columns
    of a vector are no part of its meaning. Each axis points to where its largest loading is positive, so that
    the same sample gives the same map.
    """
    if sample.height < 3:
        return None
    vectors = np.asarray(sample["vector"].to_list(), dtype=np.float64)
    vectors = vectors[:, skip:] if vectors.shape[1] > skip else vectors
    centred = vectors - vectors.mean(axis=0)
    covariance = centred.T @ centred
    values, axes = np.linalg.eigh(covariance)
    total = float(values.clip(min=0).sum())
    if total <= 0:
        return None
    chosen = axes[:, ::-1][:, :2]
    if chosen.shape[1] < 2:
        return None
    chosen = chosen * np.sign(chosen[np.abs(chosen).argmax(axis=0), np.arange(2)])
    flat = centred @ chosen
    at = np.column_stack([_spread(flat[:, 0]), _spread(flat[:, 1])])
    profiles = [name or UNTAGGED for name in sample["profile"].to_list()]
    points = tuple(
        TrafficPoint(round(float(x), 3), round(float(y), 3), profile)
        for (x, y), profile in zip(at, profiles, strict=True)
    )
    return TrafficMap(
        points, _landmarks(sample, at, names), contents, round(float(values[-2:].sum()) / total, 4)
    )


def _spread(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Positions in [0, 1]: half the place in line, half the place on the axis, so that crowds spread out."""
    low, high = float(values.min()), float(values.max())
    linear = (values - low) / (high - low) if high > low else np.full(values.size, 0.5)
    order = np.argsort(np.argsort(values, kind="stable"), kind="stable") / max(1, values.size - 1)
    return np.asarray((linear + order) / 2)


def _landmarks(
    sample: pl.DataFrame, at: NDArray[np.float64], names: Mapping[str, str]
) -> tuple[Landmark, ...]:
    import polars as pl

    placed = sample.select("template_id", "requests", "profile").with_columns(
        pl.Series("x", at[:, 0]), pl.Series("y", at[:, 1])
    )
    found = (
        placed.group_by("template_id")
        .agg(
            pl.col("requests").sum(),
            pl.col("x").median(),
            pl.col("y").median(),
            pl.col("profile").mode().min(),
        )
        .sort(["requests", "template_id"], descending=[True, False])
        # The most used template of each profile first: else one crowd takes every name.
        .sort(pl.int_range(pl.len()).over("profile"), maintain_order=True)
        .head(LANDMARKS)
    )
    return tuple(
        Landmark(round(row["x"], 3), round(row["y"], 3), named, row["requests"])
        for row in found.iter_rows(named=True)
        if (named := masked_text(names.get(row["template_id"], ""))[:60])
    )
