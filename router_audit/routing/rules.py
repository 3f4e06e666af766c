"""A table, indexed for deciding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from router_audit.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router_audit.types import RoutingTable

EFFORTS = frozenset({"none", "minimal", "low", "medium", "high", "xhigh", "max"})
"""Of reasoning, as they stand after the @ of a model that was tested with one."""


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


def provider_of(model: str | None) -> str | None:
    """The part before the first slash."""
    return None if model is None or "/" not in model else model.partition("/")[0]


def effort_of(model: str | None) -> str | None:
    """The reasoning effort in `provider/model@effort`."""
    _, _, tail = (model or "").rpartition("@")
    return tail if tail in EFFORTS and model != tail else None
