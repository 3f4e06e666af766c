"""From the typed summary to a page, to Markdown for a pull request, or to JSON. Pure, and no arithmetic."""

from router_audit.render.document import as_document, to_json
from router_audit.render.markdown import markdown
from router_audit.render.page import html
from router_audit.summary.words import bound_in_words, percent, usd, verdict

__all__ = ["as_document", "bound_in_words", "html", "markdown", "percent", "to_json", "usd", "verdict"]
