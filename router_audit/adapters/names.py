"""Providers and models by the names that logs give them."""

from __future__ import annotations

import re
from typing import Any

_PROVIDERS = (
    ("azure", "azure"),
    ("bedrock", "aws"),
    ("aws", "aws"),
    ("amazon", "aws"),
    ("openrouter", "openrouter"),
    ("anthropic", "anthropic"),
    ("claude", "anthropic"),
    ("openai", "openai"),
    ("vertex", "google"),
    ("google", "google"),
    ("gemini", "google"),
    ("gcp", "google"),
    ("mistral", "mistral"),
    ("groq", "groq"),
    ("deepseek", "deepseek"),
    ("xai", "x-ai"),
    ("x_ai", "x-ai"),
    ("x-ai", "x-ai"),
    ("together", "together"),
    ("fireworks", "fireworks"),
    ("cohere", "cohere"),
    ("cerebras", "cerebras"),
    ("perplexity", "perplexity"),
    ("ollama", "ollama"),
)


def provider_named(*stated: Any) -> str | None:
    """A provider as a log calls it (`OPENAI`, `openai.responses`, `gcp.vertex_ai`), in our word."""
    for value in stated:
        if isinstance(value, str) and value:
            lowered = value.lower()
            return next((word for part, word in _PROVIDERS if part in lowered), lowered)
    return None


def bare_model(value: Any) -> str | None:
    """A model name without the path a cloud puts before it."""
    stated = text_or_none(value)
    if stated and stated.startswith(("projects/", "models/", "arn:", "publishers/")):
        return stated.rsplit("/", 1)[-1]
    return stated


def text_or_none(value: Any) -> str | None:
    """A non-empty text or number as text."""
    if isinstance(value, str):
        return value or None
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def region_in(path: Any) -> str | None:
    """The region in a cloud's resource path."""
    found = re.search(r"/locations/([a-z0-9-]+)/", path) if isinstance(path, str) else None
    return found[1] if found else None


def provider_in_model(model: Any) -> str | None:
    """The provider in the path before a model's name (`bedrock/...`, `projects/.../publishers/google/...`)."""
    path = model.rpartition("/")[0].lower() if isinstance(model, str) else ""
    return next((word for part, word in _PROVIDERS if part in path), None)
