"""Replayed pairs to a person, and the person's verdicts to the store."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from router_audit.files.trials import trial_id
from router_audit.graders.human import candidate_first, graded
from router_audit.graders.judge import excerpt
from router_audit.proof.sampling import rank
from router_audit.stages.replay.plan import bodies
from router_audit.stages.replay.requests import logged_reply, record_of, reply_of
from router_audit.stages.replay.run import trial_row
from router_audit.stages.trials import add_trials
from router_audit.types.ask import Answer

if TYPE_CHECKING:
    from router_audit.store import Store
    from router_audit.types.grading import Reply


@dataclass(frozen=True, slots=True)
class Waiting:
    """A pair that no person has graded."""

    request_id: str
    candidate: str
    profile: str
    answer: Answer


@dataclass(frozen=True, slots=True)
class Shown:
    """What a person sees of a pair: no name, no price, no order that tells."""

    profile: str
    request: dict[str, Any]
    first: Reply
    second: Reply


@dataclass(frozen=True, slots=True)
class GradeResult:
    """One sitting, and what is left."""

    graded: int
    skipped: int
    waiting: int
    """Pairs that no person has graded."""
    human_trials: int


def waiting(store: Store, profile: str | None = None) -> list[Waiting]:
    """The pairs for a person, in an order that depends on ids alone: any beginning of it is a random part.

    Judges are measured by the pairs that people graded, which holds for a random part and no other.
    """
    rows = store.query("pairs_to_grade")
    found = [
        Waiting(
            row["request_id"],
            row["candidate"],
            row["profile"],
            msgspec.json.decode(row["answer"], type=Answer),
        )
        for row in rows.iter_rows(named=True)
        if profile is None or row["profile"] == profile
    ]
    return sorted(found, key=lambda pair: (rank(f"{pair.request_id} {pair.candidate}"), pair.candidate))


def shown(store: Store, pair: Waiting) -> Shown:
    """The pair as a person sees it."""
    row = bodies(store, [pair.request_id])[pair.request_id]
    candidate, incumbent = reply_of(pair.answer), logged_reply(row)
    first = candidate_first(pair.request_id, pair.candidate)
    return Shown(
        profile=pair.profile,
        request=excerpt(record_of(row)),
        first=candidate if first else incumbent,
        second=incumbent if first else candidate,
    )


def say(store: Store, pair: Waiting, *, first_ok: bool, second_ok: bool) -> None:
    """Keep a verdict, at once."""
    verdict = graded(pair.request_id, pair.candidate, first_ok=first_ok, second_ok=second_ok)
    add_trials(store, [trial_row(pair.request_id, pair.candidate, verdict, pair.answer, None)])


def unsay(store: Store, pair: Waiting) -> None:
    """Take a verdict back."""
    store.run("forget_trial", trial_id=trial_id(pair.request_id, pair.candidate, "human"))


def result(store: Store, *, done: int, skipped: int) -> GradeResult:
    """What came of a sitting."""
    human = store.query("stored_trials")["grader"]
    return GradeResult(done, skipped, len(waiting(store)), int((human == "human").sum()))
