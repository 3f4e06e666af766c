"""How many trials a certificate takes: fewer at the first look at a candidate, more where it was looked at before."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from router_audit.certify import TAUS, FirstLook, Plan, tally
from router_audit.certify.looks import further_trials
from router_audit.certify.looks import trials_wanted as wanted_later
from router_audit.certify.path import WANTED_POWER, Step
from router_audit.month.canary import without_alarmed
from router_audit.projection import incumbent_costs_usd, mean_costs_usd
from router_audit.proof.proving import along_the_ladder, route_name, shown_before, trials_by_cell
from router_audit.proof.sampling import trials_wanted
from router_audit.stages.alarms import standing_alarms
from router_audit.stages.looks import Ended, Standing, ended_samples, standing
from router_audit.types.price import ModelPrice

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from router_audit.pricing import PriceBook
    from router_audit.stages.audited import Audited
    from router_audit.stages.replay.work import Model, ReplayOptions
    from router_audit.store import Store
    from router_audit.types import Context, Profile, Trial

    Cell = tuple[Profile, Context]


@dataclass(frozen=True, slots=True)
class Need:
    """What one candidate on one row needs."""

    least: int
    """Trials that certify without a regret; after a look: in all, without a further one."""
    wanted: int
    """Trials, in all, that certify four times in five if the true regret is a fifth of epsilon."""
    first: Mapping[float, FirstLook]
    """By threshold, what was looked at first, in a table or at the end of a replay; empty before that."""
    done: int = 0
    """Trials of the largest sample that a replay has ended: so many once more are nothing new."""


@dataclass(frozen=True, slots=True)
class PlannedAudit:
    """The audit that a table after this replay would be."""

    epsilon: float
    delta: float
    rows: int
    """Rows that share delta."""
    share: float
    """The level that each row starts with."""
    tested: frozenset[tuple[str, str]]
    """(row, candidate) with trials that a table would test now."""
    standing: Standing | None
    """None until it is known what can be graded."""
    trials: Mapping[Cell, Sequence[Trial]]
    ended: Mapping[tuple[str, str], Ended]

    @property
    def first_need(self) -> Need:
        """Of a candidate that was never looked at."""
        return Need(*trials_wanted(self.epsilon, self.share), first={})

    @property
    def least_later(self) -> int:
        """Trials without a regret that certify at a later look."""
        return further_trials(0, 0, self.epsilon, self.share, FirstLook(1, 0.0, 0, 0))

    def of(self, store: Store, sampled: Sequence[tuple[Cell, str]]) -> PlannedAudit:
        """The same, of those of its pairs that will have trials: what nobody can grade is not asked."""
        pairs = self.tested | {(route_name(cell), candidate) for cell, candidate in sampled}
        return replace(self, standing=standing(store, self.epsilon, self.delta, sorted(pairs)))

    def need(self, cell: Cell, candidate: str) -> Need:
        """Of a candidate on a row, given what the store has of it."""
        route, tried = route_name(cell), self.trials.get(cell, ())
        now = self.standing
        first = (
            {tau: it for (name, tau), it in now.first.get(route, {}).items() if name == candidate}
            if now
            else {}
        )
        if now and not first:
            earlier = now.shown.get(route, {})
            first = {tau: FirstLook(1, 0.0, *it) for (name, tau), it in earlier.items() if name == candidate}
        ended = self.ended.get((route, candidate))
        if not first and ended is not None:
            steps = [Step(candidate, tau, 0.0) for tau in TAUS]
            shown = shown_before(tried, steps, {candidate: ended.arrived})
            first = {tau: FirstLook(1, 0.0, *counts) for (_, tau), counts in shown.items()}
        if not first:
            return self.first_need
        step = Step(candidate, 0.0, 0.0)
        found = tally(along_the_ladder(tried)[0], [step])[step.key]
        return Need(
            *wanted_later(found.trials, found.regrets, self.epsilon, self.share, first[0.0], WANTED_POWER),
            first,
            ended.planned if ended else 0,
        )


def audit_of(
    store: Store,
    book: PriceBook,
    seen: Audited,
    planned: Sequence[tuple[Cell, Model]],
    options: ReplayOptions,
) -> PlannedAudit:
    """The audit of what is planned and of what has trials already, as `build-table` would put it."""
    frame = store.query(
        "trials", classifier=seen.classifier or "", huge_context_tokens=options.huge_context_tokens
    )
    trials, _ = without_alarmed(trials_by_cell(frame)[0], standing_alarms(store))
    found = {
        name: book.resolve_ref(name, seen.as_of)
        for name in sorted({trial.candidate for tried in trials.values() for trial in tried})
    }
    costs = mean_costs_usd(
        seen.frame, {name: price for name, price in found.items() if isinstance(price, ModelPrice)}
    )
    today = incumbent_costs_usd(seen.frame)
    pairs = {(route_name(cell), model.ref) for cell, model in planned}
    tested = frozenset(
        (route_name(cell), trial.candidate)
        for cell, tried in trials.items()
        for trial in tried
        if (cell, trial.candidate) in costs and costs[cell, trial.candidate] < today.get(cell, 0.0)
    )
    rows = len({route for route, _ in pairs | tested})
    return PlannedAudit(
        epsilon=options.epsilon,
        delta=options.delta,
        rows=rows,
        share=Plan(options.epsilon, options.delta).level / rows,
        tested=tested,
        standing=None,
        trials=trials,
        ended=ended_samples(store),
    )
