"""Everything the store knows for and against candidates: trials tested, gaps in them counted, outcomes compared.

A part of `build-table`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from router_audit.month.canary import without_alarmed
from router_audit.policy import cell_of, next_rung
from router_audit.projection import incumbent_costs_usd, mean_costs_usd
from router_audit.proof.observing import observe, with_observations
from router_audit.proof.proving import Gap, hypotheses, trials_by_cell, verdicts, with_gaps
from router_audit.stages import looks
from router_audit.stages.alarms import standing_alarms
from router_audit.types.price import ModelPrice

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from router_audit.certify import Audit
    from router_audit.policy import Verdict
    from router_audit.pricing import PriceBook
    from router_audit.proof.observing import Observation
    from router_audit.stages.audited import Audited
    from router_audit.store import Store
    from router_audit.types import Context, Ladder, Profile, Trial


@dataclass(frozen=True, slots=True)
class Proven:
    """What the evidence says, and what it is."""

    audit: Audit
    gaps: tuple[Gap, ...]
    observations: tuple[Observation, ...]
    trials: Mapping[tuple[Profile, Context], Sequence[Trial]]
    verdicts: Mapping[tuple[Profile, Context], Verdict]
    notes: tuple[str, ...]
    verdicts_at: Callable[[float], Mapping[tuple[Profile, Context], Verdict]]
    """The verdicts that the same evidence gives at another tolerated regret: a look for that audit too."""


def evidence(
    store: Store,
    seen: Audited,
    ladder: Ladder,
    book: PriceBook,
    prices: dict[str, ModelPrice],
    *,
    epsilon: float,
    delta: float,
    huge_context_tokens: int,
) -> Proven:
    """The tests on the trials in the store, and the log's own outcomes; prices of candidates are added to `prices`.

    That the trials were looked at is kept in the store.
    """
    of = {"classifier": seen.classifier or "", "huge_context_tokens": huge_context_tokens}
    placed, unplaced = trials_by_cell(store.query("trials", **of))
    trials, left_out = without_alarmed(placed, standing_alarms(store))
    notes = [f"{unplaced} trials have no profile and count for nothing."] if unplaced else []
    notes += [f"{model} is not tested on {route}: a canary alarm stands." for route, model in left_out]
    tested: dict[str, ModelPrice] = {}
    for name in sorted({trial.candidate for found in trials.values() for trial in found}):
        price = book.resolve_ref(name, seen.as_of)
        if isinstance(price, ModelPrice):
            tested[name] = price
            prices.setdefault(name, price)
        else:
            notes.append(f"{name} was tried but has no price ({price.reason}): it cannot be a candidate.")
    rungs = {ref: prices[ref] for name in tested if (ref := next_rung(ladder, name)) in prices}
    costs = mean_costs_usd(seen.frame, tested | rungs | dict(seen.prices))
    ended = {pair: each.arrived for pair, each in looks.ended_samples(store).items()}
    tests = hypotheses(trials, ladder, costs, incumbent_costs_usd(seen.frame), ended)
    audit = looks.look(store, tests, epsilon, delta)
    if audit.routes and audit.plan.audit > 1:
        notes.append(
            f"Audit {audit.plan.audit} of this store at these settings: it tests other candidates or rows than those "
            f"before it, and has a delta of {delta:.0%} of its own."
        )
    counted: dict[tuple[tuple[Profile, Context], str], int] = {}
    for profile, huge, candidate, ungraded in store.query("ungraded", **of).iter_rows():
        at = (cell_of(profile, huge=huge), candidate)
        counted[at] = counted.get(at, 0) + ungraded
    gaps = tuple(
        Gap(cell[0], cell[1], candidate, ungraded) for (cell, candidate), ungraded in sorted(counted.items())
    )
    observations = observe(seen.frame, costs)

    def said(found: Audit) -> Mapping[tuple[Profile, Context], Verdict]:
        return with_observations(with_gaps(verdicts(found), gaps, found), observations, found.plan.epsilon)

    def verdicts_at(other: float) -> Mapping[tuple[Profile, Context], Verdict]:
        return said(audit if other == epsilon else looks.look(store, tests, other, delta))

    return Proven(audit, gaps, observations, trials, said(audit), tuple(notes), verdicts_at)
