"""What a monthly re-tune found, decided and wrote."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import date
    from decimal import Decimal

GateName = Literal["verify", "reconciliation", "certified", "regress", "retirement", "canary"]
RetuneOutcome = Literal["no change", "new version", "would write", "refused"]
"""`would write`: a dry run whose gates all passed."""


@dataclass(frozen=True, slots=True)
class Gate:
    """One check that a new table must pass."""

    name: GateName
    passed: bool
    text: str
    """What was found, in words; for a refusal also what to do."""


@dataclass(frozen=True, slots=True)
class ProfileTest:
    """What it would cost to try a model on one row of the table."""

    route: str
    trials: int
    """Without a regret, enough for a certificate."""
    cost_usd: Decimal
    saving_per_request: float
    """Share of the incumbents' cost that the model would save, from prices alone; nothing is said of its quality."""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A model that the price list did not know when the last table was made."""

    model: str
    input_mtok: Decimal
    output_mtok: Decimal
    tests: tuple[ProfileTest, ...]
    """Rows on which it would be cheaper than the incumbents; empty where it would nowhere."""
    cost_usd: Decimal
    """Of all those tests."""


@dataclass(frozen=True, slots=True)
class Retiring:
    """A model of the table that its provider stops, or has stopped, selling."""

    model: str
    roles: tuple[str, ...]
    """Where the table uses it: `ROUTE`, `ROUTE escalation`, `canary`."""
    on: date | None
    """None where it is deprecated without a date, or has no price any more."""
    text: str
