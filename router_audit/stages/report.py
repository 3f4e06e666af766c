"""From the newest table and the store to the report."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from router_audit.files.tables import TABLES, newest_table, read_table
from router_audit.files.writing import write_whole
from router_audit.pricing import load_prices
from router_audit.projection import mean_costs_usd
from router_audit.recipe.structure import FEATURE_NAMES
from router_audit.render import html, markdown, to_json
from router_audit.savings import monthly, total_usd, window
from router_audit.stages.audited import audited
from router_audit.stages.followed import followed
from router_audit.summary import (
    already_routed,
    canary_lines,
    crossings,
    example_of,
    lay_out,
    over_time,
    shares,
    token_kinds,
    typical_requests,
    unknowns,
    verdict,
)
from router_audit.summary.traffic_map import MOST_POINTS
from router_audit.summary.unknowns import Gaps
from router_audit.types.price import ModelPrice
from router_audit.types.report import Summary

if TYPE_CHECKING:
    from router_audit.pricing import PriceBook
    from router_audit.stages.audited import Audited
    from router_audit.store import Store
    from router_audit.types import RoutingTable
    from router_audit.types.report import Example, TrafficMap
    from router_audit.types.track import Track

REPORTS = Path("reports")
Format = Literal["html", "md", "json"]
FORMATS: tuple[Format, ...] = ("html", "md", "json")

LABEL_TOKENS = (600, 30)
"""Input and output tokens that labelling one content takes, about."""

_SAMPLE = 20_000
"""Requests that an expected cost is averaged over."""


@dataclass(frozen=True, slots=True)
class ReportOptions:
    """Which table to report on, in which form, and where to."""

    table: Path | None = None
    """None takes the newest of `tables`."""
    tables: Path = TABLES
    folder: Path = REPORTS
    last: int | None = None
    prices: Path | None = None
    format: Format = "html"
    redact_examples: bool = False


@dataclass(frozen=True, slots=True)
class ReportResult:
    """The report and what it says."""

    path: Path
    summary: Summary


def report(store: Store, options: ReportOptions) -> ReportResult:
    """Write `reports/vNNNN.html` (or .md, .json) for a table; the same table and store give the same bytes.

    Raises InputError where there is no table or it is not sound, UserError on an empty store.
    """
    table = read_table(options.table or newest_table(options.tables))
    summary = summarise(
        store, table, last=options.last, prices=options.prices, redact=options.redact_examples
    )
    path = options.folder / f"{table['version']}.{options.format}"
    text = {"html": html, "md": markdown, "json": to_json}[options.format](summary)
    if not path.is_file() or path.read_text("utf-8") != text:
        write_whole(path, text)
    return ReportResult(path, summary)


def summarise(
    store: Store, table: RoutingTable, *, last: int | None, prices: Path | None, redact: bool = False
) -> Summary:
    """The figures of the report, at the table's own prices date."""
    book = load_prices(prices)
    seen = audited(
        store,
        book,
        last=last,
        huge_context_tokens=table["huge_context_tokens"],
        as_of=date.fromisoformat(table["prices"]["as_of"]),
    )
    span = window(seen.frame)
    spend = total_usd(seen.frame)
    logged = seen.frame["logged_cost_usd"].drop_nulls()
    periods, period = over_time(seen.frame)
    return Summary(
        table=table,
        verdict=verdict(table, seen.frame.height),
        requests=seen.frame.height,
        first_at=span.first.isoformat() if span.first else None,
        last_at=span.last.isoformat() if span.last else None,
        spend_usd=spend,
        spend_per_month_usd=monthly(spend, span),
        by_model=shares(seen.frame, "price_key", missing="no model named"),
        by_profile=shares(seen.frame, "profile", missing="not tagged"),
        by_source=shares(seen.frame, "source", missing="unknown"),
        unknowns=unknowns(table, _gaps(store, seen, table, book)),
        over_time=periods,
        period=period,
        crossings=crossings(seen.frame),
        token_kinds=token_kinds(seen.frame),
        examples=_examples(store, seen, redact=redact),
        canary=canary_lines(
            store.query("canary_days"), sum(1 for route in table["routes"] if route["applied"])
        ),
        traffic_map=_map(store, seen, redact=redact),
        track=_course(store, table, book),
        logged_cost_usd=Decimal(str(logged.sum())) if len(logged) else None,
        already_routed=already_routed(seen.frame),
    )


def _gaps(store: Store, seen: Audited, table: RoutingTable, book: PriceBook) -> Gaps:
    cheapest = next((rung["model"] for rung in table["ladder"]["models"]), None)
    price = book.resolve_ref(cheapest, seen.as_of) if cheapest else None
    answers: dict[str, float] = {}
    label: Decimal | None = None
    if isinstance(price, ModelPrice):
        every = max(1, seen.frame.height // _SAMPLE)
        found = mean_costs_usd(seen.frame.gather_every(every), {price.ref: price})
        answers = {f"{profile}/{context}": cost for ((profile, context), _), cost in found.items()}
        given, said = LABEL_TOKENS
        label = (price.input_mtok * given + price.output_mtok * said) / 1_000_000
    untagged = int(seen.frame["profile"].null_count())
    contents = store.query("untagged_contents", classifier=seen.classifier or "") if untagged else None
    return Gaps(
        rejects=tuple(
            (row["reason"], row["rejects"], f"{Path(row['file']).name}:{row['line']}")
            for row in store.query("reject_reasons").iter_rows(named=True)
        ),
        unpriced=tuple(
            (
                "/".join(part for part in (name.provider, name.model) if part) or "no model named",
                name.reason,
                requests,
            )
            for name, requests in sorted(seen.unresolved, key=lambda pair: -pair[1])
        ),
        untagged=untagged,
        untagged_contents=int(contents["contents"][0]) if contents is not None else 0,
        label_usd=label,
        answer_usd=answers,
        undated=int(seen.frame["started_at"].null_count()),
    )


def _course(store: Store, table: RoutingTable, book: PriceBook) -> Track | None:
    from router_audit.month.tracking import period_for, track

    frame = followed(store, book, table["ladder"], huge_context_tokens=table["huge_context_tokens"])
    return None if frame.is_empty() else track(frame, period_for(frame))


def _examples(store: Store, seen: Audited, *, redact: bool) -> tuple[Example, ...]:
    chosen = typical_requests(seen.frame)
    if not chosen:
        return ()
    rows = store.query("examples", names=sorted(chosen))
    found = [example_of(row, *chosen[row["request_id"]], redact=redact) for row in rows.iter_rows(named=True)]
    return tuple(sorted(found, key=lambda example: (example.route, -example.like_it, example.where)))


def _map(store: Store, seen: Audited, *, redact: bool) -> TrafficMap | None:
    sample = store.query(
        "map_contents", points=MOST_POINTS, encoder=seen.encoder or "", classifier=seen.classifier or ""
    )
    if sample.is_empty():
        return None
    names: dict[str, str] = {}
    if not redact:
        names = dict(
            store.query(
                "template_systems", templates=sorted(set(sample["template_id"].to_list()))
            ).iter_rows()
        )
    width = len(sample["vector"][0])
    skip = len(FEATURE_NAMES) if width > len(FEATURE_NAMES) + 2 else 0
    return lay_out(sample, names, int(sample["contents"][0]), skip=skip)
