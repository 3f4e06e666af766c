"""The log formats that are read: a visible tuple, asked in order."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router_audit.adapters.protocol import Adapter, Record
from router_audit.adapters.anthropic import ANTHROPIC, ANTHROPIC_STREAM
from router_audit.adapters.claude_code import CLAUDE_CODE
from router_audit.adapters.litellm import LITELLM
from router_audit.adapters.openai import OPENAI, OPENAI_STREAM
from router_audit.adapters.openai_batch import OPENAI_BATCH
from router_audit.adapters.otel import OTEL

ADAPTERS: tuple[Adapter, ...] = (
    OTEL,
    LITELLM,
    CLAUDE_CODE,
    OPENAI_BATCH,
    ANTHROPIC,
    OPENAI,
    ANTHROPIC_STREAM,
    OPENAI_STREAM,
)
"""In the order in which they are asked: the most particular signature first, the generic one last."""


def detect(record: Record) -> Adapter | None:
    """The first adapter that knows the record's signature, else None."""
    for adapter in ADAPTERS:
        if adapter.detects(record):
            return adapter
    return None
