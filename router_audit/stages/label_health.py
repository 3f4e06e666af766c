"""What training says about its labels and about its predecessor: suspect labels, and traffic that moves."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from router_audit.store import Store

WORST = 20


@dataclass(frozen=True, slots=True)
class Suspect:
    """A label that models which did not see it disagree with."""

    content_hash: str
    request_id: str
    labeller: str
    given: str
    looks_like: str
    margin: float
    """Probability of `looks_like` less that of `given`."""


@dataclass(frozen=True, slots=True)
class LabelNoise:
    """Labels on held-out templates, looked at by confident learning."""

    checked: int
    suspects: int
    worst: tuple[Suspect, ...]


@dataclass(frozen=True, slots=True)
class Drift:
    """How far a classifier differs from the version before it, on the same traffic."""

    against: str
    compared: int
    """Requests that both have predicted."""
    changed_share: float
    moves: dict[str, int]
    """Requests by `old > new` profile, largest first."""
    macro_f1_change: float | None
    """Each on its own held-out templates; None where one was not measured."""


def drift(store: Store, newer: str, older: dict[str, Any] | None, macro_f1: float | None) -> Drift | None:
    """The difference to an older row of `classifiers`; None where there is none or it is the same version."""
    if older is None or older["version"] == newer:
        return None
    rows = store.query("prediction_moves", older=older["version"], newer=newer)
    total = int(rows["requests"].sum())
    moves = {f"{was} > {now}": count for was, now, count in rows.iter_rows() if was != now}
    before = json.loads(older["metadata"]).get("figures", {}).get("macro_f1")
    return Drift(
        against=older["version"],
        compared=total,
        changed_share=sum(moves.values()) / total if total else 0.0,
        moves=moves,
        macro_f1_change=None if before is None or macro_f1 is None else round(macro_f1 - before, 6),
    )
