"""Tool calls are compared, never executed: the same tools with the same arguments, in any order."""

from __future__ import annotations

from router_audit.graders.normal import same_value
from router_audit.types.grading import Abstained, Grade, Reply, Task


class ToolCalls:
    """Decides where the incumbent called tools."""

    name = "tool-calls"

    def grade(self, task: Task, incumbent: Reply, candidate: Reply) -> Grade | Abstained:  # noqa: ARG002
        """Equal calls are good; another tool, another argument, or words instead of a call are not."""
        if not incumbent.tool_calls:
            return Abstained("the incumbent called no tool")
        left = list(candidate.tool_calls)
        missing = []
        for call in incumbent.tool_calls:
            same = next((other for other in left if _same(call, other)), None)
            if same is None:
                missing.append(str(call.get("name")))
            else:
                left.remove(same)
        wrong = [f"no such call of {name}" for name in missing]
        wrong += [f"a call of {call.get('name')} more" for call in left]
        return Grade(candidate_ok=not wrong, incumbent_ok=True, grader=self.name, reason="; ".join(wrong))


def _same(one: dict[str, object], other: dict[str, object]) -> bool:
    return one.get("name") == other.get("name") and same_value(
        one.get("arguments") or {}, other.get("arguments") or {}
    )
