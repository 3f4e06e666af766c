"""The report as one HTML file: no network, readable without its script, everything from a log escaped."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from router_audit.render import charts
from router_audit.render.charts import Money
from router_audit.render.course import course_table
from router_audit.render.document import as_document, at
from router_audit.render.explorer import by_epsilon, explorer_data
from router_audit.render.routes import VERDICTS, route_rows
from router_audit.summary.words import percent, usd

if TYPE_CHECKING:
    from datetime import datetime
    from decimal import Decimal

    from jinja2 import Environment
    from markupsafe import Markup

    from router_audit.types.report import Summary


LONGEST_CELL = 120

_UNSEEN = {
    code: None
    for low, high in (
        (0x00, 0x08),
        (0x0B, 0x1F),
        (0x7F, 0x9F),
        (0x200B, 0x200F),
        (0x202A, 0x202E),
        (0x2060, 0x2069),
    )
    for code in range(low, high + 1)
} | {0xFEFF: None}
"""Characters that no reader sees and that turn the direction of writing or hide a word."""


def html(summary: Summary) -> str:
    """The page. Its security policy allows nothing but its own style and its own script, both by hash."""
    from markupsafe import Markup

    document = as_document(summary)

    def money(path: str) -> Markup:
        return _amount(at(document, path), path)

    def cell(value: str | int | Money) -> Any:
        if isinstance(value, Money):
            return _amount(at(document, value.at), value.at)
        return count(value) if isinstance(value, int) else charts.shortened(value, LONGEST_CELL)

    style, script = _own("report.css"), _own("report.js")
    explorer = explorer_data(summary)
    page: str = (
        _environment()
        .get_template("report.html")
        .render(
            s=summary,
            t=summary.table,
            routes=route_rows(summary),
            course=course_table(summary),
            verdicts=VERDICTS,
            money=money,
            cell=cell,
            pictures=_pictures(summary),
            explorer=explorer,
            explorer_by_epsilon=by_epsilon(explorer) if explorer else (),
            explorer_json=Markup(_inert(explorer)) if explorer else "",  # noqa: S704  `<` and `&` are escaped
            style=Markup(style),  # noqa: S704  our own file, not the log's
            script=Markup(script),  # noqa: S704  our own file, not the log's
            style_hash=_hash(style),
            script_hash=_hash(script),
        )
    )
    return page.translate(_UNSEEN)


def _pictures(summary: Summary) -> dict[str, Any]:
    """Every picture there is data for, by section."""
    sections = {
        "money": (
            charts.waterfall(summary),
            charts.spend_over_time(summary),
        ),
        "alternatives": (charts.trilemma(summary), charts.saving_by_route(summary)),
        "work": (*charts.heatmaps(summary), charts.landscape(summary), charts.token_split(summary)),
        "proof": (*charts.risk_coverage(summary), charts.canary(summary)),
        "course": charts.course(summary),
        "limits": (charts.capacity(summary),),
    }
    return {name: [chart for chart in found if chart is not None] for name, found in sections.items()}


def _environment() -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        loader=PackageLoader("router_audit"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        usd=usd,
        percent=percent,
        count=count,
        day=day,
        plain_name=charts.plain_name,
        drawn=lambda chart: Markup(chart.svg),  # noqa: S704  every word in it was escaped when it was drawn
    )
    return environment


def _own(name: str) -> str:
    return (files("router_audit") / "templates" / name).read_text("utf-8")


def _hash(text: str) -> str:
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def _inert(data: Any) -> str:
    """JSON that cannot end the element it stands in."""
    import json

    text = json.dumps(data, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _amount(value: Decimal | float | None, path: str) -> Markup:
    """An amount that carries its exact value and its place in the JSON report."""
    from markupsafe import Markup

    if value is None:
        return Markup("–")
    return Markup('<data class="usd" value="{}" data-of="{}">{}</data>').format(value, path, usd(value))


def count(value: int) -> str:
    """A whole number with thousands separators."""
    return f"{value:,}"


def day(value: str | datetime | None) -> str:
    """The date of an ISO timestamp."""
    return "–" if value is None else str(value)[:10]
