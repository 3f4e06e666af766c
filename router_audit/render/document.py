"""The summary as JSON, and how a place in it is named."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from router_audit.types.report import Summary


def as_document(summary: Summary) -> dict[str, Any]:
    """The summary as plain objects and lists; amounts stay `Decimal`."""
    import msgspec

    found: dict[str, Any] = msgspec.to_builtins(summary, builtin_types=(Decimal,))
    return found


def to_json(summary: Summary) -> str:
    """The summary as a JSON file: the same summary gives the same bytes."""
    import msgspec

    text = msgspec.json.Encoder(decimal_format="number").encode(as_document(summary))
    return msgspec.json.format(text, indent=2).decode() + "\n"


def at(document: Any, path: str) -> Any:
    """What stands at a dotted path such as `by_model.0.cost_usd`; KeyError where nothing does."""
    found = document
    for step in path.split("."):
        try:
            found = found[int(step)] if isinstance(found, list | tuple) else found[step]
        except (IndexError, TypeError, ValueError):
            raise KeyError(path) from None
    return found
