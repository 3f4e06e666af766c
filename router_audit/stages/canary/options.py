"""What a user may settle about the canary."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING

from router_audit.files.tables import TABLES
from router_audit.types import HUGE_CONTEXT_TOKENS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date
    from pathlib import Path

MARGIN = 0.02
"""Mean harm that is put up with, as a share of requests."""
ALPHA = 0.05
"""Chance, over all days and routes, of an alarm where no route harms."""
EFFECT = 0.05
"""Harm that the figures on what the canary can see are about."""


@dataclass(frozen=True, slots=True)
class CanaryOptions:
    """How pairs are graded and tested."""

    today: date
    """Day of the pairs whose own day nobody knows."""
    tables: Path = TABLES
    margin: float = MARGIN
    alpha: float = ALPHA
    effect: float = EFFECT
    revert: bool = False
    huge_context_tokens: int = HUGE_CONTEXT_TOKENS
    judge: str | None = None
    """`provider/model` that grades what no rule can, and re-grades the anchor set."""
    allow_own_family: bool = False
    budget_usd: Decimal = Decimal(1)
    prices: Path | None = None
    base_urls: Mapping[str, str] = field(default_factory=dict)
