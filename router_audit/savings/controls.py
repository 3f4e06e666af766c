"""The table beside what anyone could do without it; and the 80% rule."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from router_audit.savings.matrix import exact_sum
from router_audit.savings.mix import UNROUTED
from router_audit.savings.reprice import usd
from router_audit.types.money import Control, EconomyShare

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable

    from router_audit.savings.bill import Ledger
    from router_audit.types.capacity import Latency
    from router_audit.types.money import Rate, RoutePlan, Saving
    from router_audit.types.price import ModelPrice

Regrets = dict[tuple[str, str], "Rate"]
"""(route, `provider/model`) to the regret that trials showed."""


_SEEN = {"route", "incumbent", "assigned", "escalate_to", "moved", "latency_ms", "input_tokens"}


def controls(
    frame: pl.DataFrame,
    saving: Saving,
    book: Ledger,
    *,
    cheapest: str,
    best_single: str,
    economy: Collection[str],
    regrets: Regrets,
    rng: np.random.Generator,
    latency: Callable[[pl.DataFrame], Latency] | None = None,
) -> tuple[Control, ...]:
    """The table, the incumbent, the best single model, all-cheapest and a random split of the table's cost.

    `frame` has been through `mix.assign`, `book` is the log's ledger. A request that does not fit a model's
    context window stays with its incumbent. The split sends a random share p of requests to the cheapest model
    and leaves the rest, with p such that it costs what the table costs: p = (incumbents - table) /
    (incumbents - cheapest).
    """
    work = frame.select(sorted(_SEEN & set(frame.columns)))
    if book.rows is not None:
        work = work[book.rows]
    incumbent_usd = usd(exact_sum(book.own))
    table_usd = incumbent_usd - saving.bill.saving
    fits = {ref: _fits(work, book.prices[ref]) for ref in {cheapest, best_single}}
    cost = {ref: usd(exact_sum(np.where(fits[ref], book.at(ref).warm, book.own))) for ref in fits}
    gain = incumbent_usd - cost[cheapest]
    share = float(min(max((incumbent_usd - table_usd) / gain, Decimal(0)), Decimal(1))) if gain > 0 else 0.0
    split = pl.Series(rng.random(work.height) < share)
    stays, goes = pl.lit(value=False), pl.lit(value=True)
    mixes: list[tuple[str, str | None, Decimal, pl.Expr]] = [
        ("table", None, table_usd, pl.col("moved")),
        ("incumbent", None, incumbent_usd, stays),
        ("best-single", best_single, cost[best_single], goes),
        ("all-cheapest", cheapest, cost[cheapest], goes),
        ("random-split", cheapest, incumbent_usd - Decimal(str(share)) * gain, pl.lit(split)),
    ]
    out = []
    for name, ref, total, moves in mixes:
        if ref is None:
            mix = work if name == "table" else work.with_columns(assigned="incumbent", moved=moves)
        else:
            go = moves & pl.Series(fits[ref]) & (pl.col("incumbent").cast(pl.String) != ref)
            mix = work.with_columns(
                pl.when(go)
                .then(pl.lit(ref))
                .otherwise(pl.col("incumbent").cast(pl.String))
                .alias("assigned"),
                go.alias("moved"),
                pl.lit(None, pl.String).alias("escalate_to"),
            )
        seen = latency(mix) if latency else None
        out.append(
            Control(
                name,
                ref,
                total / saving.months,
                total / work.height if work.height else Decimal(0),
                (incumbent_usd - total) / saving.months,
                _share(mix, economy),
                _regret(mix, regrets),
                seen.p50_ms if seen else None,
                seen.p95_ms if seen else None,
                seen.known_share if seen else 0.0,
            )
        )
    return tuple(out)


def _fits(frame: pl.DataFrame, price: ModelPrice) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    if price.context_window is None:
        return np.ones(frame.height, np.bool_)
    return (frame["input_tokens"].fill_null(0) <= price.context_window).to_numpy()


def _share(frame: pl.DataFrame, economy: Collection[str], column: str = "assigned") -> float:
    if frame.is_empty():
        return 0.0
    return float(frame[column].cast(pl.String).is_in(list(economy)).fill_null(value=False).mean() or 0.0)  # type: ignore[arg-type]


def _regret(mix: pl.DataFrame, regrets: Regrets) -> float | None:
    """Of all requests, the share expected to fail; None where a moved part has no trial."""
    lost = 0.0
    for (route, ref), part in mix.filter("moved").group_by("route", "assigned"):
        rate = regrets.get((str(route), str(ref)))
        if rate is None or not rate.trials:
            return None
        lost += float(rate.mean) * part.height
    return lost / mix.height if mix.height else None


def economy_share(frame: pl.DataFrame, plans: Iterable[RoutePlan], economy: Collection[str]) -> EconomyShare:
    """The economy tier's share of requests before and after, and why the rest is not there.

    `frame` has been through `mix.assign`. A request that its route would send to the economy tier but that
    stays is held back by its session (sticky) or by its size.
    """
    plans = list(plans)
    reason = {plan.key: plan.held_back or "no evidence" for plan in plans if plan.model not in economy}
    frame = frame.select("route", "incumbent", "assigned")
    after = _share(frame, economy)
    rest = frame.filter(~pl.col("assigned").cast(pl.String).is_in(list(economy)).fill_null(value=False))
    counted = (
        rest.select(
            pl.when(pl.col("incumbent").is_null())
            .then(pl.lit("no price"))
            .when(pl.col("route") == UNROUTED)
            .then(pl.lit("no profile"))
            .otherwise(
                pl.col("route").replace_strict(reason, default="session or size", return_dtype=pl.String)
            )
            .alias("reason")
        )
        .group_by("reason")
        .len()
        .sort("len", "reason", descending=[True, False])
    )
    return EconomyShare(
        _share(frame, economy, "incumbent"),
        after,
        tuple((str(name), count / frame.height) for name, count in counted.iter_rows()),
    )
