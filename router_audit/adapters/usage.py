"""Token counts of every dialect to one: input includes cached, output includes reasoning."""

from __future__ import annotations

from typing import Any

import msgspec

from router_audit.adapters.protocol import RecordError

MOST_TOKENS = 1_000_000_000
"""A single call with more is an error of the log, not a call."""

TOTAL_MISMATCH = "total_mismatch"
CACHE_EXCEEDS_INPUT = "cache_exceeds_input"


class Usage(msgspec.Struct, frozen=True):
    """Token counts in our terms. What the log did not say is None."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_tokens: int | None = None
    cache_write_tokens: int | None = None
    cache_write_1h_tokens: int | None = None
    reasoning_tokens: int | None = None
    flags: tuple[str, ...] = ()


NOTHING = Usage()


def count(value: Any, name: str = "tokens") -> int | None:
    """A token count: a whole number, also as decimal text; None where there is none.

    Raises RecordError for a negative, fractional, absurd or non-numeric one.
    """
    if value.__class__ is int:
        number: int = value
    elif value is None:
        return None
    elif isinstance(value, str):
        text = value.strip()
        if not text:
            return None
        try:
            number = int(text)
        except ValueError:
            raise RecordError(f"{name} is not a whole number: {text[:40]!r}") from None
    elif isinstance(value, float) and value.is_integer():
        number = int(value)
    else:
        raise RecordError(f"{name} is not a whole number: {str(value)[:40]!r}")
    if number < 0:
        raise RecordError(f"{name} is negative: {number}")
    if number > MOST_TOKENS:
        raise RecordError(f"{name} is absurd: {str(number)[:40]}")
    return number


def _first(raw: dict[str, Any], *names: str) -> int | None:
    for name in names:
        value = raw.get(name)
        if value is not None:
            return count(value, name)
    return None


def _inside(raw: dict[str, Any], *names: str) -> dict[str, Any]:
    for name in names:
        value = raw.get(name)
        if isinstance(value, dict):
            return value
    return {}


def inclusive(
    input_tokens: int | None,
    output_tokens: int | None,
    *,
    cache_read: int | None = None,
    cache_write: int | None = None,
    cache_write_1h: int | None = None,
    reasoning: int | None = None,
    total: int | None = None,
) -> Usage:
    """Counts of a dialect whose input includes cached tokens and whose output includes reasoning.

    The record's own total decides where the dialect is bent: reasoning beside the output (xAI), cached beside
    the input. A total that fits no reading is flagged, and so are cached counts larger than the input.
    """
    flags: tuple[str, ...] = ()
    cached = (cache_read or 0) + (cache_write or 0)
    if total and input_tokens is not None and output_tokens is not None:
        plain = input_tokens + output_tokens
        if total != plain:
            if reasoning and total == plain + reasoning:
                output_tokens += reasoning
            elif cached and total == plain + cached:
                input_tokens += cached
            elif cached and reasoning and total == plain + cached + reasoning:
                input_tokens += cached
                output_tokens += reasoning
            else:
                flags = (TOTAL_MISMATCH,)
    if reasoning and output_tokens is not None and reasoning > output_tokens:
        # Reasoning inside the output cannot exceed it, so here it stands beside it.
        output_tokens += reasoning
    if input_tokens is not None and cached > input_tokens:
        flags = (*flags, CACHE_EXCEEDS_INPUT)
        cache_read = min(cache_read or 0, input_tokens)
        cache_write = min(cache_write or 0, input_tokens - cache_read)
        cache_write_1h = None if cache_write_1h is None else min(cache_write_1h, cache_write)
    return Usage(input_tokens, output_tokens, cache_read, cache_write, cache_write_1h, reasoning, flags)


def exclusive(
    uncached: int | None,
    output_tokens: int | None,
    *,
    cache_read: int | None = None,
    cache_write: int | None = None,
    cache_write_1h: int | None = None,
    reasoning: int | None = None,
    total: int | None = None,
) -> Usage:
    """Counts of a dialect whose input leaves cached tokens out (Anthropic, Bedrock, modern Langfuse)."""
    flags: tuple[str, ...] = ()
    cached = (cache_read or 0) + (cache_write or 0)
    input_tokens = None if uncached is None else uncached + cached
    if total and input_tokens is not None and output_tokens is not None and uncached is not None:
        plain = input_tokens + output_tokens
        if total != plain:
            if reasoning and total == plain + reasoning:
                output_tokens += reasoning
            elif cached and total == uncached + output_tokens and uncached >= cached:
                input_tokens = uncached
            else:
                flags = (TOTAL_MISMATCH,)
    if reasoning and output_tokens is not None and reasoning > output_tokens:
        output_tokens += reasoning
    return Usage(input_tokens, output_tokens, cache_read, cache_write, cache_write_1h, reasoning, flags)


def openai(raw: Any) -> Usage:
    """chat.completions and Responses, and everyone who imitates them (Azure, OpenRouter, DeepSeek, xAI, Groq)."""
    if not isinstance(raw, dict) or not raw:
        return NOTHING
    inputs = _inside(raw, "prompt_tokens_details", "input_tokens_details", "input_token_details")
    outputs = _inside(raw, "completion_tokens_details", "output_tokens_details", "output_token_details")
    read = _first(inputs, "cached_tokens", "cache_read")
    if read is None:
        read = _first(raw, "prompt_cache_hit_tokens", "num_cached_tokens", "cached_tokens")
    if read is None:
        read = _first(raw, "cache_read_input_tokens")
    write = _first(inputs, "cache_write_tokens", "cache_creation_tokens", "cache_creation")
    if write is None:
        write = _first(raw, "cache_creation_input_tokens", "cache_write_tokens")
    split = _inside(inputs, "cache_creation_token_details") or _inside(raw, "cache_creation")
    reasoning = _first(outputs, "reasoning_tokens", "reasoning")
    if reasoning is None:
        reasoning = _first(raw, "reasoning_tokens", "reasoning_output_tokens")
    return inclusive(
        _first(raw, "prompt_tokens", "input_tokens"),
        _first(raw, "completion_tokens", "output_tokens"),
        cache_read=read,
        cache_write=write,
        cache_write_1h=_first(split, "ephemeral_1h_input_tokens"),
        reasoning=reasoning,
        total=_first(raw, "total_tokens"),
    )


def anthropic(raw: Any) -> Usage:
    """Anthropic Messages: input leaves cached tokens out; a write without a split is of five minutes."""
    if not isinstance(raw, dict) or not raw:
        return NOTHING
    split = _inside(raw, "cache_creation")
    hour = _first(split, "ephemeral_1h_input_tokens")
    write = _first(raw, "cache_creation_input_tokens")
    if write is None and split:
        write = (_first(split, "ephemeral_5m_input_tokens") or 0) + (hour or 0)
    return exclusive(
        _first(raw, "input_tokens"),
        _first(raw, "output_tokens"),
        cache_read=_first(raw, "cache_read_input_tokens"),
        cache_write=write,
        cache_write_1h=hour,
        reasoning=_first(_inside(raw, "output_tokens_details"), "thinking_tokens"),
    )


def gemini(raw: Any) -> Usage:
    """Gemini and Vertex `usageMetadata`: cached inside the prompt, thoughts beside the candidates."""
    if not isinstance(raw, dict) or not raw:
        return NOTHING
    prompt = _first(raw, "promptTokenCount", "prompt_token_count")
    tools = _first(raw, "toolUsePromptTokenCount", "tool_use_prompt_token_count")
    answer = _first(raw, "candidatesTokenCount", "candidates_token_count", "responseTokenCount")
    thoughts = _first(raw, "thoughtsTokenCount", "thoughts_token_count")
    if prompt is not None or tools is not None:
        prompt = (prompt or 0) + (tools or 0)
    if answer is not None or thoughts is not None:
        answer = (answer or 0) + (thoughts or 0)
    elif prompt is not None:
        answer = 0
    usage = inclusive(
        prompt,
        answer,
        cache_read=_first(raw, "cachedContentTokenCount", "cached_content_token_count"),
        total=_first(raw, "totalTokenCount", "total_token_count"),
    )
    return msgspec.structs.replace(usage, reasoning_tokens=thoughts)


def bedrock(raw: Any) -> Usage:
    """Bedrock Converse: Anthropic's way in camel case, with doubled names and a total."""
    if not isinstance(raw, dict) or not raw:
        return NOTHING
    hour = None
    details = raw.get("cacheDetails")
    if isinstance(details, list):
        hour = sum(
            _first(entry, "inputTokens") or 0
            for entry in details
            if isinstance(entry, dict) and entry.get("ttl") == "1h"
        )
    return exclusive(
        _first(raw, "inputTokens"),
        _first(raw, "outputTokens"),
        cache_read=_first(raw, "cacheReadInputTokens", "cacheReadInputTokenCount"),
        cache_write=_first(raw, "cacheWriteInputTokens", "cacheWriteInputTokenCount"),
        cache_write_1h=hour,
        total=_first(raw, "totalTokens"),
    )


def cohere(raw: Any) -> Usage:
    """Cohere v2: `tokens` is what the model saw, cached inside it; `billed_units` is less and has no cache."""
    if not isinstance(raw, dict) or not raw:
        return NOTHING
    seen = _inside(raw, "tokens") or _inside(raw, "billed_units")
    return inclusive(
        _first(seen, "input_tokens"),
        _first(seen, "output_tokens"),
        cache_read=_first(raw, "cached_tokens") if _inside(raw, "tokens") else None,
    )


def any_dialect(raw: Any) -> Usage:
    """A usage object of unknown dialect, told by its keys."""
    if not isinstance(raw, dict) or not raw:
        return NOTHING
    if "promptTokenCount" in raw or "totalTokenCount" in raw or "prompt_token_count" in raw:
        return gemini(raw)
    if "billed_units" in raw:
        return cohere(raw)
    if "inputTokens" in raw and ("totalTokens" in raw or "serverToolUsage" in raw):
        return bedrock(raw)
    if "input_tokens" in raw and "total_tokens" not in raw and "input_tokens_details" not in raw:
        return anthropic(raw)
    return openai(raw)
