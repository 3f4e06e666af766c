"""A request body and a response body, of OpenAI's or Anthropic's dialect, to the fields of a `LoggedRequest`.

Every gateway, proxy and recorder that keeps raw bodies (pairs, HAR, Helicone, Portkey, ...) reads them here.
"""

from __future__ import annotations

from typing import Any

from router_audit.adapters import clock, messages, shapes, sse, usage

Fields = dict[str, Any]
"""Keyword arguments of `LoggedRequest`, without identity, source, file and line."""

_HOSTS = (
    ("openai.azure.com", "azure"),
    ("cognitiveservices.azure.com", "azure"),
    ("services.ai.azure.com", "azure"),
    ("api.openai.com", "openai"),
    ("api.anthropic.com", "anthropic"),
    ("openrouter.ai", "openrouter"),
    ("generativelanguage.googleapis.com", "google"),
    ("aiplatform.googleapis.com", "google"),
    ("amazonaws.com", "aws"),
    ("api.groq.com", "groq"),
    ("api.mistral.ai", "mistral"),
    ("api.deepseek.com", "deepseek"),
    ("api.x.ai", "x-ai"),
    ("api.together", "together"),
    ("api.fireworks.ai", "fireworks"),
    ("api.cohere", "cohere"),
    ("api.cerebras.ai", "cerebras"),
    ("ollama.com", "ollama"),
    (":11434", "ollama"),
    (":1234", "lmstudio"),
)


def provider_of(url: str | None) -> str | None:
    """The provider that a URL's host names, in the words of genai-prices; None where it is not known."""
    if url:
        for host, provider in _HOSTS:
            if host in url:
                return provider
    return None


def is_inference(url: str) -> bool:
    """Whether the URL is of a chat, completion, response or message call (and not embeddings, files, counts)."""
    path = url.split("?", 1)[0].rstrip("/")
    return path.endswith(("/completions", "/responses", "/messages", "/v1/complete", "/deployments", "/chat"))


def dialect(request: dict[str, Any], response: dict[str, Any], url: str = "") -> str | None:
    """`anthropic`, `responses`, `chat` or None, from the response's own mark first, then the URL, then the shape."""
    if response.get("type") == "message" and "content" in response:
        return "anthropic"
    mark = response.get("object")
    if mark == "response":
        return "responses"
    if mark in ("chat.completion", "text_completion", "chat.completion.chunk") or "choices" in response:
        return "chat"
    path = url.split("?", 1)[0]
    if path.endswith("/messages"):
        return "anthropic"
    if path.endswith("/responses"):
        return "responses"
    if path.endswith("/completions"):
        return "chat"
    if "messages" in request:
        blocks = "system" in request or "anthropic_version" in request or "stop_sequences" in request
        return "anthropic" if blocks else "chat"
    if "input" in request and "model" in request:
        return "responses"
    if "prompt" in request and "model" in request:
        return "chat"
    return None


def call(request: Any, response: Any, *, url: str = "", status: int | None = None) -> Fields | None:
    """The fields that the two bodies tell; None where neither is of a dialect known here.

    Either may be None, JSON text, or (the response) a stream. `status` is the HTTP status. Tokens are checked
    and may raise RecordError. Callers add identity, times and latency of their own.
    """
    asked = messages.mapping(request)
    if sse.looks_streamed(response):
        answered = sse.final(sse.events(response)) or {}
        streamed = True
    else:
        answered = messages.mapping(response)
        streamed = False
    kind = dialect(asked, answered, url)
    if kind is None:
        return None
    fields = _READERS[kind](asked, answered)
    fields["provider"] = provider_of(url)
    if streamed:
        fields["params"] = {**fields.get("params", {}), "stream": True}
    _failed(fields, answered, status)
    return fields


def _failed(fields: Fields, answered: dict[str, Any], status: int | None) -> None:
    error = answered.get("error")
    if not error and (status is None or status < 400):
        return
    fields["status"] = "error"
    if isinstance(error, dict):
        kind = error.get("code") or error.get("type") or error.get("message")
        inner = error.get("error")
        if isinstance(inner, dict) and inner.get("type"):
            kind = inner["type"]
    else:
        kind = error
    fields["error_type"] = str(kind or status)[:200]


USUAL_TIERS = ("default", "standard", "auto", "")
"""Service tiers that change no price."""


def _common(asked: dict[str, Any], answered: dict[str, Any]) -> Fields:
    fields: Fields = {"params": shapes.params(asked)}
    for name, value in (
        ("response_id", answered.get("id")),
        ("request_model", asked.get("model")),
        ("response_model", answered.get("model")),
    ):
        if isinstance(value, str) and value:
            fields[name] = value
    made = asked.get("tools") or asked.get("functions")
    if made:
        fields["tools"] = shapes.tools(made)
    tier = answered.get("service_tier")
    if isinstance(tier, str) and tier not in USUAL_TIERS:
        fields["service_tier"] = tier
    person = asked.get("user") or asked.get("safety_identifier")
    if isinstance(person, str):
        fields["user"] = person
    return fields


def _tokens(fields: Fields, counted: usage.Usage) -> None:
    fields["input_tokens"] = counted.input_tokens
    fields["output_tokens"] = counted.output_tokens
    fields["cache_read_tokens"] = counted.cache_read_tokens
    fields["cache_write_tokens"] = counted.cache_write_tokens
    fields["cache_write_1h_tokens"] = counted.cache_write_1h_tokens
    fields["reasoning_tokens"] = counted.reasoning_tokens
    if counted.flags:
        fields["flags"] = [*fields.get("flags", ()), *counted.flags]


