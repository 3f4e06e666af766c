"""The model that served each request, and its price: what `build-table` needs before any arithmetic."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from router_audit.types.price import ModelPrice, Unresolved

if TYPE_CHECKING:
    from datetime import date

    from router_audit.pricing import PriceBook

_NAMES = ("provider", "request_model", "response_model")


@dataclass(frozen=True, slots=True)
class UnpricedModel:
    """A model of the log that has no price, with what it carried."""

    provider: str | None
    model: str | None
    reason: str
    requests: int
    input_tokens: int
    output_tokens: int


@dataclass(frozen=True, slots=True)
class Incumbents:
    """A frame whose requests know their incumbent."""

    frame: pl.DataFrame
    """The frame given, with `incumbent` (`provider/model` or null) and `price_key` (into `prices`)."""
    prices: dict[str, ModelPrice]
    unpriced: tuple[UnpricedModel, ...]
    """Most tokens first."""


def served(
    book: PriceBook, provider: str | None, asked: str | None, answered: str | None, on: date
) -> ModelPrice | Unresolved:
    """The price of the model that answered; of the one asked for where the answer names none that is known.

    On Bedrock the name asked for comes first: the inference profile in it decides the price.
    """
    names = [answered, asked]
    if provider is not None and ("bedrock" in provider.lower() or provider.lower() in {"aws", "amazon"}):
        names.reverse()
    found = [book.resolve(provider, name, on) for name in names if name]
    for price in found:
        if isinstance(price, ModelPrice):
            return price
    return found[0] if found else Unresolved(provider, None, "no model is named")


def price_incumbents(frame: pl.DataFrame, book: PriceBook, on: date | None) -> Incumbents:
    """Resolve the incumbent of every request once per distinct name, at the prices of `on`.

    With `on` None each request takes the price of its own day (`started_at`, UTC): the bill as it was.
    """
    today = pl.lit(on, pl.Date) if on is not None else pl.col("started_at").cast(pl.Date)
    keyed = frame.with_columns(today.alias("_on"))
    prices: dict[str, ModelPrice] = {}
    rows: list[dict[str, object]] = []
    reasons: dict[tuple[str | None, str | None], str] = {}
    for provider, asked, answered, day in keyed.select(*_NAMES, "_on").unique().sort(*_NAMES, "_on").rows():
        row: dict[str, object] = {
            "provider": provider,
            "request_model": asked,
            "response_model": answered,
            "_on": day,
            "incumbent": None,
            "price_key": None,
        }
        price = (
            Unresolved(provider, answered or asked, "the request has no date to price it on")
            if day is None
            else served(book, provider, asked, answered, day)
        )
        if isinstance(price, ModelPrice):
            key = price.ref if on is not None else f"{price.ref} from {price.since}"
            prices.setdefault(key, price)
            row |= {"incumbent": price.ref, "price_key": key}
        else:
            reasons[provider, answered or asked] = price.reason
        rows.append(row)
    schema = {
        **{name: pl.String() for name in _NAMES},
        "_on": pl.Date(),
        "incumbent": pl.String(),
        "price_key": pl.String(),
    }
    names = pl.DataFrame(rows, schema=schema)
    out = (
        keyed.drop("incumbent", "price_key", strict=False)
        .join(names, on=[*_NAMES, "_on"], how="left", nulls_equal=True, maintain_order="left")
        .drop("_on")
    )
    return Incumbents(out, prices, _unpriced(out, reasons))


def _unpriced(
    frame: pl.DataFrame, reasons: dict[tuple[str | None, str | None], str]
) -> tuple[UnpricedModel, ...]:
    found = (
        frame.filter(pl.col("price_key").is_null())
        .group_by("provider", pl.coalesce("response_model", "request_model").alias("model"))
        .agg(
            pl.len().alias("requests"),
            pl.col("input_tokens").sum().alias("input"),
            pl.col("output_tokens").sum().alias("output"),
        )
        .sort("input", "output", "requests", "model", descending=[True, True, True, False], nulls_last=True)
    )
    return tuple(
        UnpricedModel(
            provider, model, reasons.get((provider, model), "no model is named"), count, given, made
        )
        for provider, model, count, given, made in found.rows()
    )
