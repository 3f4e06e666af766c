"""From the typed summary to a page, to Markdown for a pull request, or to JSON. Pure, and no arithmetic."""

from router_audit.render.document import as_document, at, to_json
from router_audit.render.markdown import markdown
from router_audit.render.page import html
from router_audit.render.routes import route_rows
from router_audit.summary.words import bound_in_words, percent, usd, verdict

__all__ = [
    "as_document",
    "at",
    "bound_in_words",
    "html",
    "markdown",
    "percent",
    "route_rows",
    "to_json",
    "usd",
    "verdict",
]
