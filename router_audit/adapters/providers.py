"""Exchanges with providers that speak OpenAI's dialect or their own: DeepSeek, Groq, Mistral, xAI, Cohere and others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router_audit.adapters.dialects import logged
from router_audit.adapters.exchange import Exchange, bodies_fields, fields_of, from_pair
from router_audit.adapters.protocol import Each
from router_audit.types import Filtered, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router_audit.adapters.protocol import Reader, Record

_HOSTS = ("api.groq.com", "api.mistral.ai", "api.deepseek.com", "api.x.ai", "api.cohere.", "api.together.",
          "api.fireworks.ai", "api.cerebras.ai", "api.perplexity.ai", "api.sambanova.ai", "api.moonshot.",
          "router.huggingface.co", "api.novita.ai", "api.deepinfra.com", "integrate.api.nvidia.com")  # fmt: skip


class _Providers:
    """Reads one call per exchange; a bare reply only where its usage names the provider."""

    source = "providers"
    reads = "exchanges with DeepSeek, Groq, Mistral, xAI, Cohere, Together, Fireworks and others, by URL"
    ordered = False

    def detects(self, record: Record) -> bool:
        """A provider's host, or a reply that bears its mark."""
        request = record.get("request")
        if isinstance(request, dict):
            url = str(request.get("url"))
            return any(host in url for host in _HOSTS)
        return _marked(record) is not None

    def reader(self, file: str) -> Reader:
        """See `Adapter.reader`."""
        return Each(file, _read)


def _marked(record: Record) -> str | None:
    if "choices" not in record and "message" not in record:
        return None
    usage = record.get("usage")
    if not isinstance(usage, dict):
        return None
    if "prompt_cache_hit_tokens" in usage:
        return "deepseek"
    if "x_groq" in record:
        return "groq"
    return "cohere" if "billed_units" in usage else None


def _read(record: Record, file: str, line: int) -> Iterator[Outcome]:
    exchange = from_pair(record)
    if exchange is None:
        found = bodies_fields(Exchange(url="", response=record))
        found["provider"] = _marked(record)
        found["flags"] = [*found.get("flags", []), "response_only"]
    else:
        told = fields_of(exchange)
        if isinstance(told, Filtered):
            yield told
            return
        found = told
    yield logged(found, source=PROVIDERS.source, file=file, line=line, native=record)


PROVIDERS = _Providers()
