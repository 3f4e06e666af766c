"""Whether the table beats what anyone could do without it; where it does not save, "do not route" wins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from router_audit.types.money import Control


@dataclass(frozen=True, slots=True)
class ControlsVerdict:
    """The table beside each control."""

    beats: tuple[tuple[str, bool | None], ...]
    """By control; None where no trial says how often it would fail."""
    do_not_route: str
    """Why nothing should be routed; empty where something may."""

    @property
    def content(self) -> dict[str, Any]:
        """As the table holds it."""
        return {"beats": dict(self.beats), "do_not_route": self.do_not_route or None}


def controls_verdict(controls: Sequence[Control]) -> ControlsVerdict:
    """The table against the incumbents (by money), and against the others (by money and by regret).

    A control is beaten where the table costs less, or fails less at no more cost: the best single model by
    either; all-cheapest, which nothing undercuts, by failing less; the random split, which costs the same, by
    failing less. Incumbents have no regret by definition, so only money can beat them. Raises KeyError where a
    control is missing.
    """
    named = {control.name: control for control in controls}
    table, incumbent = named["table"], named["incumbent"]
    moved = table.saving_per_month != 0 or table.cost_per_month != incumbent.cost_per_month
    single = named["best-single"]
    beats = (
        ("incumbent", table.saving_per_month > 0),
        ("best-single", True if table.cost_per_month < single.cost_per_month else _fails_less(table, single)),
        ("all-cheapest", _fails_less(table, named["all-cheapest"])),
        ("random-split", _fails_less(table, named["random-split"])),
    )
    reason = ""
    if moved and table.saving_per_month <= 0:
        reason = "routing would cost no less than the models that serve these requests today"
    return ControlsVerdict(beats, reason)


def _fails_less(table: Control, other: Control) -> bool | None:
    if table.regret is None or other.regret is None:
        return None
    return table.regret < other.regret
