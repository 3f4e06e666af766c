"""Two answers to one request, and what a grader says of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from router_audit.types.profile import Profile

Rung = Literal["outcome", "deterministic", "human", "judge", "proxy"]
"""What kind of evidence a grade is."""

EVIDENCE_LADDER: tuple[Rung, ...] = ("outcome", "deterministic", "human", "judge", "proxy")
"""Best first: of several grades of one pair, that of the best rung counts."""

_RUNGS: dict[str, Rung] = {
    "outcome": "outcome",
    "canary": "outcome",
    "form": "deterministic",
    "tool-calls": "deterministic",
    "json": "deterministic",
    "schema": "deterministic",
    "label": "deterministic",
    "numeric": "deterministic",
    "exact": "deterministic",
    "human": "human",
    "retry": "proxy",
    "re-ask": "proxy",
    "proxy": "proxy",
}


def rung_of(grader: str) -> Rung:
    """The rung of a grader by its name, `NAME` or `NAME:DETAIL`; one that nobody knows stands with the judges."""
    return _RUNGS.get(grader.partition(":")[0].strip().lower(), "judge")


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model answered, whoever logged or asked it."""

    text: str = ""
    tool_calls: tuple[dict[str, Any], ...] = ()
    """`{"name", "arguments"}`, arguments decoded."""
    status: Literal["ok", "refused", "truncated", "malformed", "error"] = "ok"

    @property
    def empty(self) -> bool:
        """Neither a word nor a call."""
        return not self.text.strip() and not self.tool_calls


@dataclass(frozen=True, slots=True)
class Task:
    """What a grader may know of a request."""

    request_id: str
    profile: Profile
    schema: dict[str, Any] | None = None
    """Of the answer, where the request demanded one; `{}` where it demanded JSON and no more."""
    labels: frozenset[str] = frozenset()
    """The normalised answers this template is known to choose from; empty where it is no choice."""
    resolved: bool | None = None
    """What the log says of the incumbent's answer, explicitly; None where it says nothing."""


@dataclass(frozen=True, slots=True)
class Grade:
    """Whether each answer did the job."""

    candidate_ok: bool
    incumbent_ok: bool
    grader: str
    """`NAME` or `NAME:DETAIL`; see `rung_of`."""
    reason: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Abstained:
    """A grader that cannot tell, and why.

    It never depends on what the candidate answered: a sample from which the failures are missing would prove
    anything.
    """

    reason: str
