"""Any model behind an OpenAI-compatible address as a labeller: Ollama, vLLM, LiteLLM, OpenRouter, OpenAI itself."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from router_audit.errors import ModelError
from router_audit.llm import client_for

if TYPE_CHECKING:
    from router_audit.llm import Client

NAME = "openai-compatible"
DEFAULT_MODEL: str | None = None
BATCHES = False


def client(model: str, base_url: str | None, *, timeout_s: float, max_retries: int) -> Client:
    """The model, ready to be asked. Raises ModelError without an address, or without OPENAI_API_KEY off loopback."""
    if base_url is None and not os.environ.get("OPENAI_BASE_URL"):
        raise ModelError(
            "no address is known; pass --base-url, e.g. http://localhost:11434/v1 for Ollama", where=NAME
        )
    url = base_url or os.environ.get("OPENAI_BASE_URL")
    return client_for(NAME, model, base_url=url, timeout_s=timeout_s, max_retries=max_retries)
