"""What a log says about whether a request did its job, as one outcome with its origin."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

_GOOD = {"pass", "passed", "success", "successful", "succeeded", "resolved", "correct", "correctness", "accepted",
         "helpful", "thumbs_up", "thumbsup", "user_feedback", "feedback", "user_rating", "rating", "task_success",
         "goal_achieved", "is_correct", "exact_match", "solved"}  # fmt: skip
"""Names of scores whose high value means that the job was done. Any other name is kept, never interpreted."""
_YES = {
    "true",
    "yes",
    "pass",
    "passed",
    "good",
    "correct",
    "resolved",
    "success",
    "positive",
    "thumbs_up",
    "1",
}
_NO = {
    "false",
    "no",
    "fail",
    "failed",
    "bad",
    "incorrect",
    "unresolved",
    "failure",
    "negative",
    "thumbs_down",
    "0",
    "-1",
}


def verdict(value: Any) -> bool | None:
    """Whether a flag, word or number at either end of its scale says yes or no; None in between."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        word = value.strip().lower()
        return True if word in _YES else False if word in _NO else None
    if isinstance(value, (int, float)) and math.isfinite(value):
        return True if value == 1 else False if value in {0, -1} else None
    return None


def from_scores(scores: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    """The outcome in named scores: one that says whether the job was done, else the first number."""
    found = [(name, value) for name, value in scores if value is not None and value != ""]
    for name, value in found:
        if name.strip().lower().replace("-", "_").replace(" ", "_") in _GOOD and verdict(value) is not None:
            return {"resolved": verdict(value), "outcome_origin": f"score:{name}", **_number(value)}
    for name, value in found:
        if isinstance(value, (bool, str)) and verdict(value) is not None:
            return {"resolved": verdict(value), "outcome_origin": f"score:{name}", **_number(value)}
    for name, value in found:
        if _number(value):
            return {"outcome_origin": f"score:{name}", **_number(value)}
    return {}


def flagged(value: Any, origin: str) -> dict[str, Any]:
    """The outcome a single flag states."""
    resolved = verdict(value)
    return {} if resolved is None else {"resolved": resolved, "outcome_origin": origin}


def _number(value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        return {"outcome_score": float(value)}
    if isinstance(value, (int, float)) and math.isfinite(value):
        return {"outcome_score": float(value)}
    return {}
