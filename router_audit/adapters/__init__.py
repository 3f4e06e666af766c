"""The log formats that are read: a visible tuple, asked in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from router_audit.adapters.plain import Shape
    from router_audit.adapters.protocol import Adapter, Record
from router_audit.adapters import litellm_lean, otlp_lean
from router_audit.adapters.aider import AIDER
from router_audit.adapters.anthropic import ANTHROPIC, ANTHROPIC_STREAM
from router_audit.adapters.anthropic_plain import ANTHROPIC_HTTP_PLAIN, ANTHROPIC_PLAIN
from router_audit.adapters.azure import AZURE
from router_audit.adapters.bedrock import BEDROCK
from router_audit.adapters.braintrust import BRAINTRUST
from router_audit.adapters.claude_code import CLAUDE_CODE
from router_audit.adapters.cloudflare import CLOUDFLARE
from router_audit.adapters.codex_cli import CODEX_CLI
from router_audit.adapters.gemini import GEMINI
from router_audit.adapters.gemini_cli import GEMINI_CLI
from router_audit.adapters.generic import GENERIC
from router_audit.adapters.har import HAR
from router_audit.adapters.helicone import HELICONE
from router_audit.adapters.langfuse import LANGFUSE
from router_audit.adapters.langsmith import LANGSMITH
from router_audit.adapters.litellm import LITELLM
from router_audit.adapters.litellm_plain import LITELLM_PLAIN
from router_audit.adapters.lmstudio import LMSTUDIO
from router_audit.adapters.mlflow import MLFLOW
from router_audit.adapters.ollama import OLLAMA
from router_audit.adapters.openai import OPENAI, OPENAI_STREAM
from router_audit.adapters.openai_batch import OPENAI_BATCH
from router_audit.adapters.openai_plain import OPENAI_HTTP_PLAIN, OPENAI_PLAIN
from router_audit.adapters.opencode import OPENCODE
from router_audit.adapters.openinference import OPENINFERENCE
from router_audit.adapters.openrouter import OPENROUTER
from router_audit.adapters.otel import OTEL
from router_audit.adapters.own import OWN
from router_audit.adapters.pi import PI
from router_audit.adapters.portkey import PORTKEY
from router_audit.adapters.promptfoo import PROMPTFOO
from router_audit.adapters.providers import PROVIDERS
from router_audit.adapters.simonw_llm import SIMONW_LLM
from router_audit.adapters.tensorzero import TENSORZERO
from router_audit.adapters.vercel_ai_sdk import VERCEL_AI_SDK

ADAPTERS: tuple[Adapter, ...] = (
    VERCEL_AI_SDK,
    OPENINFERENCE,
    OTEL,
    LITELLM,
    CLAUDE_CODE,
    CODEX_CLI,
    GEMINI_CLI,
    PI,
    OPENCODE,
    LANGFUSE,
    LANGSMITH,
    BRAINTRUST,
    HELICONE,
    PORTKEY,
    TENSORZERO,
    CLOUDFLARE,
    AZURE,
    MLFLOW,
    PROMPTFOO,
    HAR,
    SIMONW_LLM,
    AIDER,
    OPENROUTER,
    BEDROCK,
    GEMINI,
    OLLAMA,
    LMSTUDIO,
    PROVIDERS,
    OPENAI_BATCH,
    ANTHROPIC,
    OPENAI,
    ANTHROPIC_STREAM,
    OPENAI_STREAM,
    OWN,
    GENERIC,
)
"""In the order in which they are asked: the most particular signature first, the generic one last."""

PLAIN: tuple[Shape, ...] = (
    OPENAI_PLAIN,
    OPENAI_HTTP_PLAIN,
    ANTHROPIC_PLAIN,
    ANTHROPIC_HTTP_PLAIN,
    LITELLM_PLAIN,
)
"""The plain shapes of the commonest formats, tried on a line before it is read as just any record."""

LEAN: dict[str, Callable[[bytes], Record | None]] = {
    LITELLM.source: litellm_lean.payload,
    OTEL.source: otlp_lean.envelope,
}
"""By source what reads a line without the fields that the adapter leaves aside, or gives None."""


def detect(record: Record) -> Adapter | None:
    """The first adapter that knows the record's signature, else None."""
    for adapter in ADAPTERS:
        if adapter.detects(record):
            return adapter
    return None
