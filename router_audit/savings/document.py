"""A saving as JSON: the `savings` block of a table, rounded so that the same inputs give the same bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from router_audit.types.money import COST_TERMS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

    from router_audit.types.capacity import CapacityUse, Latency
    from router_audit.types.money import (
        Bill,
        Control,
        Economics,
        Gap,
        Interval,
        Overheads,
        Reconciliation,
        RoutePlan,
        Saving,
    )

_LARGEST = 10


def money2(amount: Decimal | float) -> float:
    """USD to the cent; below a dollar to the hundredth of a cent. Never minus zero."""
    value = float(amount)
    return round(value, 2 if abs(value) >= 1 else 4) + 0.0


def interval_block(interval: Interval, *, withheld: bool = False) -> dict[str, float | None]:
    """`p5`, `p50`, `p95`; null where no headline may be printed."""
    return {name: None if withheld else money2(getattr(interval, name)) for name in ("p5", "p50", "p95")}


def savings_block(saving: Saving, withheld: str) -> dict[str, Any]:
    """The saving with every term, per month; no figure of the saving itself where it is withheld."""
    return {
        "per_month_usd": interval_block(saving.interval, withheld=bool(withheld)),
        "point_per_month_usd": None if withheld else money2(saving.per_month.saving),
        "probability_positive": None if withheld else round(saving.interval.probability_positive, 4),
        "certified_share": round(saving.certified_share, 4),
        "bill_per_month_usd": money2(saving.per_month.incumbent),
        "withheld": withheld or None,
        "window_months": round(float(saving.months), 6),
        "resampled": saving.resampled,
        "note": saving.note or None,
        "waterfall": [
            {"term": term, "usd_per_month": money2(amount)}
            for term, amount in saving.waterfall
            if not (withheld and term == "saving")
        ],
        "by_route": [
            {
                "route": route.route,
                "model": route.model,
                "status": route.status,
                "requests": route.requests,
                "moved": route.moved,
                "per_month_usd": interval_block(route.interval, withheld=bool(withheld)),
                "terms_per_month_usd": _terms(route.per_month),
                "regrets_per_month": None
                if route.regrets_per_month is None
                else [round(value, 1) for value in route.regrets_per_month],
            }
            for route in saving.routes
        ],
    }


def _terms(bill: Bill) -> dict[str, float]:
    return {name: money2(getattr(bill, name)) for name in ("incumbent", *COST_TERMS)}


def assumptions_block(
    overheads: Overheads, plans: Sequence[RoutePlan], tokenizers_as_of: str
) -> dict[str, Any]:
    """What the saving rests on beside the log and the prices."""
    return {
        "classifier_usd_per_request": float(overheads.classifier_usd),
        "confidence_output_tokens": overheads.confidence_tokens,
        "canary_share": float(overheads.canary_share),
        "canary_model": overheads.premium,
        "sticky_sessions": True,
        "tokenizers_as_of": tokenizers_as_of,
        "escalation_rates": {
            plan.key: {
                "mean": round(float(plan.escalation.mean), 4),
                "trials": plan.escalation.trials,
                "assumed": plan.escalation.trials == 0 and plan.escalate_to is not None,
            }
            for plan in plans
            if plan.model is not None
        },
    }


def controls_block(controls: Sequence[Control]) -> list[dict[str, Any]]:
    """The table beside its controls."""
    return [
        {
            "name": control.name,
            "model": control.model,
            "cost_per_month_usd": money2(control.cost_per_month),
            "cost_per_request_usd": round(float(control.cost_per_request), 6),
            "saving_per_month_usd": money2(control.saving_per_month),
            "economy_share": round(control.economy_share, 4),
            "regret": None if control.regret is None else round(control.regret, 4),
            "p50_ms": _ms(control.p50_ms),
            "p95_ms": _ms(control.p95_ms),
            "latency_known": round(control.latency_known, 4),
        }
        for control in controls
    ]


def economics_block(profiles: Sequence[Economics], months: Decimal) -> list[dict[str, Any]]:
    """What each profile's spend is made of; the levers in USD per month."""
    return [
        {
            "profile": item.profile,
            "requests": item.requests,
            "cost_per_month_usd": money2(item.cost / months),
            "shares": {
                name: round(getattr(item, f"{name}_share"), 4)
                for name in ("prompt", "completion", "reasoning", "cache", "other")
            },
            "at_most_per_month_usd": {
                "half_the_system_prompt": None
                if item.shorter_system_prompt is None
                else money2(item.shorter_system_prompt / months),
                "caching": money2(item.caching / months),
                "batching": money2(item.batching / months),
            },
        }
        for item in profiles
    ]


def reconciliation_block(checks: Sequence[Reconciliation]) -> list[dict[str, Any]]:
    """Our cost against the log's and the invoice's, largest gaps first."""
    return [
        {
            "against": check.against,
            "ours_usd": money2(check.ours),
            "theirs_usd": money2(check.theirs),
            "relative_gap": None if check.relative is None else round(float(check.relative), 4),
            "tolerance": float(check.tolerance),
            "holds": check.holds,
            "compared_requests": check.compared,
            "unpriced_requests": check.unpriced,
            "unpriced_tokens": check.unpriced_tokens,
            "by_model": [_gap(gap) for gap in check.by_model[:_LARGEST]],
            "by_day": [_gap(gap) for gap in check.by_day[:_LARGEST]],
            "explanations": list(check.explanations),
        }
        for check in checks
    ]


def _gap(gap: Gap) -> dict[str, Any]:
    return {
        **({"model": gap.model} if gap.model else {"day": str(gap.day)}),
        "requests": gap.requests,
        "ours_usd": money2(gap.ours),
        "theirs_usd": money2(gap.theirs),
        "as_if": gap.reason or None,
    }


def capacity_block(uses: Sequence[CapacityUse]) -> list[dict[str, Any]]:
    """Each mix replayed through the limits."""
    return [
        {
            "mix": use.mix,
            "calls": use.calls,
            "limited": use.limited,
            "queued_share": round(use.queued_share, 6),
            "refused_share": round(use.refused_share, 6),
            "p95_wait_s": round(use.p95_wait_s, 3),
            "headroom": None if use.headroom is None else round(use.headroom, 3),
            "limits": [
                {
                    "limit": limit.ref,
                    "kind": limit.kind,
                    "per_minute": limit.limit,
                    "peak_minute": round(limit.peak, 1),
                    "peak_share": round(limit.peak_share, 4),
                }
                for limit in use.uses[:_LARGEST]
            ],
        }
        for use in uses
    ]


def latency_block(latencies: Sequence[Latency]) -> list[dict[str, Any]]:
    """p50 and p95 of models in the log, then of routes under the table, then of all."""
    return [
        {
            "of": latency.ref,
            "requests": latency.requests,
            "p50_ms": _ms(latency.p50_ms),
            "p95_ms": _ms(latency.p95_ms),
            "known_share": round(latency.known_share, 4),
        }
        for latency in latencies
    ]


def _ms(value: float | None) -> float | None:
    return None if value is None else round(value, 1)
