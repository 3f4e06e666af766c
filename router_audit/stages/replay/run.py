"""Turns of a replay: ask a few, grade them, keep them, and look whether the rest can still change a verdict."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import chain
from math import exp
from typing import TYPE_CHECKING, Literal

from router_audit.certify import TAUS
from router_audit.certify.looks import decided
from router_audit.files.trials import trial_id
from router_audit.graders import grade
from router_audit.graders.judge import questions, verdict
from router_audit.stages.asking import ask_stored
from router_audit.stages.replay.plan import bodies, task_of
from router_audit.stages.replay.requests import ask_of, logged_reply, record_of, reply_of
from router_audit.stages.trials import add_trials
from router_audit.types.grading import Abstained, Grade
from router_audit.types.progress import Unwatched

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from router_audit.llm import Budget
    from router_audit.proof.sampling import Sampled
    from router_audit.stages.replay.work import Line, Model, ReplayOptions, Work
    from router_audit.store import Store
    from router_audit.types import Context, Profile
    from router_audit.types.ask import Answer, Ask

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


@dataclass(slots=True)
class State:
    """How far one candidate is on one row."""

    line: Line
    asked: int = 0
    grades: list[tuple[Grade, float | None]] = field(default_factory=list)
    ungraded: Counter[str] = field(default_factory=Counter)
    stop: Stop | None = None
    first_error: str = ""

    def look(self, run: Run) -> None:
        """Stop where the rest of the planned sample can change no verdict, at any threshold.

        Every (candidate, tau) must be decided: looking at one alone would be optional stopping for the others.
        The level is the one that the row starts with; what other rows hand over can only raise it. The line of
        a candidate that a table was built on already is stopped as soon as a later look certifies it.
        """
        left = len(self.line.sample) - self.asked
        if not left:
            self.stop = "sample-used-up"
            return
        first = self.line.need.first
        if first and self.asked < first[0.0].trials:
            return  # what was looked at before is there already
        said = set()
        for tau in TAUS if run.options.logprobs else TAUS[:1]:
            kept = [g for g, sure in self.grades if tau == 0 or (sure is not None and sure >= tau)]
            regrets = sum(g.incumbent_ok and not g.candidate_ok for g in kept)
            said.add(
                decided(
                    len(kept),
                    regrets,
                    len(kept) + left,
                    run.options.epsilon,
                    run.work.share,
                    first.get(tau),
                )
            )
        if said == {"reject"}:
            self.stop = "certain"
        elif said == {"futile"} and not self.line.need.done < len(self.line.sample) < self.line.need.least:
            self.stop = "hopeless"  # a sample too small to certify was never meant to: it is asked to its end

    @property
    def ended(self) -> bool:
        """Whether a verdict could be read off what it shows now: trials after that are another look."""
        if self.stop == "sample-used-up":
            return len(self.grades) >= self.line.need.least and not self.ungraded and not self.line.ungradable
        return self.stop in {"certain", "hopeless"}

    def result(self) -> LineResult:
        """What became of the line, once it has stopped."""
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
class Run:
    """One call of `replay`: what is asked, graded and written."""

    store: Store
    work: Work
    options: ReplayOptions
    budget: Budget
    stored: int = 0
    cost_usd: Decimal = Decimal(0)
    at_risk_usd: Decimal = Decimal(0)

    def turn(self, state: State, most: int) -> int:
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
