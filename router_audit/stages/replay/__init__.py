"""Logged requests put to cheaper models: planned, confirmed, asked under a budget, graded, kept as trials.

Everything is decided by ids, never by what was answered, but for one thing: a candidate is not asked any more
once the rest of its planned sample cannot change a verdict. A run that was stopped is run again: answers and
verdicts are in the store, and cost nothing the second time.
"""

from __future__ import annotations

from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import chain
from math import exp
from typing import TYPE_CHECKING, Literal

from router_audit.certify import TAUS, decided
from router_audit.errors import ModelError, UserError
from router_audit.graders import grade
from router_audit.graders.judge import questions, verdict
from router_audit.llm import Budget
from router_audit.stages.asking import ask_stored
from router_audit.stages.replay.plan import Line, ReplayOptions, ReplayPlan, Work, bodies, prepare, task_of
from router_audit.stages.replay.requests import ask_of, logged_reply, record_of, reply_of
from router_audit.stages.trials import add_trials
from router_audit.trialfile import trial_id
from router_audit.types.grading import Abstained, Grade
from router_audit.types.progress import Unwatched

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from router_audit.sampling import Sampled
    from router_audit.stages.replay.plan import Model
    from router_audit.store import Store
    from router_audit.types import Context, Profile
    from router_audit.types.ask import Answer, Ask
    from router_audit.types.progress import Progress

__all__ = ["LineResult", "ReplayOptions", "ReplayPlan", "ReplayResult", "plan_only", "replay"]

CHUNK = 24
"""Asked of one candidate on one row before the next has its turn: how often early stopping is looked at."""
UNSERVED = ("400", "413", "422")
"""Refusals of this very request, which its users would have met as well."""

NO_BUDGET = "the budget cannot hold the judge's call"

Stop = Literal["certain", "hopeless", "sample-used-up", "budget-gone"]
"""Why a candidate is not asked any more: its certificate can no longer be lost; it can no longer be had;
the planned sample is asked; the budget cannot hold the next call."""


@dataclass(frozen=True, slots=True)
class LineResult:
    """What became of one candidate on one row."""

    profile: Profile
    context: Context
    candidate: str
    planned: int
    graded: int
    regrets: int
    stop: Stop
    graders: dict[str, int]
    ungraded: dict[str, int]
    """Sampled requests without a grade, by the reason."""


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
    run = _Run(store, work, options, Budget(options.budget_usd))
    states = [_State(line) for line in work.lines]
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
    return ReplayResult(
        lines=tuple(state.result() for state in states),
        trials=run.stored,
        cost_usd=run.cost_usd,
        at_risk_usd=run.at_risk_usd,
        budget_usd=options.budget_usd,
    )


def _refuse(model: Model, state: _State) -> None:
    """Raises ModelError where the very first answer says that no call of this model can succeed."""
    said = state.first_error
    if said[:3] in {"400", "401", "403", "404"}:
        raise ModelError(
            f"the provider refuses: {said}", where=f"the first request to {model.ref}, nothing was spent"
        )


@dataclass(slots=True)
class _State:
    """How far one candidate is on one row."""

    line: Line
    asked: int = 0
    grades: list[tuple[Grade, float | None]] = field(default_factory=list)
    ungraded: Counter[str] = field(default_factory=Counter)
    stop: Stop | None = None
    first_error: str = ""

    def look(self, run: _Run) -> None:
        """Stop where the rest of the planned sample can change no verdict, at any threshold.

        Every (candidate, tau) must be decided: looking at one alone would be optional stopping for the others.
        The level is the one that the row starts with; what other rows hand over can only raise it.
        """
        left = len(self.line.sample) - self.asked
        if not left:
            self.stop = "sample-used-up"
            return
        said = set()
        for tau in TAUS if run.options.logprobs else TAUS[:1]:
            kept = [g for g, sure in self.grades if tau == 0 or (sure is not None and sure >= tau)]
            regrets = sum(g.incumbent_ok and not g.candidate_ok for g in kept)
            said.add(decided(len(kept), regrets, len(kept) + left, run.options.epsilon, run.work.share))
        if said == {"reject"}:
            self.stop = "certain"
        elif said == {"futile"} and len(self.line.sample) >= run.work.plan.lines[0].least:
            self.stop = "hopeless"  # a smaller sample was never meant to certify: it is asked to its end

    def result(self) -> LineResult:
        assert self.stop is not None
        nobody = (
            {"no rule applies, and no judge was named": len(self.line.ungradable)}
            if self.line.ungradable
            else {}
        )
        return LineResult(
            profile=self.line.cell[0],
            context=self.line.cell[1],
            candidate=self.line.model.ref,
            planned=len(self.line.sample),
            graded=len(self.grades),
            regrets=sum(g.incumbent_ok and not g.candidate_ok for g, _ in self.grades),
            stop=self.stop,
            graders=dict(sorted(Counter(g.grader for g, _ in self.grades).items())),
            ungraded=dict(self.ungraded) | nobody,
        )


