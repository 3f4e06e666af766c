"""Model providers: one Client per wire protocol, a budget that is never passed, answers kept as they come.

`client_for` names the providers; `ask_all` runs many calls at once under a budget.
"""

from __future__ import annotations

import os
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import TYPE_CHECKING, Protocol

from router_audit.errors import ModelError
from router_audit.llm.budget import Budget, worst_case_tokens
from router_audit.types.ask import Answer

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from decimal import Decimal

    from router_audit.types.ask import Ask
    from router_audit.types.price import ModelPrice

__all__ = ["Budget", "Client", "ask_all", "client_for", "worst_case_tokens", "worst_case_usd"]

KEYS = {
    "anthropic": "ANTHROPIC_API_KEY",
    "openai": "OPENAI_API_KEY",
    "google": "GEMINI_API_KEY",
    "openrouter": "OPENROUTER_API_KEY",
}
"""Where each provider's key is read from: the environment, and nowhere else."""

BASE_URLS = {
    "google": "https://generativelanguage.googleapis.com/v1beta/openai/",
    "openrouter": "https://openrouter.ai/api/v1",
}
"""OpenAI-compatible endpoints of providers that are not OpenAI, from their own documentation (2026-11)."""


class Client(Protocol):
    """A provider's model, ready to be asked. Thread-safe."""

    provider: str
    model: str
    attempts: int
    """How often the SDK may send one call: each attempt could be billed."""

    def ask(self, ask: Ask) -> Answer:
        """One call with the SDK's own retries; never raises for what a provider can do, and never without cost."""
        ...


def client_for(
    provider: str, model: str, *, base_url: str | None = None, timeout_s: float = 120.0, max_retries: int = 4
) -> Client:
    """The client of a provider: Anthropic's own SDK, else OpenAI's at the provider's or the given base URL.

    Raises ModelError where the key is not in the environment (a base URL on loopback needs none).
    """
    key = os.environ.get(KEYS.get(provider, "OPENAI_API_KEY"), "")
    if provider == "anthropic":
        from router_audit.llm.anthropic import AnthropicClient

        url = base_url or os.environ.get("ANTHROPIC_BASE_URL")
        return AnthropicClient(model, _key(provider, key, url), url, timeout_s, max_retries)
    from router_audit.llm.openai_compatible import OpenAIClient

    url = base_url or (os.environ.get("OPENAI_BASE_URL") if provider == "openai" else BASE_URLS.get(provider))
    if url is None and provider != "openai":
        raise ModelError(f"no address is known for provider {provider!r}; pass --base-url", where=provider)
    return OpenAIClient(provider, model, _key(provider, key, url), url, timeout_s, max_retries)


def _key(provider: str, key: str, url: str | None) -> str:
    if key:
        return key
    if url and any(host in url for host in ("//127.0.0.1", "//localhost", "//[::1]")):
        return "none"
    name = KEYS.get(provider, "OPENAI_API_KEY")
    raise ModelError(f"set {name} in the environment", where=provider)


def worst_case_usd(ask: Ask, price: ModelPrice) -> Decimal:
    """The most one attempt of this call can cost: every input token written to the cache, every output token used."""
    tokens = worst_case_tokens(ask)
    rates = [price.rates, *(band.rates for band in price.bands)]
    dearest_in = max(max(rate.input_mtok, rate.cache_write_mtok or rate.input_mtok) for rate in rates)
    dearest_out = max(max(rate.output_mtok, rate.reasoning_mtok or rate.output_mtok) for rate in rates)
    return (dearest_in * tokens + dearest_out * ask.max_tokens) / 1_000_000


def ask_all(
    client: Client, asks: Iterable[Ask], price: ModelPrice, budget: Budget, *, concurrency: int = 8
) -> Iterator[tuple[Ask, Answer]]:
    """Put many calls, `concurrency` at a time, and yield each answer as soon as it is there.

    The worst case of a call, every retry billed, is reserved before it leaves; a call the budget cannot hold
    is not made and comes back `unaffordable`. An answer that never came whole may have been billed all the
    same: it is booked at the worst case of one attempt. Stopping the iteration lets the calls under way finish and starts no other.
    """
    waiting = iter(asks)
    with ThreadPoolExecutor(max_workers=concurrency) as pool:
        under_way: dict[Future[Answer], tuple[Ask, Decimal]] = {}
        exhausted = False
        while True:
            while not exhausted and len(under_way) < concurrency:
                ask = next(waiting, None)
                if ask is None:
                    exhausted = True
                    break
                most = worst_case_usd(ask, price) * client.attempts
                if not budget.reserve(most):
                    yield ask, Answer("unaffordable", reason="the budget cannot hold its worst case")
                    continue
                under_way[pool.submit(client.ask, ask)] = (ask, most)
            if not under_way:
                return
            finished, _ = wait(under_way, return_when=FIRST_COMPLETED)
            for future in finished:
                ask, most = under_way.pop(future)
                answer = _costed(future.result(), price)
                lost = (
                    answer.status in {"error", "malformed"}
                    and not answer.output_tokens
                    and not answer.billed_nothing
                )
                budget.settle(most, most / client.attempts if lost else answer.cost_usd)
                yield ask, answer


def _costed(answer: Answer, price: ModelPrice) -> Answer:
    from dataclasses import replace

    uncached = max(answer.input_tokens - answer.cache_read_tokens - answer.cache_write_tokens, 0)
    read = price.cache_read_mtok if price.cache_read_mtok is not None else price.input_mtok
    write = price.cache_write_mtok if price.cache_write_mtok is not None else price.input_mtok
    cost = (
        price.input_mtok * uncached
        + read * answer.cache_read_tokens
        + write * answer.cache_write_tokens
        + price.output_mtok * answer.output_tokens
    ) / 1_000_000
    return replace(answer, cost_usd=cost)
