"""One bad unit of a record, or of a trace still held, must not take the others with it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from router_audit.adapters.blocks import as_text
from router_audit.adapters.protocol import RecordError
from router_audit.types import Outcome, Rejected

if TYPE_CHECKING:
    from collections.abc import Callable

_SHAPES = (TypeError, AttributeError, KeyError, IndexError, ValueError, OverflowError, RecursionError)
_EXCERPT = 200


def guarded(make: Callable[[], Outcome], unit: Any, *, source: str, file: str, line: int) -> Outcome:
    """What becomes of the unit, or why it could not be read."""
    try:
        return make()
    except RecordError as error:
        reason = str(error)
    except _SHAPES as error:
        reason = f"not the shape of {source} ({type(error).__name__}: {str(error)[:120]})"
    return Rejected(file, line, reason, _excerpt(unit), source)


def _excerpt(unit: Any) -> str:
    try:
        return as_text(unit)[:_EXCERPT]
    except _SHAPES:
        return ""
