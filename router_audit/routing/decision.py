"""From the rules and the facts about one request to the model it goes to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from router_audit.policy import cell_of
from router_audit.routing.assignment import CANARY_SHARE, in_canary
from router_audit.routing.rules import effort_of, provider_of
from router_audit.types import Decision

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router_audit.routing.rules import Rules
    from router_audit.types import Context, Profile

WINDOW_MARGIN = 1.1
"""An estimated input must fit a context window this many times over: the estimate may be too low."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about a request before the call."""

    profile: Profile | None
    """None where the classifier abstained."""
    probability: float
    input_tokens: int
    request_id: str
    """What the canary's assignment is drawn from."""
    asked: str | None = None
    """`provider/model` that the caller named; None where the choice is the table's."""
    asked_mtok: float | None = None
    """Its blended price, where the table has none."""
    output_tokens: int = 0
    """The most the caller allows."""
    estimated: bool = True
    """Whether `input_tokens` was guessed from the text's length."""
    abstained: str = ""
    """Why there is no profile."""
    held: str | None = None
    """The model that has served this session under this table: its cache is warm."""


def decide(
    rules: Rules, facts: Facts, *, canary_key: bytes = b"", canary_share: float = CANARY_SHARE
) -> Decision:
    """What the table says about one request.

    A request is moved only to a model that is cheaper than its own (the caller's, else the row's incumbent),
    that the table applies, and that holds its input. Where any of that is not known, it stays.
    """
    huge = facts.input_tokens > rules.huge_context_tokens
    if facts.profile is None:
        asked = facts.asked or rules.busiest_incumbent
        return _stays(rules, facts, asked, huge=huge, why=f"no profile ({facts.abstained or 'abstained'})")
    cell = cell_of(facts.profile, huge=huge)
    row = rules.routes.get(cell)
    if row is None:
        asked = facts.asked or rules.busiest_incumbent
        return _stays(rules, facts, asked, huge=huge, why=f"the table has no row for {cell[0]}/{cell[1]}")
    asked = facts.asked or row["incumbent"]
    if not row["applied"] or row["model"] is None:
        return _stays(rules, facts, asked, huge=huge, context=cell[1], row=row, why=row["reason"])
    model, why = _held(rules, facts, row)
    reason = _bars(rules, facts, asked, model)
    if reason and model != row["model"]:
        model, why = row["model"], ""
        reason = _bars(rules, facts, asked, model)
    if reason:
        return _stays(rules, facts, asked, huge=huge, context=cell[1], row=row, why=reason)
    premium = rules.premium
    eligible = premium is not None and model != premium and _fits(rules, facts, premium)
    above = row["escalate_to"] if model == row["model"] else rules.next_rung(model)
    canary = eligible and in_canary(facts.request_id, canary_key, canary_share)
    return Decision(
        profile=facts.profile,
        probability=facts.probability,
        huge_context=huge,
        model=model,
        provider=provider_of(model),
        tier=rules.tier_of(model),
        escalate_to=above if above is not None and _fits(rules, facts, above) else None,
        threshold=row["threshold"],
        canary=canary,
        propensity=canary_share if eligible else 0.0,
        table_version=rules.version,
        reason=why or row["reason"],
        context=cell[1],
        status=row["status"],
        asked=asked,
        moved=True,
        served_by=premium if canary else model,
        effort=effort_of(model),
        sideways=_sideways(rules, facts, asked, model),
    )


def _stays(
    rules: Rules,
    facts: Facts,
    asked: str | None,
    *,
    huge: bool,
    why: str,
    context: Context | None = None,
    row: Mapping[str, Any] | None = None,
) -> Decision:
    """The request keeps the model it would have had; nothing is escalated, nothing is in the canary."""
    return Decision(
        profile=facts.profile,
        probability=facts.probability,
        huge_context=huge,
        model=asked,
        provider=provider_of(asked),
        tier=rules.tier_of(asked),
        escalate_to=None,
        threshold=0.0,
        canary=False,
        propensity=0.0,
        table_version=rules.version,
        reason=f"stays: {why}" if asked else f"stays, and no model is known to stay with: {why}",
        context=context,
        status=row["status"] if row else None,
        asked=asked,
        served_by=asked,
        effort=effort_of(asked),
        sideways=_sideways(rules, facts, asked, asked),
    )


def _held(rules: Rules, facts: Facts, row: Mapping[str, Any]) -> tuple[str, str]:
    """The session's own model where it is of the row's tier or above, else the row's."""
    model: str = row["model"]
    here, there = rules.tier_of(model), rules.tier_of(facts.held)
    if facts.held in {None, model} or here is None or there is None:
        return model, ""
    if rules.tiers.index(there) >= rules.tiers.index(here):
        return facts.held or model, f"the session stays with {facts.held}, whose cache is warm"
    return model, ""


def _bars(rules: Rules, facts: Facts, asked: str | None, model: str) -> str:
    """Why a request may not go to a model; empty where it may."""
    if not _fits(rules, facts, model):
        return f"about {facts.input_tokens:,} input tokens do not fit {model}"
    if asked is None:
        return ""
    if asked == model:
        return f"{model} is the request's own model"
    theirs, ours = _asked_mtok(rules, facts, asked), rules.blended_mtok(model)
    if theirs is None or ours is None:
        return f"{asked if theirs is None else model} has no price to compare"
    if ours >= theirs:
        return f"{model} is not cheaper than {asked}"
    return ""


def _asked_mtok(rules: Rules, facts: Facts, asked: str | None) -> float | None:
    known = rules.blended_mtok(asked)
    return facts.asked_mtok if known is None and asked == facts.asked else known


def _sideways(rules: Rules, facts: Facts, asked: str | None, model: str | None) -> tuple[str, ...]:
    """The other models of a model's tier that the request may go to."""
    tier = rules.tier_of(model)
    if tier is None:
        return ()
    most = _asked_mtok(rules, facts, asked)
    return tuple(
        name
        for name, on in rules.ladder
        if on == tier
        and name != model
        and (asked is None or _no_dearer(rules.blended_mtok(name), most))
        and _fits(rules, facts, name)
    )


def _no_dearer(price_mtok: float | None, most_mtok: float | None) -> bool:
    return price_mtok is not None and most_mtok is not None and price_mtok <= most_mtok


def _fits(rules: Rules, facts: Facts, model: str) -> bool:
    price = rules.prices.get(model)
    if price is None or price.context_window is None:
        return True
    needed = facts.input_tokens * (WINDOW_MARGIN if facts.estimated else 1) + facts.output_tokens
    return needed <= price.context_window