def _started(fields: Fields, value: Any) -> None:
    started, flag = clock.utc(value)
    if started is not None:
        fields["started_at"] = started
    if flag:
        fields["flags"] = [*fields.get("flags", ()), flag]


def _metadata(fields: Fields, raw: Any) -> None:
    """Tags of OpenAI's `metadata`, as `name:value`."""
    if isinstance(raw, dict) and raw:
        fields["tags"] = [
            f"{name}:{value}" for name, value in raw.items() if isinstance(value, (str, int, float))
        ]


def chat(asked: dict[str, Any], answered: dict[str, Any]) -> Fields:
    """chat.completions (and old completions): request body, response body."""
    fields = _common(asked, answered)
    fields["system"], fields["messages"] = messages.conversation(asked.get("messages", asked.get("prompt")))
    shape = asked.get("response_format")
    if shape:
        fields["response_format"] = shapes.response_format(shape)
    choices = answered.get("choices")
    output = []
    for choice in choices if isinstance(choices, list) else ():
        if not isinstance(choice, dict):
            continue
        message = choice.get("message")
        if isinstance(message, dict):
            made = messages.conversation([{**message, "role": message.get("role") or "assistant"}])[1]
            output += [entry for entry in made if entry.parts]
        elif choice.get("text"):
            output += messages.assistant(choice["text"])
        reason = choice.get("finish_reason")
        if isinstance(reason, str) and "finish_reason" not in fields:
            fields["finish_reason"] = reason
        if choice.get("error"):
            answered.setdefault("error", choice["error"])
    fields["output"] = output
    _started(fields, answered.get("created") or None)
    counts = answered.get("usage")
    _tokens(fields, usage.openai(counts))
    if (
        isinstance(counts, dict)
        and counts.get("cost") is not None
        and clock.number(counts["cost"]) is not None
    ):
        fields["logged_cost_usd"] = str(counts["cost"])
    _metadata(fields, asked.get("metadata"))
    return fields


def responses(asked: dict[str, Any], answered: dict[str, Any]) -> Fields:
    """OpenAI Responses: request body, response body. A response alone repeats much of its request."""
    fields = _common(asked or answered, answered)
    system, conversation = messages.conversation(asked.get("input"))
    instructions = asked.get("instructions") or answered.get("instructions")
    if isinstance(instructions, list):
        instructions = messages.conversation(instructions)[0]
    head = [text for text in (instructions, system) if isinstance(text, str) and text]
    fields["system"] = "\n\n".join(head) or None
    fields["messages"] = conversation
    shape = asked.get("text") or answered.get("text")
    if isinstance(shape, dict) and shape.get("format"):
        fields["response_format"] = shapes.response_format(shape["format"])
    fields["output"] = messages.conversation(answered.get("output"))[1]
    _started(fields, answered.get("created_at") or None)
    details = answered.get("incomplete_details")
    reason = details.get("reason") if isinstance(details, dict) else None
    reason = reason or answered.get("status")
    if isinstance(reason, str):
        fields["finish_reason"] = reason
    parent = asked.get("previous_response_id") or answered.get("previous_response_id")
    if isinstance(parent, str):
        fields["parent_id"] = parent
    done = clock.utc(answered.get("completed_at"))[0]
    fields["latency_ms"] = clock.between_ms(fields.get("started_at"), done)
    _tokens(fields, usage.openai(answered.get("usage")))
    _metadata(fields, asked.get("metadata") or answered.get("metadata"))
    return fields


def anthropic(asked: dict[str, Any], answered: dict[str, Any]) -> Fields:
    """Anthropic Messages: request body, response body. The bodies hold no time."""
    fields = _common(asked, answered)
    system, fields["messages"] = messages.conversation(asked.get("messages"))
    head = [text for text in (messages.system_text(asked.get("system")), system) if text]
    fields["system"] = "\n\n".join(head) or None
    config = asked.get("output_config")
    shape = config.get("format") if isinstance(config, dict) else asked.get("output_format")
    if shape:
        fields["response_format"] = shapes.response_format(shape)
    fields["output"] = messages.assistant(answered.get("content"))
    reason = answered.get("stop_reason")
    if isinstance(reason, str):
        fields["finish_reason"] = reason
    counts = answered.get("usage")
    _tokens(fields, usage.anthropic(counts))
    if isinstance(counts, dict):
        tier = counts.get("service_tier")
        if isinstance(tier, str) and tier not in ("standard", "default"):
            fields["service_tier"] = tier
        elif isinstance(counts.get("speed"), str) and counts["speed"] != "standard":
            fields["service_tier"] = counts["speed"]
        if isinstance(counts.get("inference_geo"), str) and counts["inference_geo"] != "not_available":
            fields["region"] = counts["inference_geo"]
        if isinstance(counts.get("iterations"), list) and len(counts["iterations"]) > 1:
            fields["flags"] = [*fields.get("flags", ()), "inner_calls_not_counted"]
    person = asked.get("metadata")
    if isinstance(person, dict) and isinstance(person.get("user_id"), str):
        fields["user"] = person["user_id"]
    return fields


_READERS = {"chat": chat, "responses": responses, "anthropic": anthropic}
