"""A trained head over one row at a time: what a live decision has time for."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from router_audit.classifier.fit import CLIP, distance_to_training, verdict
from router_audit.classifier.head import Neighbours
from router_audit.classifier.neighbours import VETO

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from router_audit.classifier.fit import Prediction
    from router_audit.classifier.head import FloatArray, Head, Member

SPARSE_FROM = 1024
"""From this many columns on a member is taken to read mostly zeros."""


class RowScorer:
    """Judges single rows as `predict` judges many, to within rounding; safe between threads."""

    def __init__(self, head: Head) -> None:
        self.head = head
        share = sum(member.share for member in head.members)
        self._members = [(member.share / share, _scorer(member)) for member in head.members]

    def probabilities(self, row: FloatArray) -> list[float]:
        """Return the calibrated probability of each class for a row (d,)."""
        total = [0.0] * len(self.head.classes)
        for share, scores in self._members:
            logs = _log_softmax(scores(row))
            total = [so_far + share * log for so_far, log in zip(total, logs, strict=True)]
        return [math.exp(log) for log in _log_softmax([log / self.head.temperature for log in total])]

    def judge(self, row: FloatArray) -> Prediction:
        """Return the verdict on a row (d,)."""
        probabilities = self.probabilities(row)
        distance = 0.0
        if self.head.prototypes is not None:
            distance = float(distance_to_training(self.head, row[None])[0])
        best = max(range(len(probabilities)), key=probabilities.__getitem__)
        return verdict(self.head, best, probabilities[best], distance)


def _scorer(member: Member | Neighbours) -> Callable[[FloatArray], Sequence[float]]:
    if isinstance(member, Neighbours):
        return _neighbour_scorer(member)
    if member.stop - member.start >= SPARSE_FROM and len(member.layers) == 1:
        return _sparse_scorer(member)
    return _layer_scorer(member)


def _layer_scorer(member: Member) -> Callable[[FloatArray], Sequence[float]]:
    import numpy as np

    def scores(row: FloatArray) -> Sequence[float]:
        values = (row[member.start : member.stop] - member.mean) / member.scale
        np.minimum(np.maximum(values, -CLIP, out=values), CLIP, out=values)
        for index, layer in enumerate(member.layers):
            if index:
                np.maximum(values, 0.0, out=values)
            values = values @ layer.weight + layer.bias
        told: list[float] = values.tolist()
        return told

    return scores


def _sparse_scorer(member: Member) -> Callable[[FloatArray], Sequence[float]]:
    """One layer, worked out where the row is not zero; elsewhere it says the same of every row."""
    import numpy as np

    (layer,) = member.layers
    absent = np.clip(-member.mean / member.scale, -CLIP, CLIP)
    base = (absent.astype(np.float64) @ layer.weight + layer.bias).astype(np.float32)

    def scores(row: FloatArray) -> Sequence[float]:
        block = row[member.start : member.stop]
        present = block.nonzero()[0]
        values = (block[present] - member.mean[present]) / member.scale[present]
        np.minimum(np.maximum(values, -CLIP, out=values), CLIP, out=values)
        told: list[float] = ((values - absent[present]) @ layer.weight[present] + base).tolist()
        return told

    return scores


def _neighbour_scorer(member: Neighbours) -> Callable[[FloatArray], Sequence[float]]:
    import numpy as np

    points = member.unit_points
    votes = np.ascontiguousarray(member.votes.T)
    reach = np.float32(member.reach)

    def scores(row: FloatArray) -> Sequence[float]:
        likeness = member.placed(row[None, member.start : member.stop])[0] @ points
        likeness -= likeness.max()
        likeness /= reach
        counted: list[float] = (votes @ np.exp(likeness, out=likeness)).tolist()
        whole = sum(counted)
        return [math.log((1 - VETO * len(counted)) * vote / whole + VETO) for vote in counted]

    return scores


def _log_softmax(scores: Sequence[float]) -> list[float]:
    highest = max(scores)
    rest = highest + math.log(sum([math.exp(score - highest) for score in scores]))
    return [score - rest for score in scores]
