"""The judge of canary pairs that no rule can grade, and the anchor set that shows whether it has moved."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import chain
from typing import TYPE_CHECKING, Any

from router_audit.errors import UserError
from router_audit.graders.judge import family_of, grader_name, questions, verdict
from router_audit.llm import Budget, ask_all
from router_audit.pricing import load_prices
from router_audit.sequential import judge_drift
from router_audit.stages.asking import AskOptions, ask_stored
from router_audit.stages.replay.plan import bodies, model_of
from router_audit.stages.replay.requests import logged_reply, record_of
from router_audit.stages.replay.work import ReplayOptions
from router_audit.types.canary import JudgeState
from router_audit.types.grading import Abstained, Grade
from router_audit.types.progress import Unwatched

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from router_audit.stages.canary.options import CanaryOptions
    from router_audit.stages.replay.work import Model
    from router_audit.store import Store
    from router_audit.types.ask import Answer, Ask

ANCHORS = 30
"""Pairs that are graded again whenever the judge has graded new ones."""


@dataclass(slots=True)
class Judge:
    """A judge at work: both orders of every pair, under one budget, answers kept."""

    store: Store
    model: Model
    allow_own_family: bool
    budget: Budget
    known: set[str] = field(default_factory=set)

    @property
    def name(self) -> str:
        """As its grades are stored under."""
        return grader_name(self.model.ref)

    def verdicts(
        self, rows: Sequence[Mapping[str, Any]], whole: Mapping[str, dict[str, Any]]
    ) -> dict[str, Grade | str]:
        """The grade of each pair, by request, or why there is none; then the anchor set once more."""
        asks = {row["request_id"]: self._questions(row, whole) for row in rows}
        for row in rows:
            self._refuse(row["model"])
        answers: dict[str, Answer] = {
            ask.name: answer
            for ask, answer in ask_stored(
                self.store,
                self.model.client,
                list(chain.from_iterable(asks.values())),
                self.model.price,
                self.budget,
                AskOptions(),
                purpose="judge",
                progress=Unwatched(),
            )
        }
        said: dict[str, Grade | str] = {}
        for name, pair in asks.items():
            found = verdict(self.model.ref, [answers[ask.name] for ask in pair])
            said[name] = found.reason if isinstance(found, Abstained) else found
        if any(isinstance(found, Grade) for found in said.values()):
            self._anchor(rows, whole, asks, said)
        return said

    def _questions(self, row: Mapping[str, Any], whole: Mapping[str, dict[str, Any]]) -> tuple[Ask, Ask]:
        answer, shadow = whole[row["request_id"]], whole[row["shadow_id"]]
        return questions(
            record_of(answer), logged_reply(answer), logged_reply(shadow), name=row["request_id"]
        )

    def _anchor(
        self,
        rows: Sequence[Mapping[str, Any]],
        whole: Mapping[str, dict[str, Any]],
        asks: Mapping[str, tuple[Ask, Ask]],
        said: Mapping[str, Grade | str],
    ) -> None:
        """The first pairs this judge ever graded are the anchors; later checks grade them again, uncached."""
        if not reference(self.store, self.name):
            graded = [name for name in sorted(said) if isinstance(said[name], Grade)][:ANCHORS]
            grades = {name: found.candidate_ok for name in graded if isinstance(found := said[name], Grade)}
            add_anchors(self.store, self.name, grades)
            self.known.add(self.name)
            return
        if self.name in self.known:
            return
        self.known.add(self.name)
        pairs = anchored(self.store, sorted(reference(self.store, self.name)))
        bodies_of = bodies(self.store, [row[name] for row in pairs for name in ("request_id", "shadow_id")])
        again = {row["request_id"]: self._questions(row, bodies_of) for row in pairs}
        told: dict[str, Answer] = {}
        for ask, answer in ask_all(
            self.model.client,
            list(chain.from_iterable(again.values())),
            self.model.price,
            self.budget,
        ):
            told[ask.name] = answer
        grades = {}
        for name, pair in again.items():
            if all(ask.name in told for ask in pair):
                judged = verdict(self.model.ref, [told[ask.name] for ask in pair])
                if isinstance(judged, Grade):
                    grades[name] = judged.candidate_ok
        add_anchors(self.store, self.name, grades)

    def _refuse(self, model: str) -> None:
        if not self.allow_own_family and family_of(self.model.ref) == family_of(model):
            raise UserError(
                f"would judge its own family ({model}); name a judge of another maker, or --allow-own-family",
                where=f"--judge {self.model.ref}",
            )


def judge_of(store: Store, options: CanaryOptions) -> Judge | None:
    """The judge that was named, if any. Raises UserError where it cannot be used."""
    if options.judge is None:
        return None
    price = load_prices(options.prices).resolve_ref(options.judge, options.today)
    asked = ReplayOptions(candidates=(), budget_usd=options.budget_usd, base_urls=options.base_urls)
    model = model_of(options.judge, price, asked)
    return Judge(store, model, options.allow_own_family, Budget(options.budget_usd))


def anchored(store: Store, names: Sequence[str]) -> list[dict[str, Any]]:
    """The anchor pairs that are still in the store, with their shadows."""
    return store.query("canary_anchored", names=list(names)).to_dicts()


def reference(store: Store, judge: str) -> dict[str, bool]:
    """The first grades of a judge's anchors."""
    return _grades(store, judge).get(0, {})


def add_anchors(store: Store, judge: str, grades: Mapping[str, bool]) -> int:
    """Keep one more grading of a judge's anchors; its number, 0 for the reference."""
    import polars as pl

    number = max(_grades(store, judge), default=-1) + 1
    if grades:
        store.append(
            "canary_anchors",
            pl.DataFrame(
                [
                    {"judge": judge, "check_number": number, "item": item, "passed": passed}
                    for item, passed in sorted(grades.items())
                ]
            ),
        )
    return number


def judge_states(store: Store) -> tuple[JudgeState, ...]:
    """Whether each judge has moved since its reference: at any check so far, each at its share of alpha."""
    found = []
    for judge in store.query("canary_anchors")["judge"].unique(maintain_order=True).to_list():
        graded = _grades(store, judge)
        checks = [
            judge_drift(graded[0], grades, check=number)
            for number, grades in sorted(graded.items())
            if number > 0 and 0 in graded
        ]
        if checks:
            worst = next((check for check in checks if check.drifted), checks[-1])
            found.append(
                JudgeState(
                    judge,
                    len(checks),
                    worst.items,
                    worst.harsher,
                    worst.milder,
                    worst.p_value,
                    worst.drifted,
                )
            )
    return tuple(found)


def _grades(store: Store, judge: str) -> dict[int, dict[str, bool]]:
    found: dict[int, dict[str, bool]] = {}
    for row in store.query("canary_anchors").iter_rows(named=True):
        if row["judge"] == judge:
            found.setdefault(row["check_number"], {})[row["item"]] = row["passed"]
    return found
