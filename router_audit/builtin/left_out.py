"""What a head says of whole sources that it never saw."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from router_audit.builtin.corpus import OWN_SOURCE, LabelledPrompt, is_trainable
from router_audit.builtin.training import TrainingSet, fit_head, fit_wording, subset
from router_audit.classifier.fit import predict_proba, raw_log_probabilities

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from router_audit.classifier.head import Head

    FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class SourceResult:
    """Predictions for the rows of one source by a head that never saw that source."""

    source: str
    trained_elsewhere: bool
    """False for sources whose licence keeps them out of every training set."""
    labels: tuple[str, ...]
    probabilities: FloatArray
    """Of the head's full form."""
    light: FloatArray
    """Of its light form."""
    opinions: tuple[tuple[float, FloatArray], ...]
    """For each member its share and what it says alone: log-probabilities (n, classes)."""


def leave_one_source_out(everything: TrainingSet) -> list[SourceResult]:
    """Predict every public source with a head trained on our own corpus and on the licensed rows of the other sources.

    Sources whose licence forbids training are predicted by the head trained on all licensed rows.
    """
    import numpy as np

    rows = everything.rows
    trainable = np.array([is_trainable(row) for row in rows])
    sources = np.array([row.source for row in rows])
    own = any(row.licence == OWN_SOURCE for row in rows)
    wording = fit_wording(everything) if own else None  # of our own rows, which no source here leaves out
    results = []
    final: Head | None = None
    for source in public_sources(rows):
        left = np.flatnonzero(sources == source)
        licensed = bool(trainable[left].any())
        if licensed or final is None:
            kept = np.flatnonzero(trainable & (sources != source)).tolist()
            head = fit_head(subset(everything, kept), wording)
            final = head if not licensed else final
        else:
            head = final
        results.append(_predicted(everything, head, source, licensed))
    return results


def own_corpus_alone(everything: TrainingSet, left_out: Sequence[str] | None = None) -> list[SourceResult]:
    """Predict every public source (or those in `left_out`) with a head that saw no public row at all."""
    own = [index for index, row in enumerate(everything.rows) if row.licence == OWN_SOURCE]
    head = fit_head(subset(everything, own))
    return [
        _predicted(everything, head, source, trained_elsewhere=False)
        for source in left_out or public_sources(everything.rows)
    ]


def leave_sources_out(everything: TrainingSet, left_out: Sequence[str]) -> list[SourceResult]:
    """Predict all of `left_out` with one head trained on the licensed rows of the remaining sources and our own."""
    kept = [
        index
        for index, row in enumerate(everything.rows)
        if is_trainable(row) and row.source not in set(left_out)
    ]
    head = fit_head(subset(everything, kept))
    return [_predicted(everything, head, source, trained_elsewhere=False) for source in left_out]


def public_sources(rows: Sequence[LabelledPrompt]) -> list[str]:
    """Return the names of the sources that are not our own, sorted."""
    return sorted({row.source for row in rows if row.licence != OWN_SOURCE})


def _predicted(everything: TrainingSet, head: Head, source: str, trained_elsewhere: bool) -> SourceResult:
    import numpy as np

    left = [index for index, row in enumerate(everything.rows) if row.source == source]
    labels = tuple(everything.rows[index].profile for index in left)
    shown = everything.features[np.asarray(left)]
    full, light = (predict_proba(head.form(light=light), shown) for light in (False, True))
    alone = tuple(
        (member.share, raw_log_probabilities(replace(head, members=(member,)), shown))
        for member in head.members
    )
    return SourceResult(source, trained_elsewhere, labels, full, light, alone)
