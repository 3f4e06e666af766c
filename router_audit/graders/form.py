"""An answer that is none, whatever it was meant to say: refused, cut off, broken, empty."""

from __future__ import annotations

from router_audit.types.grading import Abstained, Grade, Reply, Task


class Form:
    """Decides where the candidate gave no whole answer, and the incumbent did."""

    name = "form"

    def grade(self, task: Task, incumbent: Reply, candidate: Reply) -> Grade | Abstained:  # noqa: ARG002
        """A broken answer fails. Where both are whole it abstains: a rule decides then, or somebody who reads."""
        theirs, ours = _broken(incumbent), _broken(candidate)
        if not ours and not theirs:
            return Abstained("both answers are whole")
        reason = f"candidate {ours or 'whole'}, incumbent {theirs or 'whole'}"
        # A whole answer beside a broken one is not thereby right: it counts as failed too, which is no gain.
        return Grade(candidate_ok=False, incumbent_ok=not theirs, grader=self.name, reason=reason)


def _broken(reply: Reply) -> str:
    return reply.status if reply.status != "ok" else "empty" if reply.empty else ""
