"""A spending limit that holds under concurrency: the worst case is set aside before a call leaves."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router_audit.types.ask import Ask


@dataclass(slots=True)
class Budget:
    """USD that may be spent, what is set aside and what is gone."""

    limit_usd: Decimal
    spent_usd: Decimal = Decimal(0)
    reserved_usd: Decimal = Decimal(0)
    _lock: Lock = field(default_factory=Lock, repr=False)

    def reserve(self, amount_usd: Decimal) -> bool:
        """Set an amount aside; False, and nothing set aside, where the limit could be passed."""
        with self._lock:
            if self.spent_usd + self.reserved_usd + amount_usd > self.limit_usd:
                return False
            self.reserved_usd += amount_usd
            return True

    def settle(self, reserved_usd: Decimal, cost_usd: Decimal) -> None:
        """Give a reservation back and book what the call really cost."""
        with self._lock:
            self.reserved_usd -= reserved_usd
            self.spent_usd += cost_usd

    @property
    def left_usd(self) -> Decimal:
        """What is neither spent nor set aside."""
        with self._lock:
            return self.limit_usd - self.spent_usd - self.reserved_usd


def worst_case_tokens(ask: Ask) -> int:
    """An upper bound of a call's input tokens: one per UTF-8 byte of everything sent, plus a margin.

    No byte-level tokenizer makes more tokens than there are bytes; the margin covers what a provider wraps
    around messages and tools (a few hundred tokens for tool use).
    """
    sent = json.dumps([ask.system, ask.messages, ask.tools, ask.response_schema], ensure_ascii=False)
    return len(sent.encode("utf-8", "replace")) + 600
