"""From a table and the facts about one request to a decision: which model, and what happens if it fails.

Everything here is pure: the same table, facts and key give the same decision on any machine.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from router_audit.errors import InputError
from router_audit.policy import cell_of
from router_audit.types import Decision, Escalation

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router_audit.types import AnswerSignal, Context, Profile, RoutingTable

CANARY_SHARE = 0.01
"""Of the requests that are moved: the premium tier answers them, the routed model beside it."""

EFFORTS = frozenset({"none", "minimal", "low", "medium", "high", "xhigh", "max"})
"""Of reasoning, as they stand after the @ of a model that was tested with one."""

WINDOW_MARGIN = 1.1
"""An estimated input must fit a context window this many times over: the estimate may be too low."""


@dataclass(frozen=True, slots=True)
class Price:
    """What a model costs, as the table says."""

    input_mtok: float
    output_mtok: float
    context_window: int | None = None

    @property
    def blended_mtok(self) -> float:
        """USD per million tokens at three input to one output, as `ModelPrice.blended_mtok`."""
        return (3 * self.input_mtok + self.output_mtok) / 4


@dataclass(frozen=True, slots=True)
class Rules:
    """A table, indexed for deciding. Built once per version."""

    version: str
    huge_context_tokens: int
    routes: Mapping[tuple[str, str], Mapping[str, Any]]
    """(profile, context) to the row as it is written."""
    tiers: tuple[str, ...]
    """Cheapest first."""
    ladder: tuple[tuple[str, str], ...]
    """(model, tier), in order of preference."""
    long_context: str | None
    """The economy model for huge context: a rung of no other request."""
    prices: Mapping[str, Price]
    busiest_incumbent: str | None
    """The most used model of the whole log: for requests that name none and whose profile is not told."""

    @property
    def premium(self) -> str | None:
        """The model that serves the canary: the first of the top tier."""
        return next((model for model, tier in self.ladder if tier == self.tiers[-1]), None)

    def tier_of(self, model: str | None) -> str | None:
        """The tier of a model; None where it is not on the ladder."""
        if model is not None and model == self.long_context:
            return next((tier for name, tier in self.ladder if name == model), self.tiers[0])
        return next((tier for name, tier in self.ladder if name == model), None)

    def next_rung(self, model: str | None) -> str | None:
        """The first model one tier up; None at the top or off the ladder."""
        tier = self.tier_of(model)
        if tier is None or tier == self.tiers[-1]:
            return None
        above = self.tiers[self.tiers.index(tier) + 1]
        return next((name for name, on in self.ladder if on == above), None)

    def blended_mtok(self, model: str | None) -> float | None:
        """A model's price as one figure; None where the table has none."""
        price = self.prices.get(model or "")
        return None if price is None else price.blended_mtok


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


def rules_of(table: RoutingTable) -> Rules:
    """The table, indexed. Expects a table that passed its schema.

    Raises InputError where a row escalates elsewhere than one tier up.
    """
    served: dict[str, int] = {}
    for row in table["routes"]:
        if row["incumbent"] is not None:
            served[row["incumbent"]] = served.get(row["incumbent"], 0) + row["requests"]
    rules = Rules(
        version=table["version"],
        huge_context_tokens=table["huge_context_tokens"],
        routes={(row["profile"], row["context"]): row for row in table["routes"]},
        tiers=tuple(table["ladder"]["tiers"]),
        ladder=tuple((rung["model"], rung["tier"]) for rung in table["ladder"]["models"]),
        long_context=table["ladder"].get("long_context"),
        prices={
            name: Price(price["input_mtok"], price["output_mtok"], price.get("context_window"))
            for name, price in table["prices"]["models"].items()
        },
        busiest_incumbent=min(served, key=lambda name: (-served[name], name), default=None),
    )
    for row in table["routes"]:
        _check_rung(rules, row)
    return rules


def _check_rung(rules: Rules, row: Mapping[str, Any]) -> None:
    target, here, there = row["escalate_to"], rules.tier_of(row["model"]), rules.tier_of(row["escalate_to"])
    if target is None:
        return
    if here is None or there is None or rules.tiers.index(there) != rules.tiers.index(here) + 1:
        raise InputError(
            f"{row['profile']}/{row['context']} escalates from {row['model']} to {target}, which is not one tier up",
            where=rules.version,
        )


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


def in_canary(request_id: str, key: bytes, share: float) -> bool:
    """Whether a request is in the canary: a keyed hash of its id, so that anyone with the key can check it."""
    return canary_draw(request_id, key) < share


def canary_draw(request_id: str, key: bytes) -> float:
    """The request's place in [0, 1): the first 53 bits of BLAKE2b(request id, key)."""
    digest = hashlib.blake2b(request_id.encode("utf-8", "surrogatepass"), key=key[:64], digest_size=8)
    return (int.from_bytes(digest.digest(), "big") >> 11) / (1 << 53)


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


def provider_of(model: str | None) -> str | None:
    """The part before the first slash."""
    return None if model is None or "/" not in model else model.partition("/")[0]


def effort_of(model: str | None) -> str | None:
    """The reasoning effort in `provider/model@effort`."""
    _, _, tail = (model or "").rpartition("@")
    return tail if tail in EFFORTS and model != tail else None
