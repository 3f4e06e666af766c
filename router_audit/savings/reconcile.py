"""Our cost of the incumbents against the costs in the log, or an invoice. Where they differ, why.

Only requests that both sides price are compared with the log. Beyond the tolerance no saving is printed, and
the gap is explained: by what is missing on one side, by the models where it is largest, and by the slips that
would close it (cached tokens charged in full, a discount not taken, reasoning counted twice, ...).
"""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl

from router_audit.savings.reprice import total_usd
from router_audit.types.money import Gap, Reconciliation

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

TOLERANCE = Decimal("0.05")
_LARGEST = 5
_CLOSES = Decimal("0.5")
"""A slip explains a gap when it closes at least half of it."""
_CENT = Decimal("0.01")

_SLIPS = (
    ("cache_as_input_pico", "cached tokens were charged as plain input"),
    ("free_cache_pico", "cached tokens were not charged at all"),
    ("no_tier_pico", "the batch or priority price was not applied"),
    ("no_bands_pico", "the long-context price was not applied"),
    ("extra_reasoning_pico", "reasoning tokens were charged on top of the output that includes them"),
    ("no_reasoning_pico", "reasoning tokens were not charged"),
)


def _with_slips(frame: pl.DataFrame) -> pl.DataFrame:
    """What each request would cost under each slip, from its own terms."""
    cache = pl.col("cache_read_pico") + pl.col("cache_write_5m_pico") + pl.col("cache_write_1h_pico")
    cached = pl.col("cache_read_tokens").fill_null(0) + pl.col("cache_write_tokens").fill_null(0)
    plain = (pl.col("input_tokens").fill_null(0) - cached).clip(0)
    # The price of a token is read off the request itself where it has plain input; else nothing is said.
    as_input = pl.when(plain > 0).then(pl.col("prompt_pico") // plain * cached).otherwise(cache)
    cost = pl.col("cost_pico")
    return frame.with_columns(
        (cost - cache + as_input).alias("cache_as_input_pico"),
        (cost - cache).alias("free_cache_pico"),
        (cost - pl.col("service_tier_pico")).alias("no_tier_pico"),
        (cost - pl.col("long_context_pico")).alias("no_bands_pico"),
        (cost + pl.col("reasoning_pico")).alias("extra_reasoning_pico"),
        (cost - pl.col("reasoning_pico")).alias("no_reasoning_pico"),
    )


def _slip(frame: pl.DataFrame, theirs: Decimal, ours: Decimal) -> str:
    """The one slip that closes most of a gap, in words; empty where none closes half of it."""
    gap = abs(theirs - ours)
    left = {said: abs(theirs - total_usd(frame, name)) for name, said in _SLIPS}
    said, rest = min(left.items(), key=lambda item: item[1])
    return said if gap and rest < gap * (1 - _CLOSES) else ""


def _gaps(frame: pl.DataFrame, by: str) -> tuple[Gap, ...]:
    found: list[Gap] = []
    for (key,), part in frame.group_by(by, maintain_order=True):
        ours, theirs = total_usd(part), _logged(part)
        model, day = (str(key), None) if by == "incumbent" else ("", key)
        found.append(Gap(model, day, part.height, ours, theirs, _slip(part, theirs, ours)))
    return tuple(sorted(found, key=lambda gap: (-abs(gap.gap), gap.model, str(gap.day))))


def _logged(frame: pl.DataFrame) -> Decimal:
    total = frame.select(pl.col("logged_cost_usd").cast(pl.Decimal(38, 10)).sum()).item()
    return Decimal(total or 0)


def against_log(frame: pl.DataFrame, tolerance: Decimal = TOLERANCE) -> Reconciliation:
    """Compare a re-priced frame (`reprice`) with its `logged_cost_usd`, per model and per day.

    Give it the prices of each request's own day: yesterday's bill is not to be judged by today's price.
    """
    stated = frame.filter(pl.col("logged_cost_usd").is_not_null())
    both = _with_slips(stated.filter(pl.col("cost_pico").is_not_null()))
    both = both.with_columns(pl.col("started_at").cast(pl.Date).alias("_day"))
    ours, theirs = total_usd(both), _logged(both)
    by_model = _gaps(both, "incumbent")
    said: list[str] = []
    missing = _logged(stated.filter(pl.col("cost_pico").is_null()))
    if missing:
        said.append(f"{_usd(missing)} of logged cost is on requests that have no price here")
    if both.height < frame.height:
        said.append(
            f"{both.height:,} of {frame.height:,} requests could be compared: the others state no cost"
        )
    said += _explained(by_model, ours, theirs)
    return _result("log", ours, theirs, tolerance, both.height, frame, by_model, _gaps(both, "_day"), said)


def against_invoice(
    frame: pl.DataFrame, invoice_usd: Decimal, month: date | None = None, tolerance: Decimal = TOLERANCE
) -> Reconciliation:
    """Compare our cost of the incumbents with an invoice, of one calendar month or of the whole log."""
    part = frame
    said: list[str] = []
    if month is not None:
        first = pl.lit(month).dt.month_start()
        part = frame.filter(pl.col("started_at").cast(pl.Date).dt.month_start() == first)
        days = part["started_at"].cast(pl.Date).n_unique()
        of = int(pl.select(first.dt.month_end().dt.day()).item())
        if days < of:
            said.append(f"the log has requests on {days} of the {of} days of {month:%Y-%m}")
    ours = total_usd(part)
    tokens = part.filter(pl.col("cost_pico").is_null())
    if tokens.height:
        count = int(
            tokens.select(pl.sum_horizontal(pl.col("input_tokens", "output_tokens").sum())).item() or 0
        )
        said.append(
            f"{tokens.height:,} requests with {count:,} tokens have no price here and are not in our cost"
        )
    by_model = tuple(
        Gap(str(key), None, group.height, total_usd(group), Decimal(0))
        for (key,), group in part.filter(pl.col("cost_pico").is_not_null()).group_by("incumbent")
    )
    by_model = tuple(sorted(by_model, key=lambda gap: (-gap.ours, gap.model)))
    if ours < invoice_usd:
        said.append(
            f"{_usd(invoice_usd - ours)} of the invoice is not in the log, or billed at another price"
        )
    else:
        said.append(
            f"the log costs {_usd(ours - invoice_usd)} more at list prices: a contract? put it in --prices"
        )
    said += [
        f"ours is mostly {gap.model}: {_usd(gap.ours)} of {gap.requests:,} requests" for gap in by_model[:2]
    ]
    compared = part.height - tokens.height
    return _result("invoice", ours, invoice_usd, tolerance, compared, part, by_model, (), said)


def _explained(gaps: Sequence[Gap], ours: Decimal, theirs: Decimal) -> list[str]:
    whole = abs(theirs - ours)
    out = []
    for gap in gaps[:_LARGEST]:
        if not gap.gap or abs(gap.gap) < max(_CENT, whole / 20):
            continue
        more = "more" if gap.gap > 0 else "less"
        why = f"; as if {gap.reason}" if gap.reason else ""
        out.append(f"{gap.model}: the log says {_usd(abs(gap.gap))} {more} than {_usd(gap.ours)}{why}")
    return out


def _result(
    against: str,
    ours: Decimal,
    theirs: Decimal,
    tolerance: Decimal,
    compared: int,
    frame: pl.DataFrame,
    by_model: tuple[Gap, ...],
    by_day: tuple[Gap, ...],
    said: Sequence[str],
) -> Reconciliation:
    unpriced = frame.filter(pl.col("cost_pico").is_null())
    volume = unpriced.select(pl.sum_horizontal(pl.col("input_tokens", "output_tokens").sum())).item()
    return Reconciliation(
        against,
        ours,
        theirs,
        tolerance,
        compared,
        unpriced.height,
        int(volume or 0),
        by_model,
        by_day,
        tuple(said),
    )


def _usd(amount: Decimal) -> str:
    return f"{amount:,.2f} USD"


def withheld(checks: Sequence[Reconciliation]) -> str:
    """Why no headline may be printed; empty where every check holds."""
    for check in checks:
        if not check.holds and check.relative is not None:
            return (
                f"our cost of the log, {_usd(check.ours)}, differs from the {check.against}'s "
                f"{_usd(check.theirs)} by {abs(check.relative):.1%}, more than the tolerance of {check.tolerance:.1%}"
            )
    return ""
