"""What the page's sliders need: every setting's table and saving, computed beforehand by the same functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from router_audit.types.report import Summary


def explorer_data(summary: Summary) -> dict[str, Any] | None:
    """The table's `what_if` block; None where it has none, or only one answer."""
    found: dict[str, Any] | None = summary.table["savings"].get("what_if")
    return found if found and len(found["answers"]) > 1 else None


def by_epsilon(found: dict[str, Any]) -> tuple[tuple[float, int], ...]:
    """(tolerated regret, its answer) at the table's own latency limit and canary share."""
    _, limit, share = found["start"]
    return tuple((epsilon, found["grid"][n][limit][share]) for n, epsilon in enumerate(found["epsilons"]))
