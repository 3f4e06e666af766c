"""What a target of `router-audit export` has to answer, and the rows of a table as targets read them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from router_audit.types import PROFILES

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router_audit.types import RoutingTable


class Exporter(Protocol):
    """One target format."""

    name: str
    """As `--to` takes it."""
    writes: str
    """What comes out, in one line for the README."""
    filename: str
    """What the file is usually called."""

    def export(self, table: RoutingTable) -> str:
        """The whole file. The same table gives the same text."""
        ...


@dataclass(frozen=True, slots=True)
class Row:
    """One row of the table, with the model that really serves it."""

    name: str
    """`extraction`, `extraction-huge`."""
    profile: str
    context: str
    model: str
    """The route's where it is applied, else the row's incumbent."""
    spares: tuple[str, ...]
    """Where a request goes when the model cannot be reached: the same tier, else exactly one rung up."""


def rows(table: RoutingTable) -> Iterator[Row]:
    """The rows that have a model to name: a row without traffic and without a route has none."""
    ladder = {rung["model"]: rung["tier"] for rung in table["ladder"]["models"]}
    for route in table["routes"]:
        model = route["model"] if route["applied"] else route["incumbent"]
        if model is None:
            continue
        own = _blended_mtok(table, route["incumbent"])
        beside = tuple(
            name
            for name, tier in ladder.items()
            if route["applied"]
            and name != model
            and tier == ladder.get(model)
            and _no_dearer(table, name, own)
        )
        up = (route["escalate_to"],) if route["escalate_to"] else ()
        suffix = "-huge" if route["context"] == "huge" else ""
        yield Row(route["profile"] + suffix, route["profile"], route["context"], model, beside[:1] or up)


def models(table: RoutingTable) -> list[str]:
    """Every model that the table can send a request to, the ladder's first, each once."""
    named = [rung["model"] for rung in table["ladder"]["models"]]
    named += [name for row in rows(table) for name in (row.model, *row.spares)]
    return list(dict.fromkeys(named))


def stamp(table: RoutingTable) -> str:
    """Which table a file was made from."""
    return f"router-audit table {table['version']}, {table['digest']}"


def _blended_mtok(table: RoutingTable, model: str | None) -> float | None:
    price: dict[str, Any] | None = table["prices"]["models"].get(model or "")
    return None if price is None else (3 * price["input_mtok"] + price["output_mtok"]) / 4


def _no_dearer(table: RoutingTable, model: str, most_mtok: float | None) -> bool:
    price = _blended_mtok(table, model)
    return most_mtok is None or (price is not None and price <= most_mtok)


def portable(table: RoutingTable) -> dict[str, Any]:
    """What a module of another language needs to decide as `routing.decide` does."""
    served: dict[str, int] = {}
    for route in table["routes"]:
        if route["incumbent"] is not None:
            served[route["incumbent"]] = served.get(route["incumbent"], 0) + route["requests"]
    kept = ("model", "incumbent", "applied", "escalate_to", "threshold")
    prices = table["prices"]["models"]
    return {
        "version": table["version"],
        "profiles": list(PROFILES),
        "huge_context_tokens": table["huge_context_tokens"],
        "premium": next(
            (
                rung["model"]
                for rung in table["ladder"]["models"]
                if rung["tier"] == table["ladder"]["tiers"][-1]
            ),
            None,
        ),
        "busiest_incumbent": min(served, key=lambda name: (-served[name], name), default=None),
        "rows": {
            f"{route['profile']}/{route['context']}": {name: route[name] for name in kept}
            for route in table["routes"]
        },
        "blended_mtok": {name: _blended_mtok(table, name) for name in prices},
        "windows": {
            name: price["context_window"] for name, price in prices.items() if price.get("context_window")
        },
    }
