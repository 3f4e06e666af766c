"""Voters by likeness: fitted from rows, and asked about others."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from router_audit.classifier.head import Neighbours

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]
    IntArray = NDArray[np.int64]

VETO = 0.02
CHUNK = 512


def fit_neighbours(
    features: FloatArray,
    labels: Sequence[str],
    classes: Sequence[str],
    weights: FloatArray,
    columns: tuple[int, int],
    reach: float,
    alike: float = 1.0,
    axes: int | None = None,
) -> Neighbours:
    """Keep rows of columns of `features` (n, d), which must have length 1, as voters.

    Rows are compared along their `axes` leading directions (all of them where None). A row within cosine `alike`
    of one that is kept gives it its vote instead of standing beside it.
    """
    import numpy as np

    block = features[:, columns[0] : columns[1]]
    member = Neighbours(
        *columns, _leading(block, axes), np.empty((0, 0), dtype=np.int8), 1.0, block[:0], reach
    )
    block = member.placed(block)
    place, kept = _leaders(block, alike)
    points = block[kept]
    step = float(np.abs(points).max()) / 127.0 or 1.0
    votes = np.zeros((len(kept), len(classes)), dtype=np.float64)
    index = np.array([list(classes).index(label) for label in labels])
    np.add.at(votes, (place, index), np.asarray(weights, dtype=np.float64))
    return replace(
        member,
        points=np.round(points / step).astype(np.int8),
        step=step,
        votes=(votes / votes.sum() * len(points)).astype(np.float32),
    )


def _leading(block: FloatArray, count: int | None) -> FloatArray:
    """Return the `count` directions (d, count) along which the rows (n, d) are longest, to half precision."""
    import numpy as np

    if count is None or count >= block.shape[1]:
        return np.eye(block.shape[1], dtype=np.float32)
    _, directions = np.linalg.eigh((block.T @ block).astype(np.float64))  # ascending
    leading = directions[:, ::-1][:, :count]
    leading *= np.sign(
        leading[np.abs(leading).argmax(axis=0), np.arange(count)]
    )  # a direction has no sign of its own
    return leading.astype(np.float16).astype(np.float32)


def _leaders(block: FloatArray, alike: float) -> tuple[IntArray, IntArray]:
    """Return for each row of `block` (n, d) which leader it follows, and the leaders' rows, in one pass over the rows."""
    import numpy as np

    kept: list[int] = []
    place = np.zeros(len(block), dtype=np.int64)
    for start in range(0, len(block), CHUNK):
        chunk = block[start : start + CHUNK]
        known = len(kept)
        if known:
            likeness = chunk @ block[kept].T
            place[start : start + CHUNK] = likeness.argmax(axis=1)
            follows = likeness.max(axis=1) >= alike - 1e-6
        else:
            follows = np.zeros(len(chunk), dtype=bool)
        among = chunk @ chunk.T
        fresh: list[int] = []
        for row in np.flatnonzero(~follows).tolist():
            nearest = max(fresh, key=lambda other: float(among[row, other]), default=-1)
            if nearest >= 0 and among[row, nearest] >= alike - 1e-6:
                place[start + row] = known + fresh.index(nearest)
            else:
                place[start + row] = known + len(fresh)
                fresh.append(row)
        kept.extend(start + row for row in fresh)
    return place, np.array(kept, dtype=np.int64)


def neighbour_scores(member: Neighbours, block: FloatArray) -> FloatArray:
    """Return log vote shares (n, classes), each share kept off zero so that one voter cannot veto."""
    import numpy as np

    points = member.unit_points
    shares = np.zeros((len(block), member.votes.shape[1]), dtype=np.float32)
    for start in range(0, len(block), CHUNK):
        likeness = member.placed(block[start : start + CHUNK]) @ points
        nearness = np.exp((likeness - likeness.max(axis=1, keepdims=True)) / np.float32(member.reach))
        votes = nearness @ member.votes
        shares[start : start + CHUNK] = votes / votes.sum(axis=1, keepdims=True)
    logs: FloatArray = np.log((1 - VETO * shares.shape[1]) * shares + VETO)
    return logs
