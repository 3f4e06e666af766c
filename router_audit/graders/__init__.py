"""Graders: did each of two answers do the job? One file per member; the first rule that applies decides.

Whether a rule applies depends on the request and on the incumbent's answer alone, never on the candidate's: a
sample from which the failures (or all but the failures) are missing would prove anything. What no rule
applies to goes to a judge (`judge`) or a person (`human`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from router_audit.graders.exact import Exact
from router_audit.graders.fields import Fields
from router_audit.graders.form import Form
from router_audit.graders.label import Label
from router_audit.graders.numeric import Numeric
from router_audit.graders.outcome import Outcome
from router_audit.graders.tool_calls import ToolCalls
from router_audit.types.grading import Abstained, Grade

if TYPE_CHECKING:
    from router_audit.types.grading import Reply, Task


class Grader(Protocol):
    """A check of two answers by rule."""

    name: str

    def grade(self, task: Task, incumbent: Reply, candidate: Reply) -> Grade | Abstained:
        """The verdict, or why there is none."""
        ...


RULES: tuple[Grader, ...] = (ToolCalls(), Fields(), Label(), Numeric(), Exact())
"""Each compares what was answered; the first that applies decides."""

FIRST: tuple[Grader, ...] = (Outcome(), Form())
"""Each settles a pair without a comparison, but only where somebody would have compared."""


@dataclass(frozen=True, slots=True)
class Undecided:
    """No rule applies."""

    reasons: tuple[tuple[str, str], ...]
    """Why not, by rule."""
    settled: Grade | None
    """What counts instead of a judge's verdict where there is a judge: nobody need be asked. Without one it
    must not count: the recorded failures and broken answers alone are no sample."""


def grade(task: Task, incumbent: Reply, candidate: Reply) -> Grade | Undecided:
    """The verdict of the rule that applies, or why there is none."""
    first = (grader.grade(task, incumbent, candidate) for grader in FIRST)
    settled = next((said for said in first if isinstance(said, Grade)), None)
    reasons = []
    for grader in RULES:
        said = grader.grade(task, incumbent, candidate)
        if isinstance(said, Grade):
            return settled or said
        reasons.append((grader.name, said.reason))
    return Undecided(tuple(reasons), settled)


def by_rule(task: Task, incumbent: Reply) -> bool:
    """Whether a rule applies to a request, before any candidate is asked."""
    return not isinstance(grade(task, incumbent, incumbent), Undecided)
