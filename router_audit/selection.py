"""Which requests are worth a label: a random core that alone estimates, and the most informative others.

Contents are collapsed into clusters (one template, near-equal vectors); a cluster weighs as many requests as
its contents carry. The core is drawn per stratum by exponential ranks of permanent random numbers (bottom-k
sampling): the smallest -ln(u)/w win, u hashed from the content, so that a log that grows changes the draw as
little as it can and nothing has to be remembered. Given the smallest rank T that lost, a cluster of weight w
is in with probability 1 - exp(-w T), and w over that probability estimates totals without bias (rank
conditioning, Cohen and Kaplan 2007). The rest of the labels goes where they teach most.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]

NEAR = 0.95
"""Cosine from which two contents of one template are near-duplicates."""
MOST_LEADERS = 512
"""Clusters of one template; beyond, a content joins the nearest."""
CORE_SHARE = 0.5
FEWEST_PER_STRATUM = 5
ALPHA = 0.1


@dataclass(frozen=True, slots=True)
class Drawn:
    """One content chosen for a label."""

    content_hash: str
    stratum: Literal["core", "informative"]
    weight: float
    """Requests it stands for: in the core, those of its cluster over its chance of being drawn."""


@dataclass(frozen=True, slots=True)
class Share:
    """An estimated share of the traffic with its interval."""

    estimate: float
    low: float
    high: float


def cluster(template_ids: Sequence[str], weights: Sequence[int], vectors: FloatArray | None) -> list[int]:
    """The cluster of each content, as the index of its leader.

    Contents of one template within cosine `NEAR` of a leader, heaviest first, follow it. Without vectors every
    content leads itself.
    """
    import numpy as np

    leader = list(range(len(template_ids)))
    if vectors is None or not len(vectors):
        return leader
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    rows: dict[str, list[int]] = {}
    for index, name in enumerate(template_ids):
        rows.setdefault(name, []).append(index)
    for members in rows.values():
        leaders: list[int] = []
        heads = np.empty((min(len(members), MOST_LEADERS), unit.shape[1]), dtype=np.float32)
        for index in sorted(members, key=lambda i: (-weights[i], i)):
            if leaders:
                near = heads[: len(leaders)] @ unit[index]
                best = int(near.argmax())
                if near[best] >= NEAR or len(leaders) == MOST_LEADERS:
                    leader[index] = leaders[best]
                    continue
            heads[len(leaders)] = unit[index]
            leaders.append(index)
    return leader


def select(contents: pl.DataFrame, clusters: Sequence[int], *, labels: int, seed: int) -> list[Drawn]:
    """At most `labels` contents: the core first, then the most informative, each in order of use.

    `contents` has `content_hash`, `requests` (its weight), `stratum` (a verdict, or null) and `uncertainty`
    in [0, 1] (one minus the probability of that verdict, or 1). Where there are no more clusters than
    `labels`, all of them are the core, each with chance 1.
    """
    rows = [
        _Row(index, str(name), max(int(weight), 1), str(stratum or "none"), float(uncertainty))
        for index, (name, weight, stratum, uncertainty) in enumerate(
            contents.select("content_hash", "requests", "stratum", "uncertainty").iter_rows()
        )
    ]
    groups: dict[int, list[_Row]] = {}
    for row, leader in zip(rows, clusters, strict=True):
        groups.setdefault(leader, []).append(row)
    ranked = [_ranked(members, rows[leader], seed) for leader, members in groups.items()]
    size = len(ranked) if len(ranked) <= labels else min(math.ceil(labels * CORE_SHARE), labels)
    strata: dict[str, list[_Cluster]] = {}
    for found in sorted(ranked, key=lambda c: (c.rank, c.drawn)):
        strata.setdefault(found.stratum, []).append(found)
    sizes = _allocate({name: (sum(c.weight for c in own), len(own)) for name, own in strata.items()}, size)
    core: list[tuple[float, Drawn]] = []
    rest: list[_Cluster] = []
    for name, own in strata.items():
        taken, left = own[: sizes[name]], own[sizes[name] :]
        chances = [1.0 if not left else -math.expm1(-c.weight * left[0].rank) for c in taken]
        core += [(c.rank, Drawn(c.drawn, "core", c.weight / p)) for c, p in zip(taken, chances, strict=True)]
        rest += left
    rest.sort(key=lambda c: (-math.sqrt(c.weight) * c.uncertainty, c.heaviest))
    informative = [Drawn(c.heaviest, "informative", float(c.weight)) for c in rest[: labels - len(core)]]
    return [
        drawn for _, drawn in sorted(core, key=lambda pair: (pair[0], pair[1].content_hash))
    ] + informative


def share(hits: Sequence[bool], weights: Sequence[float], *, alpha: float = ALPHA) -> Share:
    """The weighted share of hits with an interval of level 1 - alpha.

    Clopper-Pearson at the effective sample size of the weights (Kish), as Korn and Graubard (1998) propose.
    """
    from scipy.stats import beta

    total = sum(weights)
    if not total:
        return Share(math.nan, 0.0, 1.0)
    estimate = sum(weight for hit, weight in zip(hits, weights, strict=True) if hit) / total
    n = total**2 / sum(weight**2 for weight in weights)
    x = estimate * n
    low = 0.0 if x <= 1e-9 else float(beta.ppf(alpha / 2, x, n - x + 1))
    high = 1.0 if n - x <= 1e-9 else float(beta.ppf(1 - alpha / 2, x + 1, n - x))
    return Share(estimate, low, high)


def suspects(
    given: Sequence[str], probabilities: FloatArray, classes: Sequence[str]
) -> list[tuple[int, str, float]]:
    """Labels that look wrong: (row, profile it looks like, margin), worst first.

    Confident learning (Northcutt et al. 2021) over probabilities from models that did not see the row: a row
    is suspect where some other class reaches that class's own mean self-confidence and beats the given one.
    """
    import numpy as np

    index = {name: i for i, name in enumerate(classes)}
    rows = np.array([index[name] for name in given])
    means = np.array(
        [probabilities[rows == i, i].mean() if (rows == i).any() else np.inf for i in range(len(classes))]
    )
    confident = np.where(probabilities >= means, probabilities, -1.0)
    found = []
    for row, own in enumerate(rows):
        best = int(confident[row].argmax())
        if best != own and confident[row, best] > 0:
            margin = float(probabilities[row, best] - probabilities[row, own])
            if margin > 0:
                found.append((row, classes[best], margin))
    return sorted(found, key=lambda item: (-item[2], item[0]))


@dataclass(frozen=True, slots=True)
class _Row:
    index: int
    content_hash: str
    weight: int
    stratum: str
    uncertainty: float


@dataclass(frozen=True, slots=True)
class _Cluster:
    drawn: str
    """The member that the ranks draw, with chance proportional to its requests."""
    heaviest: str
    weight: int
    rank: float
    stratum: str
    uncertainty: float


def _ranked(members: Sequence[_Row], leader: _Row, seed: int) -> _Cluster:
    ranks = [(-math.log(_uniform(row.content_hash, seed)) / row.weight, row.content_hash) for row in members]
    rank, drawn = min(ranks)
    return _Cluster(
        drawn=drawn,
        heaviest=leader.content_hash,
        weight=sum(row.weight for row in members),
        rank=rank,
        stratum=leader.stratum,
        uncertainty=leader.uncertainty,
    )


def _uniform(name: str, seed: int) -> float:
    digest = blake2b(name.encode(), digest_size=8, salt=seed.to_bytes(8, "big")).digest()
    return (int.from_bytes(digest, "big") + 0.5) / 2.0**64


def _allocate(strata: Mapping[str, tuple[int, int]], size: int) -> dict[str, int]:
    """Sizes in proportion to the strata's requests, none under `FEWEST_PER_STRATUM` while there is room."""
    sizes = dict.fromkeys(strata, 0)
    room = min(size, sum(count for _, count in strata.values()))
    for name in sorted(strata, key=lambda n: (-strata[n][0], n)):
        sizes[name] = min(FEWEST_PER_STRATUM, strata[name][1], room)
        room -= sizes[name]
    while room > 0:
        open_ = [name for name in strata if sizes[name] < strata[name][1]]
        name = max(open_, key=lambda n: (strata[n][0] / (sizes[n] + 1), n))
        sizes[name] += 1
        room -= 1
    return sizes
