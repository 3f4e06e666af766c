"""Anthropic's Messages API by its own SDK."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from router_audit.llm.sends import Sends
from router_audit.types.ask import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from router_audit.types.ask import AnswerStatus, Ask


class AnthropicClient:
    """A model behind `/v1/messages`."""

    provider = "anthropic"

    def __init__(
        self, model: str, key: str, base_url: str | None, timeout_s: float, max_retries: int
    ) -> None:
        from anthropic import Anthropic, AnthropicError, DefaultHttpxClient

        class OutOfBudgetError(AnthropicError):
            """Of a kind the SDK does not retry."""

        self.model = model
        self.sends = Sends()
        self.sdk = Anthropic(
            api_key=key,
            base_url=base_url,
            timeout=timeout_s,
            max_retries=max_retries,
            http_client=DefaultHttpxClient(event_hooks=self.sends.hooks(OutOfBudgetError)),
        )
        self.host = urlsplit(str(self.sdk.base_url)).netloc
        self.origin = "anthropic" if base_url is None else f"anthropic@{base_url.rstrip('/')}"

    def ask(self, ask: Ask, permit: Callable[[], bool] | None = None) -> Answer:
        """See `Client.ask`."""
        import anthropic

        began = time.perf_counter()
        self.sends.begin(permit)
        try:
            message = self.sdk.messages.create(**body(self.model, ask))
        except anthropic.APIStatusError as error:
            status: AnswerStatus = "error"
            reason = f"{error.status_code} {_error_type(error)}: {_error_message(error)}"
        except anthropic.AnthropicError as error:
            status, reason = "error", str(error) or type(error).__name__
        except (ValueError, TypeError) as error:  # a body that is cut off in the middle is no JSON
            status, reason = "malformed", f"the answer is no JSON ({type(error).__name__})"
        else:
            if hasattr(message, "model_dump"):
                answer = read(message.model_dump(warnings=False), latency_ms=_since(began))
                counted = bool(
                    answer.input_tokens or answer.output_tokens
                )  # without usage its cost is not known
                return replace(answer, lost_attempts=self.sends.lost(answered=counted))
            status, reason = "malformed", "the answer is no message"
        return Answer(
            status, reason=reason, latency_ms=_since(began), lost_attempts=self.sends.lost(answered=False)
        )

    def close(self) -> None:
        """See `Client.close`."""
        self.sdk.close()


def body(model: str, ask: Ask) -> dict[str, Any]:
    """The call as the Messages API takes it; the system prompt is marked for caching."""
    sent: dict[str, Any] = {"model": model, "max_tokens": ask.max_tokens, "messages": _messages(ask.messages)}
    if ask.system:
        sent["system"] = [{"type": "text", "text": ask.system, "cache_control": {"type": "ephemeral"}}]
    if ask.tools:
        sent["tools"] = [
            {
                "name": tool["name"],
                "description": tool.get("description") or "",
                "input_schema": tool.get("parameters") or {"type": "object"},
            }
            for tool in ask.tools
        ]
    if ask.tool_choice:
        sent["tool_choice"] = {"type": "tool", "name": ask.tool_choice, "disable_parallel_tool_use": True}
    config: dict[str, Any] = {}
    if ask.effort:
        config["effort"] = ask.effort
    if ask.response_schema is not None:
        config["format"] = {"type": "json_schema", "schema": ask.response_schema}
    if config:
        sent["output_config"] = config
    if ask.temperature is not None:
        # The SDK has dropped the parameter from its signature; the wire still takes it for older models.
        sent["extra_body"] = {"temperature": ask.temperature}
    return sent


def read(message: dict[str, Any], *, latency_ms: float) -> Answer:
    """An Answer from a Messages response, as a mapping."""
    blocks: list[dict[str, Any]] = message.get("content") or []
    text = "".join(block.get("text") or "" for block in blocks if block.get("type") == "text")
    calls = tuple(
        {"name": block.get("name"), "arguments": block.get("input")}
        for block in blocks
        if block.get("type") == "tool_use"
    )
    usage = message.get("usage") or {}
    read_tokens = usage.get("cache_read_input_tokens") or 0
    write_tokens = usage.get("cache_creation_input_tokens") or 0
    finish = message.get("stop_reason")
    status: AnswerStatus = "ok"
    if finish == "refusal":
        status = "refused"
    elif finish in {"max_tokens", "model_context_window_exceeded"}:
        status = "truncated"
    elif not text and not calls:
        status = "malformed"
    return Answer(
        status,
        text=text,
        tool_calls=calls,
        finish_reason=finish,
        input_tokens=(usage.get("input_tokens") or 0) + read_tokens + write_tokens,
        output_tokens=usage.get("output_tokens") or 0,
        cache_read_tokens=read_tokens,
        cache_write_tokens=write_tokens,
        latency_ms=latency_ms,
        response_id=message.get("id"),
        reason={"ok": "", "malformed": "an empty answer"}.get(status, finish or ""),
    )


def _messages(messages: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    turns: list[dict[str, Any]] = []
    for message in messages:
        role = message.get("role")
        if role == "tool":
            content: Any = [
                {
                    "type": "tool_result",
                    "tool_use_id": message.get("tool_call_id") or "",
                    "content": _text(message.get("content")),
                }
            ]
            role = "user"
        elif role == "assistant" and message.get("tool_calls"):
            content = (
                [{"type": "text", "text": _text(message.get("content"))}] if message.get("content") else []
            )
            content += [
                {
                    "type": "tool_use",
                    "id": call["id"],
                    "name": call["name"],
                    "input": call.get("arguments") or {},
                }
                for call in message["tool_calls"]
            ]
        else:
            role = "assistant" if role == "assistant" else "user"
            content = [{"type": "text", "text": _text(message.get("content")) or "(empty)"}]
        if turns and turns[-1]["role"] == role:
            turns[-1]["content"] += content
        else:
            turns.append({"role": role, "content": content})
    if not turns or turns[0]["role"] != "user":
        turns.insert(0, {"role": "user", "content": [{"type": "text", "text": "(the conversation so far)"}]})
    return turns


def _text(content: Any) -> str:
    if isinstance(content, str) or content is None:
        return content or ""
    if isinstance(content, list):
        return "\n".join(part.get("text") or "" for part in content if isinstance(part, dict))
    return json.dumps(content, ensure_ascii=False)


def _error_type(error: Any) -> str:
    found = error.body.get("error") if isinstance(error.body, dict) else None
    return str(found.get("type")) if isinstance(found, dict) else "error"


def _error_message(error: Any) -> str:
    found = error.body.get("error") if isinstance(error.body, dict) else None
    said = found.get("message") if isinstance(found, dict) else None
    return " ".join(str(said or "no reason given").split())[:200]


def _since(began: float) -> float:
    return (time.perf_counter() - began) * 1000
