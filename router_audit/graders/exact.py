"""Short answers of classification and extraction: the same words, whatever their case and punctuation."""

from __future__ import annotations

from router_audit.graders.normal import LONGEST, normal, unfenced
from router_audit.types.grading import Abstained, Grade, Reply, Task

SHORT_WORDS = 8
"""A longer answer can be right in other words, and somebody has to read it."""


class Exact:
    """Decides where the incumbent's answer is short and the request asks for something found, not made up."""

    name = "exact"

    def grade(self, task: Task, incumbent: Reply, candidate: Reply) -> Grade | Abstained:
        """The same normalised text is good, another is not: strict, so that it errs against the candidate."""
        if task.profile not in {"classification", "extraction"}:
            return Abstained(f"a good answer of {task.profile} has more than one wording")
        if len(incumbent.text) > LONGEST or len(incumbent.text.split()) > SHORT_WORDS:
            return Abstained(f"the incumbent's answer is longer than {SHORT_WORDS} words")
        reference = normal(unfenced(incumbent.text))
        if not reference:
            return Abstained("the incumbent's answer has no word")
        same = normal(unfenced(candidate.text[:LONGEST])) == reference
        return Grade(
            candidate_ok=same, incumbent_ok=True, grader=self.name, reason="" if same else "texts differ"
        )
