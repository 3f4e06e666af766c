"""A question put to a model provider, and its answer."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from decimal import Decimal
from hashlib import sha256
from typing import Any, Literal

AnswerStatus = Literal["ok", "refused", "truncated", "malformed", "error", "unaffordable", "lost"]
"""`lost`: a run that was stopped had sent it, and nobody knows whether it was billed."""


@dataclass(frozen=True, slots=True)
class Ask:
    """One call, in OpenAI chat form; each client translates it to its provider's wire format."""

    messages: tuple[dict[str, Any], ...]
    """`{"role", "content", "tool_calls"?, "tool_call_id"?}`, content as text or OpenAI parts."""
    system: str | None = None
    tools: tuple[dict[str, Any], ...] = ()
    """`{"name", "description", "parameters"}`."""
    tool_choice: str | None = None
    """The name of the tool that must be called."""
    response_schema: dict[str, Any] | None = None
    max_tokens: int = 1024
    temperature: float | None = None
    effort: str | None = None
    logprobs: bool = False
    name: str = ""
    """Whose call this is, e.g. a request id: not sent, not part of the key."""

    def key(self, origin: str, model: str) -> str:
        """Identity of the call by all that is sent and where to: the same key is never paid for twice."""
        sent = {
            "provider": origin,
            "model": model,
            "system": self.system,
            "messages": self.messages,
            "tools": self.tools,
            "tool_choice": self.tool_choice,
            "response_schema": self.response_schema,
            "max_tokens": self.max_tokens,
            "temperature": self.temperature,
            "effort": self.effort,
            "logprobs": self.logprobs,
        }
        return sha256(json.dumps(sent, sort_keys=True, ensure_ascii=True).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever it was. Token counts include cached and reasoning ones."""

    status: AnswerStatus
    text: str = ""
    tool_calls: tuple[dict[str, Any], ...] = ()
    """`{"name", "arguments"}`, arguments decoded."""
    finish_reason: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    cost_usd: Decimal = Decimal(0)
    latency_ms: float = 0.0
    mean_logprob: float | None = None
    response_id: str | None = None
    reason: str = ""
    """Why the status is not ok."""
    lost_attempts: int = 0
    """Sends that timed out, broke off or met a server error: each may have been billed without an answer."""
    at_risk_usd: Decimal = Decimal(0)
    """The most those may have cost, beside `cost_usd`."""
    cached: bool = field(default=False, compare=False)
    """True when it came from the store and cost nothing now."""

    @property
    def final(self) -> bool:
        """Nothing would be gained, or it could be paid twice, by asking again."""
        return self.status in {"ok", "refused", "truncated", "malformed", "lost"} or self.lost_attempts > 0
