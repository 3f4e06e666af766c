"""Outcomes of different models in the log, never paired: compared where models overlap, else said to be not identifiable.

At most a provisional route comes of it: see `certify.observational` for what is assumed and why it proves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl

from router_audit.certify.observational import ASSUMPTION, compare
from router_audit.policy import CELLS, NO_EVIDENCE, Verdict

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from router_audit.certify.observational import Observed
    from router_audit.types import Context, Profile

    Cell = tuple[Profile, Context]

UNSTATED = ("error", "re-ask", "retry")
"""Origins of an outcome that nobody stated: they are traces of trouble, not verdicts on an answer."""
TEMPLATES = 10
"""Templates with a column of their own among the features: the most frequent ones."""


@dataclass(frozen=True, slots=True)
class Observation:
    """One cheaper model beside the incumbent of a row, by the outcomes that the log states."""

    profile: Profile
    context: Context
    candidate: str
    incumbent: str
    cost_usd: float
    """Of one request with the candidate; the cheapest that looks right is the one a route may use."""
    identified: bool
    reason: str
    """Why not identified; empty when it is."""
    harm: float | None
    """Success rate of the incumbent less that of the candidate; None where not identified."""
    harm_low: float | None
    harm_high: float | None
    """Two-sided 95% interval, sessions as clusters."""
    requests: int
    effective: tuple[float, float]
    """Effective sample size of candidate and incumbent."""
    overlap: float
    """Share of requests that could have gone to either model."""

    def provisional(self, epsilon: float) -> bool:
        """Whether the whole interval of harm lies below epsilon."""
        return self.identified and self.harm_high is not None and self.harm_high < epsilon


def observe(frame: pl.DataFrame, mean_cost_usd: Mapping[tuple[Cell, str], float]) -> tuple[Observation, ...]:
    """Every model of the log that is cheaper on a row than its most used one, compared with that one.

    `frame` is the audited traffic; `mean_cost_usd` the expected cost of one request of a row on a model. The same
    frame gives the same figures.
    """
    stated = frame.filter(
        pl.col("resolved").is_not_null() & ~pl.col("outcome_origin").fill_null("").is_in(list(UNSTATED))
    )
    found = []
    for profile, context in CELLS:
        here = (pl.col("profile") == profile) & (pl.col("context") == context)
        served = (
            frame.filter(here)["price_key"]
            .drop_nulls()
            .value_counts()
            .sort("count", "price_key", descending=[True, False])
        )
        if served.is_empty():
            continue
        names = served["price_key"].to_list()
        incumbent = names[0]
        today = mean_cost_usd.get(((profile, context), incumbent))
        for name in sorted(names[1:]):
            cost = mean_cost_usd.get(((profile, context), name))
            if cost is None or today is None or cost >= today:
                continue
            rows = stated.filter(here & pl.col("price_key").is_in([name, incumbent])).sort("request_id")
            seen = _compared(rows, name)
            found.append(_observation((profile, context), name, incumbent, cost, seen))
    return tuple(found)


def with_observations(
    verdicts: Mapping[Cell, Verdict], observations: Sequence[Observation], epsilon: float
) -> dict[Cell, Verdict]:
    """The verdicts of the trials, and where trials point to no model, what the log suggests.

    A model that trials speak against stays out. Of several that look right the cheapest is taken.
    """
    out = dict(verdicts)
    for cell in CELLS:
        seen = [each for each in observations if (each.profile, each.context) == cell]
        said = out.get(cell, NO_EVIDENCE)
        if not seen or said.candidate is not None:
            continue
        good = sorted(
            (each for each in seen if each.provisional(epsilon) and each.candidate not in said.against),
            key=lambda each: (each.cost_usd, each.candidate),
        )
        if good:
            best = good[0]
            reason = (
                f"unpaired outcomes in the log: {best.candidate} does at most {best.harm_high:.1%} worse (95%) than "
                f"{best.incumbent}, assuming {ASSUMPTION}; proves nothing"
            )
            out[cell] = Verdict("provisional", best.candidate, reason, against=said.against)
        else:
            told = "; ".join(f"{each.candidate}: {_told(each)}" for each in seen)
            out[cell] = replace(said, reason=f"{said.reason}; the log alone: {told}")
    return out


def block(observations: Sequence[Observation]) -> list[dict[str, Any]]:
    """The observations as the table holds them, to 12 digits."""
    return [
        {
            "profile": each.profile,
            "context": each.context,
            "candidate": each.candidate,
            "incumbent": each.incumbent,
            "cost_usd": _digits(each.cost_usd),
            "identified": each.identified,
            "reason": each.reason,
            "harm": _digits(each.harm),
            "harm_low": _digits(each.harm_low),
            "harm_high": _digits(each.harm_high),
            "requests": each.requests,
            "effective": [round(value, 1) for value in each.effective],
            "overlap": round(each.overlap, 4),
            "assumption": ASSUMPTION,
        }
        for each in observations
    ]


def from_block(rows: Sequence[Mapping[str, Any]]) -> tuple[Observation, ...]:
    """The observations that a table holds."""
    return tuple(
        Observation(
            **{name: row[name] for name in Observation.__slots__ if name != "effective"},
            effective=(row["effective"][0], row["effective"][1]),
        )
        for row in rows
    )


def _compared(rows: pl.DataFrame, candidate: str) -> Observed:
    sessions = rows["session_id"].cast(pl.Categorical).to_physical().to_numpy().astype(np.int64)
    return compare(
        _features(rows),
        (rows["price_key"] == candidate).to_numpy(),
        rows["resolved"].to_numpy().astype(bool),
        sessions,
        np.random.default_rng(0),
    )


def _features(rows: pl.DataFrame) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """What was known of a request before its call: size, time, and which template it is."""
    common = rows["template_id"].value_counts().sort("count", "template_id", descending=[True, False])
    columns = [
        rows["input_tokens"].fill_null(0).cast(pl.Float64).log1p(),
        rows["system_tokens"].fill_null(0).cast(pl.Float64).log1p(),
        rows["started_at"].dt.epoch("s").fill_null(0).cast(pl.Float64),
        rows["started_at"].dt.hour().fill_null(12).cast(pl.Float64),
        *((rows["template_id"] == name).cast(pl.Float64) for name in common["template_id"].head(TEMPLATES)),
    ]
    return np.column_stack([column.to_numpy() for column in columns]) if rows.height else np.zeros((0, 1))


def _observation(cell: Cell, name: str, incumbent: str, cost: float, seen: Observed) -> Observation:
    def known(value: float) -> float | None:
        return value if isfinite(value) else None

    return Observation(
        profile=cell[0],
        context=cell[1],
        candidate=name,
        incumbent=incumbent,
        cost_usd=cost,
        identified=seen.identified,
        reason=seen.reason,
        harm=known(seen.harm),
        harm_low=known(seen.harm_low),
        harm_high=known(seen.harm_high),
        requests=seen.requests,
        effective=seen.effective,
        overlap=seen.overlap,
    )


def _told(each: Observation) -> str:
    if not each.identified or each.harm_low is None or each.harm_high is None:
        return each.reason
    return f"between {each.harm_low:+.1%} and {each.harm_high:+.1%} worse than {each.incumbent}, not below epsilon"


def _digits(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.12g}")
