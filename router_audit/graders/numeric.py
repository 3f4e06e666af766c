"""Answers that are a number, or end in one that is marked as the answer."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from router_audit.graders.normal import quantity, same_quantity, unfenced
from router_audit.types.grading import Abstained, Grade, Reply, Task

if TYPE_CHECKING:
    from decimal import Decimal

_MARKS = (
    re.compile(r"\\boxed\{([^{}]{1,60})\}"),
    re.compile(r"(?m)^\s*####\s*(.{1,60})$"),
    re.compile(r"(?im)^\W*(?:final |the )?(?:answer|result|total)(?: is)?\W{0,3}[:=]\s*(.{1,60}?)[\s*.]*$"),
)
_TAIL = 1_000


class Numeric:
    """Decides where the incumbent's answer is a number."""

    name = "numeric"

    def grade(self, task: Task, incumbent: Reply, candidate: Reply) -> Grade | Abstained:  # noqa: ARG002
        """The same number to one part in a million is good; another one, or none, is not."""
        reference = answer(incumbent.text)
        if reference is None:
            return Abstained("the incumbent's answer is no number")
        value = answer(candidate.text)
        same = value is not None and same_quantity(reference, value)
        reason = "" if same else f"{_shown(reference)}, not {_shown(value) if value else 'a number'}"
        return Grade(candidate_ok=same, incumbent_ok=True, grader=self.name, reason=reason)


def answer(text: str) -> tuple[Decimal, str] | None:
    """The number a text is, or the last it marks as its answer, and its unit; None where there is none."""
    whole = quantity(unfenced(text)) if len(text) < _TAIL else None
    if whole is not None:
        return whole
    for mark in _MARKS:
        found = [value for said in mark.findall(text[-_TAIL:]) if (value := quantity(said)) is not None]
        if found:
            return found[-1]
    return None


def _shown(value: tuple[Decimal, str]) -> str:
    return f"{value[0]} {value[1]}".strip()