@dataclass(slots=True)
class _Run:
    """One call of `replay`: what is asked, graded and written."""

    store: Store
    work: Work
    options: ReplayOptions
    budget: Budget
    stored: int = 0
    cost_usd: Decimal = Decimal(0)
    at_risk_usd: Decimal = Decimal(0)

    def turn(self, state: _State, most: int) -> int:
        """Ask and grade the next few of a line; how many were taken."""
        line = state.line
        part = line.sample[state.asked : state.asked + most]
        rows = bodies(self.store, [each.request_id for each in part])
        records = {name: record_of(row) for name, row in rows.items()}
        asks = {
            each.request_id: ask_of(
                records[each.request_id],
                effort=line.model.effort,
                logprobs=self.options.logprobs,
                name=each.request_id,
            )
            for each in part
        }
        answers = self.ask(line.model, list(asks.values()), "replay")
        within = _until_unaffordable(part, answers)
        if len(within) < len(part):
            state.stop = "budget-gone"
        if not state.asked and within:
            first = answers[within[0].request_id]
            state.first_error = first.reason if first.status == "error" else ""
        graded: dict[str, Grade | str] = {}
        for each in within:
            graded[each.request_id] = self.by_rule(line, rows[each.request_id], answers[each.request_id])
        self.by_judge(line, graded, rows, records, answers)
        if NO_BUDGET in graded.values():
            state.stop = "budget-gone"
            within = within[
                : next(at for at, each in enumerate(within) if graded[each.request_id] == NO_BUDGET)
            ]
        trials, notes = [], []
        for each in within:
            said, answer = graded[each.request_id], answers[each.request_id]
            key = asks[each.request_id].key(line.model.client.origin, line.model.client.model)
            notes.append((each, key, said if isinstance(said, str) else ""))
            if isinstance(said, str):
                state.ungraded[said] += 1
                continue
            sure = None if answer.mean_logprob is None else min(1.0, exp(answer.mean_logprob))
            state.grades.append((said, sure))
            trials.append(trial_row(each.request_id, line.model.ref, said, answer, sure))
        with self.store.transaction():
            before = self.count()
            add_trials(self.store, trials)
            self.stored += self.count() - before
            self.note(notes, line)
        state.asked += len(part)
        return len(part)

    def by_rule(self, line: Line, row: Mapping[str, object], answer: Answer) -> Grade | str:
        """The grade of a rule, `judge` where one has to be asked, or why there is none."""
        if answer.status in {"lost", "unaffordable"} or (
            answer.status == "error" and answer.reason[:3] not in UNSERVED
        ):
            return f"no answer ({answer.status}: {answer.reason})"
        said = grade(task_of(row, line.cell[0], self.work.labels), logged_reply(row), reply_of(answer))
        if isinstance(said, Grade):
            return said
        if self.work.judge is None:
            return "no rule applies: `router-audit grade --show` or --judge"
        return said.settled or "judge"

    def by_judge(
        self,
        line: Line,
        graded: dict[str, Grade | str],
        rows: Mapping[str, dict[str, object]],
        records: Mapping[str, dict[str, object]],
        answers: Mapping[str, Answer],
    ) -> None:
        """Put the verdicts of the judge where `graded` asks for them."""
        judge = self.work.judge
        waiting = [name for name, said in graded.items() if said == "judge"]
        if judge is None or not waiting:
            return
        asks = {
            name: questions(
                records[name],
                logged_reply(rows[name]),
                reply_of(answers[name]),
                name=f"{name} {line.model.ref}",
            )
            for name in waiting
        }
        said = self.ask(judge, list(chain.from_iterable(asks.values())), "judge")
        for name, pair in asks.items():
            both = [said[each.name] for each in pair]
            found = verdict(judge.ref, both)
            if any(answer.status == "unaffordable" for answer in both):
                graded[name] = NO_BUDGET
            else:
                graded[name] = found.reason if isinstance(found, Abstained) else found

    def ask(self, model: Model, asks: Sequence[Ask], purpose: str) -> dict[str, Answer]:
        """Every answer, by the name of its ask."""
        found = {}
        for each, answer in ask_stored(
            self.store,
            model.client,
            asks,
            model.price,
            self.budget,
            self.options.asking(),
            purpose=purpose,
            progress=Unwatched(),
        ):
            found[each.name] = answer
        fresh = {asked.key(model.client.origin, model.client.model): found[asked.name] for asked in asks}
        for answer in fresh.values():
            if not answer.cached:
                self.cost_usd += answer.cost_usd
                self.at_risk_usd += answer.at_risk_usd
        return found

    def note(self, entries: Iterable[tuple[Sampled, str | None, str]], line: Line) -> None:
        """Keep what was sampled, where its answer is, and why it has no grade."""
        import polars as pl

        rows = [
            {
                "request_id": each.request_id,
                "candidate": line.model.ref,
                "session_id": each.session_id,
                "profile": line.cell[0],
                "huge_context": line.cell[1] == "huge",
                "ask_key": key,
                "note": note,
            }
            for each, key, note in entries
        ]
        self.store.append(
            "replays", pl.DataFrame(rows, schema_overrides={"ask_key": pl.String}), on_conflict="replace"
        )

    def count(self) -> int:
        """Trials in the store."""
        return int(self.store.query("trial_count")["trials"][0])


def trial_row(
    request_id: str, candidate: str, said: Grade, answer: Answer, sure: float | None
) -> dict[str, object]:
    """A graded pair as the store keeps it; profile and session are those of the request."""
    return {
        "trial_id": trial_id(request_id, candidate, said.grader),
        "request_id": request_id,
        "candidate": candidate,
        "candidate_ok": said.candidate_ok,
        "incumbent_ok": said.incumbent_ok,
        "grader": said.grader,
        "confidence": sure,
        "candidate_cost_usd": float(answer.cost_usd),
        "candidate_latency_ms": answer.latency_ms,
        "origin": "replay",
    }


def _until_unaffordable(part: Sequence[Sampled], answers: Mapping[str, Answer]) -> Sequence[Sampled]:
    """The beginning of the part that was answered.

    What the budget can no longer hold is long; going on with what is short would make the sample another one.
    """
    for at, each in enumerate(part):
        if answers[each.request_id].status == "unaffordable":
            return part[:at]
    return part
