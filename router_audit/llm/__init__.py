"""Model providers: one Client per wire protocol, a budget that is never passed, answers kept as they come.

`client_for` names the providers; `ask_all` runs many calls at once under a budget, `batching` runs them in
Anthropic's Message Batches.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Protocol
from urllib.parse import urlsplit

from router_audit.errors import ModelError
from router_audit.llm.budget import Budget, cost_usd, likely_usd, worst_case_tokens, worst_case_usd
from router_audit.llm.concurrent import ask_all

if TYPE_CHECKING:
    from collections.abc import Callable

    from router_audit.types.ask import Answer, Ask

__all__ = [
    "Budget",
    "Client",
    "ask_all",
    "client_for",
    "cost_usd",
    "likely_usd",
    "on_loopback",
    "worst_case_tokens",
    "worst_case_usd",
]

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
    origin: str
    """The provider, with the address where it is not the provider's own: part of an answer's identity."""
    host: str
    """Where prompts go, as a plan shows it."""

    def ask(self, ask: Ask, permit: Callable[[], bool] | None = None) -> Answer:
        """One call with the SDK's own retries; never raises for what a provider can do.

        The caller has set the worst case of one attempt aside. `permit` is asked to do so once more before a
        retry of an attempt that may have been billed; where it says no, there is no such retry.
        """
        ...

    def close(self) -> None:
        """Close the connections."""
        ...


def client_for(
    provider: str, model: str, *, base_url: str | None = None, timeout_s: float = 120.0, max_retries: int = 4
) -> Client:
    """The client of a provider: Anthropic's own SDK, else OpenAI's at the provider's or the given base URL.

    Raises ModelError where the key is not in the environment (a base URL on loopback needs none).
    """
    if base_url is not None and urlsplit(base_url).scheme not in {"http", "https"}:
        raise ModelError("is no address; write http://HOST:PORT/v1", where=f"--base-url {base_url}")
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
    if on_loopback(url):
        return "none"
    name = KEYS.get(provider, "OPENAI_API_KEY")
    raise ModelError(f"set {name} in the environment", where=provider)


def on_loopback(url: str | None) -> bool:
    """Whether an address is of this machine."""
    return url is not None and urlsplit(url).hostname in {"127.0.0.1", "localhost", "::1"}
