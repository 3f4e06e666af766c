"""A choice from a closed set: the same label, and nothing beside it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router_audit.graders.normal import LONGEST, normal
from router_audit.types.grading import Abstained, Grade, Reply, Task

if TYPE_CHECKING:
    from collections.abc import Sequence

FEWEST_ANSWERS = 20
MOST_LABELS = 20
LABEL_WORDS = 4


class Label:
    """Decides where the labels of a request are known and the incumbent gave one of them."""

    name = "label"

    def grade(self, task: Task, incumbent: Reply, candidate: Reply) -> Grade | Abstained:
        """The incumbent's label is good; another label fails, and so does whatever is no label."""
        if not task.labels:
            return Abstained("no closed set of labels is known")
        theirs = normal(incumbent.text[:LONGEST])
        if theirs not in task.labels:
            return Abstained("the incumbent's answer is none of the labels")
        ours = normal(candidate.text[:LONGEST])
        reason = "" if ours == theirs else f"{theirs!r}, not {ours[:40]!r}"
        if ours not in task.labels:
            reason = f"{ours[:40]!r} is none of the labels"
        return Grade(candidate_ok=ours == theirs, incumbent_ok=True, grader=self.name, reason=reason)


def closed_set(answers: Sequence[str]) -> frozenset[str]:
    """The labels of a template by what its incumbents answered: few, short, and said again and again.

    Empty where its answers are no choice: fewer than 20, one in twenty longer than four words, more than 20
    labels, or on average said less than five times each.
    """
    said = [normal(answer[:LONGEST]) for answer in answers]
    short = [text for text in said if text and len(text.split()) <= LABEL_WORDS]
    labels = frozenset(short)
    if len(answers) < FEWEST_ANSWERS or len(short) < 0.95 * len(answers):
        return frozenset()
    if len(labels) > MOST_LABELS or len(short) < 5 * len(labels):
        return frozenset()
    return labels
