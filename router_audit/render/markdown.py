"""The report for a pull request: GitHub's Markdown, everything from a log escaped."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from router_audit.render.charts.svg import model_name
from router_audit.render.routes import route_rows
from router_audit.summary.words import percent, usd

if TYPE_CHECKING:
    from collections.abc import Iterable

    from router_audit.types.report import Summary

_SPECIAL = re.compile(r"([\\`*_{}\[\]()#+!|~:])")


def markdown(summary: Summary) -> str:
    """The first screen, the routes and what is not known."""
    table, savings = summary.table, summary.table["savings"]
    per_month = savings["per_month_usd"]
    lines = [
        f"## Routing table {table['version']}",
        "",
        f"**{summary.verdict}**",
        "",
        *_rows(
            ("", ""),
            [
                ("requests", f"{summary.requests:,}"),
                ("window", f"{(summary.first_at or '–')[:10]} to {(summary.last_at or '–')[:10]}"),
                ("spend, a month", usd(summary.spend_per_month_usd)),
                (
                    "saving, a month",
                    f"withheld: {_safe(savings['withheld'])}"
                    if savings.get("withheld")
                    else f"{usd(per_month.get('p50'))} ({usd(per_month.get('p5'))} to {usd(per_month.get('p95'))})",
                ),
                ("of it on certified routes", percent(savings["certified_share"])),
                (
                    "economy tier",
                    " today, then ".join(
                        percent(table["economy_share"][when]) for when in ("before", "after")
                    ),
                ),
            ],
        ),
        "",
        "### Routes",
        "",
        *_rows(
            ("profile", "today", "proposed", "status", "below the threshold", "requests"),
            [
                (
                    row.name,
                    _code(model_name(row.route["incumbent"] or "–")),
                    _code(model_name(row.route["model"])) if row.route["applied"] else "as asked",
                    f"{row.status}{': ' + row.bound if row.bound else ''}",
                    f"{_code(model_name(row.route['escalate_to']))} under {row.route['threshold']:g}"
                    if row.route["escalate_to"] and row.route["threshold"]
                    else "–",
                    percent(row.requests_share),
                )
                for row in route_rows(summary)
            ],
        ),
        "",
        "### What we do not know",
        "",
    ]
    if summary.unknowns:
        lines += _rows(
            ("what", "count", "settled by", "about"),
            [
                (
                    _safe(item.what),
                    f"{item.count:,} {item.of[:-1] if item.count == 1 else item.of}",
                    _code(item.settle) if item.settle else "–",
                    "free" if item.price_usd == 0 else usd(item.price_usd),
                )
                for item in summary.unknowns
            ],
        )
    else:
        lines.append("Every record was read, priced, tagged and proven.")
    stated = (
        f"Prices of {table['prices']['as_of']} ({_safe(table['prices']['source'])}); regret tolerated "
        f"{percent(table['epsilon'])}, chance of a false certificate {percent(table['delta'])}; "
        f"`{table['digest']}`."
    )
    lines += ["", stated, ""]
    return "\n".join(lines)


def _rows(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> list[str]:
    return [
        "| " + " | ".join(head) + " |",
        "|" + "---|" * len(head),
        *("| " + " | ".join(row) + " |" for row in rows),
    ]


def _safe(words: str) -> str:
    from html import escape

    flat = escape(_SPECIAL.sub(r"\\\1", " ".join(words.split())), quote=False)
    return flat.replace("@", "@<!-- -->")  # else GitHub would call a person


def _code(words: str) -> str:
    return "`" + " ".join(words.replace("`", "'").replace("|", "¦").split()) + "`"
