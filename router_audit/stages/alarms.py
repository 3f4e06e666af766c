"""Canary alarms that stand, for whatever writes a table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import date

    from router_audit.store import Store


@dataclass(frozen=True, slots=True)
class Alarm:
    """One alarm: evidence, once there, stays until somebody lifts it."""

    route: str
    """`profile/context`."""
    model: str
    epoch: int
    day: date
    """Of the pairs that raised it."""
    e_value: float
    harms: int
    gains: int
    pairs: int
    margin: float
    alpha: float
    cleared: str | None

    @property
    def why(self) -> str:
        """In words, for the row of a table that it bars."""
        return (
            f"{self.model} failed {self.harms} of {self.pairs} pairs that the premium tier did not, "
            f"and did {self.gains} that it failed (e-value {self.e_value:.3g} on {self.day}); "
            "`canary clear` lifts this"
        )


def alarms(store: Store) -> tuple[Alarm, ...]:
    """Every alarm, oldest first."""
    return tuple(Alarm(**row) for row in store.query("canary_alarms").iter_rows(named=True))


def standing_alarms(store: Store) -> dict[tuple[str, str], str]:
    """(`profile/context`, model) of each alarm that was not lifted, to why it was raised."""
    return {(alarm.route, alarm.model): alarm.why for alarm in alarms(store) if alarm.cleared is None}
