"""Claude as a labeller, by Anthropic's own SDK: forced answer, cached instruction, batches where there is time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router_audit.llm import client_for

if TYPE_CHECKING:
    from router_audit.llm import Client

NAME = "anthropic"
DEFAULT_MODEL: str | None = "claude-haiku-4-5"
BATCHES = True


def client(model: str, base_url: str | None, *, timeout_s: float, max_retries: int) -> Client:
    """The model, ready to be asked. Raises ModelError without ANTHROPIC_API_KEY."""
    return client_for("anthropic", model, base_url=base_url, timeout_s=timeout_s, max_retries=max_retries)
