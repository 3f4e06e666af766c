"""Logged requests put to cheaper models: planned, confirmed, asked under a budget, graded, kept as trials.

Everything is decided by ids, never by what was answered, but for one thing: a candidate is not asked any more
once the rest of its planned sample cannot change a verdict. A run that was stopped is run again: answers and
verdicts are in the store, and cost nothing the second time.
"""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from typing import TYPE_CHECKING

from router_audit.errors import ModelError, UserError
from router_audit.llm import Budget
from router_audit.proof.proving import route_name
from router_audit.stages.looks import end_samples
from router_audit.stages.replay.plan import prepare
from router_audit.stages.replay.run import LineResult, Run, State
from router_audit.stages.replay.work import ReplayOptions, ReplayPlan, Work

if TYPE_CHECKING:
    from decimal import Decimal

    from router_audit.stages.replay.work import Model
    from router_audit.store import Store
    from router_audit.types.progress import Progress

__all__ = ["LineResult", "ReplayOptions", "ReplayPlan", "ReplayResult", "plan_only", "replay"]

CHUNK = 24
"""Asked of one candidate on one row before the next has its turn: how often early stopping is looked at."""


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """What was done and paid."""

    lines: tuple[LineResult, ...]
    trials: int
    """New ones; those of an earlier run are not counted again."""
    cost_usd: Decimal
    """Of this run, the judge included."""
    at_risk_usd: Decimal
    """The most that lost attempts may have cost beside: within the budget as well."""
    budget_usd: Decimal


def plan_only(store: Store, options: ReplayOptions) -> ReplayPlan:
    """What `replay` would do; nothing is sent."""
    with ExitStack() as clients:
        return prepare(store, options, clients).plan


def replay(store: Store, options: ReplayOptions, progress: Progress) -> ReplayResult:
    """Replay until every hypothesis is decided, the sample is used up or the budget is gone.

    Raises UserError where the plan is not confirmed, ModelError where a provider refuses the first call.
    """
    with ExitStack() as clients:
        return _replay(store, prepare(store, options, clients), options, progress)


def _replay(store: Store, work: Work, options: ReplayOptions, progress: Progress) -> ReplayResult:
    if not any(line.sample for line in work.lines):
        raise UserError(
            "no rule can grade these answers; name a --judge, or --for-humans and then `router-audit grade --show`",
            where="replay",
        )
    if not options.confirm(work.plan):
        raise UserError("nothing was sent and nothing was spent; --yes confirms the plan", where="replay")
    run = Run(store, work, options, Budget(options.budget_usd))
    states = [State(line) for line in work.lines]
    for state in states:
        run.note(
            [(each, None, "no rule applies, and no judge was named") for each in state.line.ungradable],
            state.line,
        )
    progress.stage("replaying", sum(len(line.sample) for line in work.lines))
    for model in {state.line.model.ref: state.line.model for state in states}.values():
        first = next((state for state in states if state.line.model is model and state.line.sample), None)
        if first is not None:
            progress.advance(run.turn(first, 1))
            _refuse(model, first)
    while active := [state for state in states if state.stop is None]:
        for state in active:
            state.look(run)
            if state.stop is None:
                progress.advance(run.turn(state, CHUNK))
    ended = [state.line for state in states if state.ended]
    end_samples(store, {(route_name(line.cell), line.model.ref): len(line.sample) for line in ended})
    return ReplayResult(
        lines=tuple(state.result() for state in states),
        trials=run.stored,
        cost_usd=run.cost_usd,
        at_risk_usd=run.at_risk_usd,
        budget_usd=options.budget_usd,
    )


def _refuse(model: Model, state: State) -> None:
    """Raises ModelError where the very first answer says that no call of this model can succeed."""
    said = state.first_error
    if said[:3] in {"400", "401", "403", "404"}:
        raise ModelError(
            f"the provider refuses: {said}", where=f"the first request to {model.ref}, nothing was spent"
        )
