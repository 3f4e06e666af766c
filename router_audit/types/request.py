"""One LLM API call found in a log, normalised; and what happens to a record that is not one.

These are msgspec Structs, not dataclasses: a log has millions of them, and a Struct is built five
times faster. Token counts follow OpenTelemetry GenAI: `input_tokens` includes cached ones.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

import msgspec

Role = Literal["system", "user", "assistant", "tool"]


class Part(msgspec.Struct, frozen=True, omit_defaults=True):
    """A part of a message, in the shape of OpenTelemetry's `gen_ai.input.messages`."""

    type: str
    """`text`, `reasoning`, `tool_call`, `tool_call_response` or `blob` (an image or file, never its bytes)."""
    content: str | None = None
    id: str | None = None
    """Links a tool call with its response."""
    name: str | None = None
    arguments: Any = None
    response: Any = None
    modality: str | None = None
    """Of a blob: `image`, `audio`, `document`, `file`."""
    mime_type: str | None = None
    bytes: int | None = None
    sha256: str | None = None


class Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """One turn of a conversation."""

    role: str
    parts: list[Part]


class LoggedRequest(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One LLM API call as the store keeps it. Everything a log did not say is None, never zero."""

    request_id: str
    """Stable identity (32 hex digits): the provider's response id where there is one, else the content."""
    source: str
    """The adapter that read it."""
    file: str = ""
    line: int = 0
    """Where it stood: 1-based line, or index in a container."""

    half: Literal["request", "response"] | None = None
    """Which half of a call this is, where a log keeps the halves in records of their own."""
    join_key: str | None = None
    """Halves, and parts, of one call share it; the store puts them together within and across files."""

    response_id: str | None = None
    started_at: datetime | None = None
    """UTC."""
    latency_ms: float | None = None
    time_to_first_token_ms: float | None = None

    provider: str | None = None
    """As in OpenTelemetry `gen_ai.provider.name`."""
    request_model: str | None = None
    response_model: str | None = None
    region: str | None = None

    system: str | None = None
    messages: list[Message] = []
    output: list[Message] = []
    tools: list[dict[str, Any]] = []
    """Each `{"name", "description"?, "parameters"?}`."""
    response_format: dict[str, Any] | None = None
    """`{"type": "json_object" | "json_schema" | "text", "schema"?}`."""
    params: dict[str, Any] = {}
    """`max_tokens`, `temperature`, `effort`, `thinking_budget`, `stream`: what of them was set."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    """All cache writes; those of one hour are counted again in `cache_write_1h_tokens`."""
    cache_write_1h_tokens: int | None = None
    reasoning_tokens: int | None = None
    """Included in `output_tokens`."""
    logged_cost_usd: str | None = None
    """The cost the log states, as decimal text: kept beside ours, never instead."""
    service_tier: str | None = None
    """`batch`, `priority`, `flex`, ... as it changes the price."""

    status: Literal["ok", "error"] = "ok"
    error_type: str | None = None
    finish_reason: str | None = None

    session_id: str | None = None
    trace_id: str | None = None
    parent_id: str | None = None
    user: str | None = None
    team: str | None = None
    project: str | None = None
    tags: list[str] = []
    retry_count: int = 0

    resolved: bool | None = None
    """Whether the log says the request did its job."""
    outcome_origin: str | None = None
    """Which field said so: `score:NAME`, `feedback`, `flag`, `error`, `re-ask`."""
    outcome_score: float | None = None

    routing: dict[str, Any] = {}
    """What the proxy plug-in decided: `profile`, `table_version`, `canary`, `propensity`, `escalated_from`, ..."""
    flags: list[str] = []
    """Doubts about this record: `total_mismatch`, `tokens_lower_bound`, `timezone_assumed`, `truncated`, ..."""


class Rejected(msgspec.Struct, frozen=True):
    """A record that could not be parsed: kept with its reason."""

    file: str
    line: int
    reason: str
    excerpt: str = ""
    source: str = "unknown"


class Filtered(msgspec.Struct, frozen=True):
    """A record that is well formed but is no LLM call, or was not asked for."""

    reason: str


class Merged(msgspec.Struct, frozen=True):
    """A record that only repeats or completes a call that another record carries."""


Outcome = LoggedRequest | Rejected | Filtered | Merged
"""What became of one record. Every record has exactly one."""
