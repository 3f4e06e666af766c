"""The log says that the incumbent's answer did not do the job: then no candidate can be regretted here."""

from __future__ import annotations

from router_audit.types.grading import Abstained, Grade, Reply, Task


class Outcome:
    """The recorded outcome of the incumbent's answer."""

    name = "outcome"

    def grade(self, task: Task, incumbent: Reply, candidate: Reply) -> Grade | Abstained:  # noqa: ARG002
        """A recorded failure is a shared one: whether the candidate would have done better, nobody saw."""
        if task.resolved is None:
            return Abstained("the log records no outcome")
        if task.resolved:
            return Abstained("the incumbent's answer was good; of the candidate's no outcome is recorded")
        return Grade(
            candidate_ok=False, incumbent_ok=False, grader=self.name, reason="recorded as not resolved"
        )
