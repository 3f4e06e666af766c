"""What follows a weak answer or a provider's error: one rung up, once, or sideways."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from router_audit.routing.rules import effort_of, provider_of
from router_audit.types import Decision, Escalation

if TYPE_CHECKING:
    from router_audit.routing.rules import Rules
    from router_audit.types import AnswerSignal


def escalate(rules: Rules, decision: Decision, signal: AnswerSignal) -> Escalation | None:
    """The one rung above, where the answer is not to be trusted; else None.

    The result is a function of the decision alone, so asking again, from a
    retry or another thread, names the same rung; and an `Escalation` has no way up. A provider's error leads
    sideways (`fall_back`) while the tier has another model.
    """
    target, weak = decision.escalate_to, weakness(signal, decision.threshold)
    if target is None or not weak or decision.model is None:
        return None
    if signal.provider_error is not None and decision.sideways:
        return None
    return Escalation(
        model=target,
        provider=provider_of(target) or "",
        tier=rules.tier_of(target),
        escalated_from=decision.model,
        signal=weak,
        table_version=decision.table_version,
        effort=effort_of(target),
    )


def weakness(signal: AnswerSignal, threshold: float) -> str:
    """What is wrong with an answer, the plainest first; empty where nothing is.

    A route certified at a threshold keeps only answers of at least that confidence, so an answer whose
    confidence is not known is not kept.
    """
    if signal.provider_error is not None:
        return f"provider error: {signal.provider_error}"
    if signal.refused:
        return "refused"
    if signal.empty:
        return "empty"
    if signal.truncated:
        return "truncated"
    if signal.schema_failed:
        return "schema"
    if threshold > 0:
        confidence = signal.confidence
        if confidence is None:
            return "confidence unknown"
        if confidence < threshold:
            return f"confidence {confidence:.2f} below {threshold:.2f}"
    return ""


def fall_back(decision: Decision) -> Decision | None:
    """The same decision with the next model of the same tier, after a provider's error; None where none is left.

    Not an escalation: the tier stays, and the one rung up stays available.
    """
    if not decision.sideways or decision.model is None:
        return None
    other = decision.sideways[0]
    return replace(
        decision,
        model=other,
        provider=provider_of(other),
        effort=effort_of(other),
        served_by=decision.served_by if decision.canary else other,
        sideways=decision.sideways[1:],
        fallen_from=(*decision.fallen_from, decision.model),
        reason=f"{decision.model} cannot be reached; same tier",
    )
