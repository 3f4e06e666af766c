"""A spending limit that holds under concurrency: the worst case is set aside before a call leaves."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from threading import Lock
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router_audit.types.ask import Answer, Ask
    from router_audit.types.price import ModelPrice


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
    around messages, and around tools (Anthropic's documentation lists up to 530 tokens).
    """
    sent = json.dumps([ask.system, ask.messages, ask.tools, ask.response_schema], ensure_ascii=False)
    return len(sent.encode("utf-8", "replace")) + (1000 if ask.tools or ask.response_schema else 200)


def likely_tokens(ask: Ask) -> int:
    """About how many input tokens a call has, for a plan: four bytes a token, and what tools are wrapped in."""
    sent = json.dumps([ask.system, ask.messages, ask.tools, ask.response_schema], ensure_ascii=False)
    return len(sent.encode("utf-8", "replace")) // 4 + (350 if ask.tools else 10)


def worst_case_usd(ask: Ask, price: ModelPrice) -> Decimal:
    """The most one attempt of this call can cost: every input token written to the cache, every output token used."""
    tokens = worst_case_tokens(ask)
    rates = [price.rates, *(band.rates for band in price.bands)]
    dearest_in = max(max(rate.input_mtok, rate.cache_write_mtok or rate.input_mtok) for rate in rates)
    dearest_out = max(max(rate.output_mtok, rate.reasoning_mtok or rate.output_mtok) for rate in rates)
    return (dearest_in * tokens + dearest_out * ask.max_tokens) / 1_000_000 + _fee_usd(price)


def likely_usd(ask: Ask, price: ModelPrice) -> Decimal:
    """About what this call will cost, without caching and with every output token used."""
    input_usd = price.input_mtok * likely_tokens(ask)
    return (input_usd + price.output_mtok * ask.max_tokens) / 1_000_000 + _fee_usd(price)


def cost_usd(answer: Answer, price: ModelPrice) -> Decimal:
    """What the tokens of an answer cost; the band of its whole input decides the rates."""
    if not answer.input_tokens and not answer.output_tokens:
        return Decimal(0)
    rates = price.rates
    for band in price.bands:
        if answer.input_tokens > band.over_input_tokens:
            rates = band.rates
    read = rates.input_mtok if rates.cache_read_mtok is None else rates.cache_read_mtok
    write = rates.input_mtok if rates.cache_write_mtok is None else rates.cache_write_mtok
    plain = max(answer.input_tokens - answer.cache_read_tokens - answer.cache_write_tokens, 0)
    tokens_usd = (
        rates.input_mtok * plain
        + read * answer.cache_read_tokens
        + write * answer.cache_write_tokens
        + rates.output_mtok * answer.output_tokens
    )
    return tokens_usd / 1_000_000 + _fee_usd(price)


def _fee_usd(price: ModelPrice) -> Decimal:
    return Decimal(price.request_fee_pico) / 1_000_000_000_000
