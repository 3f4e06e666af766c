"""Whether a request did its job, wherever a log says so beside the bodies or in its metadata."""

from __future__ import annotations

from typing import Any

from router_audit.adapters.messages import parsed

GOOD = frozenset({"resolved", "success", "succeeded", "ok", "passed", "pass", "accepted"})
STATED = frozenset({"outcome", "resolved", "success", "passed", "feedback", "score"})
"""The names that are looked at."""
LIKED = frozenset({"up", "thumbs_up", "positive", "good", "like", "1", "true"})


def outcome(holder: dict[str, Any], fields: dict[str, Any]) -> bool:
    """Set `resolved`, `outcome_origin` and `outcome_score` from what the holder states; False where nothing.

    Read are `resolved`, `success`, `passed`, `outcome`, `feedback` (a word, a number or an object) and
    `score`: of -1, 0 and 1 a positive one is good, of any other half of the scale from 0 to 1.
    """
    raw = parsed(holder.get("outcome"))
    if isinstance(raw, dict):
        holder = {**holder, **raw}
    for name in ("resolved", "success", "passed"):
        if isinstance(holder.get(name), bool):
            return _set(fields, resolved=holder[name], origin="flag")
    if isinstance(raw, str) and raw:
        return _set(fields, resolved=raw.lower() in GOOD, origin="flag")
    feedback = parsed(holder.get("feedback"))
    if isinstance(feedback, dict):
        feedback = feedback.get("score", feedback.get("rating", feedback.get("value")))
    if isinstance(feedback, str) and feedback:
        return _set(fields, resolved=feedback.lower() in LIKED, origin="feedback")
    score = feedback if isinstance(feedback, (int, float)) else holder.get("score")
    if not isinstance(score, (int, float)) or isinstance(score, bool):
        return False
    fields["outcome_score"] = float(score)
    good = score > 0 if score in {-1, 0, 1} else score >= 0.5
    return _set(fields, resolved=good, origin="feedback" if feedback is not None else "score:score")


def _set(fields: dict[str, Any], *, resolved: bool, origin: str) -> bool:
    fields["resolved"] = resolved
    fields["outcome_origin"] = origin
    return True
