"""What changed between two routing tables, and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

WhyKind = Literal[
    "canary", "retired", "price", "new-model", "evidence", "profile-mix", "options", "unexplained"
]
"""What moved a route; `unexplained` where the two documents do not tell."""


@dataclass(frozen=True, slots=True)
class Why:
    """One reason, in words that a reader of the pull request understands."""

    kind: WhyKind
    text: str


@dataclass(frozen=True, slots=True)
class RouteChange:
    """A row of the table that says something else."""

    route: str
    """`profile/context`."""
    old_model: str | None
    """None: requests stay with the model their caller asks for."""
    new_model: str | None
    old_status: str | None
    """None where the old table had no such row."""
    new_status: str | None
    moved: bool
    """Whether its requests go to another model; else only the grounds, the threshold or the rung differ."""
    changed: tuple[str, ...]
    """The fields that differ: `model`, `status`, `threshold`, `escalate_to`."""
    why: tuple[Why, ...]
    requests: int
    """Of the new table's log."""


@dataclass(frozen=True, slots=True)
class PriceMove:
    """A model that both tables price, differently."""

    model: str
    old_input_mtok: float
    new_input_mtok: float
    old_output_mtok: float
    new_output_mtok: float


@dataclass(frozen=True, slots=True)
class Shift:
    """A figure before and after; None where a table states none."""

    name: str
    old: float | None
    new: float | None

    @property
    def difference(self) -> float | None:
        """New less old."""
        return None if self.old is None or self.new is None else self.new - self.old


@dataclass(frozen=True, slots=True)
class TableDiff:
    """Two tables, side by side."""

    old: str
    new: str
    same: bool
    """Whether both say exactly the same, whatever they are called."""
    routes: tuple[RouteChange, ...]
    unchanged: int
    savings: tuple[Shift, ...]
    """USD a month: `p5`, `p50`, `p95`, and `bill`, what the incumbents cost."""
    economy: Shift
    """The economy tier's share of the requests, under each table."""
    mix: tuple[Shift, ...]
    """Each profile's share of the requests, where it moved."""
    prices: tuple[PriceMove, ...]
    new_models: tuple[str, ...]
    """Priced by the new table alone."""
    gone_models: tuple[str, ...]
    """Priced by the old table alone."""

    @property
    def moved(self) -> tuple[RouteChange, ...]:
        """The routes whose requests go elsewhere."""
        return tuple(route for route in self.routes if route.moved)
