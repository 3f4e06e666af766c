"""Anything that speaks OpenAI chat.completions, by OpenAI's SDK: OpenAI, Gemini, OpenRouter, LiteLLM, vLLM, Ollama."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from router_audit.llm.sends import Sends
from router_audit.types.ask import Answer

if TYPE_CHECKING:
    from collections.abc import Callable

    from router_audit.types.ask import AnswerStatus, Ask


class OpenAIClient:
    """A model behind `/chat/completions`."""

    def __init__(
        self, provider: str, model: str, key: str, base_url: str | None, timeout_s: float, max_retries: int
    ) -> None:
        from openai import DefaultHttpxClient, OpenAI, OpenAIError

        class OutOfBudgetError(OpenAIError):
            """Of a kind the SDK does not retry."""

        self.provider = provider
        self.model = model
        self.sends = Sends()
        self.sdk = OpenAI(
            api_key=key,
            base_url=base_url,
            timeout=timeout_s,
            max_retries=max_retries,
            http_client=DefaultHttpxClient(event_hooks=self.sends.hooks(OutOfBudgetError)),
        )
        self.host = urlsplit(str(self.sdk.base_url)).netloc
        self.origin = provider if base_url is None else f"{provider}@{base_url.rstrip('/')}"

    def ask(self, ask: Ask, permit: Callable[[], bool] | None = None) -> Answer:
        """See `Client.ask`."""
        import openai

        began = time.perf_counter()
        self.sends.begin(permit)
        try:
            completion = self.sdk.chat.completions.create(
                **body(self.model, ask, native=self.provider == "openai")
            )
        except openai.APIStatusError as error:
            status: AnswerStatus = "error"
            reason = f"{error.status_code} {error.type or 'error'}: {' '.join(error.message.split())[:200]}"
        except openai.OpenAIError as error:
            status, reason = "error", str(error) or type(error).__name__
        except (ValueError, TypeError) as error:  # a body that is cut off in the middle is no JSON
            status, reason = "malformed", f"the answer is no JSON ({type(error).__name__})"
        else:
            if hasattr(completion, "model_dump"):
                answer = read(completion.model_dump(warnings=False), latency_ms=_since(began))
                counted = bool(
                    answer.input_tokens or answer.output_tokens
                )  # without usage its cost is not known
                return replace(answer, lost_attempts=self.sends.lost(answered=counted))
            status, reason = "malformed", "the answer is no chat.completion"
        return Answer(
            status, reason=reason, latency_ms=_since(began), lost_attempts=self.sends.lost(answered=False)
        )

    def close(self) -> None:
        """See `Client.close`."""
        self.sdk.close()


def body(model: str, ask: Ask, *, native: bool) -> dict[str, Any]:
    """The call as chat.completions takes it; `native` uses the field names only OpenAI itself requires."""
    system = [{"role": "system", "content": ask.system}] if ask.system else []
    sent: dict[str, Any] = {"model": model, "messages": [*system, *(_message(m) for m in ask.messages)]}
    sent["max_completion_tokens" if native else "max_tokens"] = ask.max_tokens
    if ask.tools:
        sent["tools"] = [
            {
                "type": "function",
                "function": {
                    "name": tool["name"],
                    "description": tool.get("description") or "",
                    "parameters": tool.get("parameters") or {"type": "object", "properties": {}},
                },
            }
            for tool in ask.tools
        ]
    if ask.tool_choice:
        sent["tool_choice"] = {"type": "function", "function": {"name": ask.tool_choice}}
    if ask.response_schema is not None:
        sent["response_format"] = {
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": ask.response_schema, "strict": True},
        }
    if ask.temperature is not None:
        sent["temperature"] = ask.temperature
    if ask.effort:
        sent["reasoning_effort"] = ask.effort
    if ask.logprobs:
        sent["logprobs"] = True
    return sent


def read(completion: dict[str, Any], *, latency_ms: float) -> Answer:
    """An Answer from a chat.completion, as a mapping."""
    choices = completion.get("choices") or []
    if not choices:
        return Answer("malformed", reason="no choices in the answer", latency_ms=latency_ms)
    choice = choices[0]
    message = choice.get("message") or {}
    finish = choice.get("finish_reason")
    text = message.get("content") or ""
    status: AnswerStatus = "ok"
    calls, reason = [], ""
    for call in message.get("tool_calls") or []:
        function = call.get("function") or {}
        try:
            calls.append(
                {"name": function.get("name"), "arguments": json.loads(function.get("arguments") or "{}")}
            )
        except ValueError:
            status, reason = "malformed", "the tool call's arguments are not JSON"
    if message.get("refusal") or finish == "content_filter":
        status, reason = "refused", message.get("refusal") or finish
    elif finish == "length":
        status, reason = "truncated", finish
    elif not text and not calls and status == "ok":
        status, reason = "malformed", "an empty answer"
    usage = completion.get("usage") or {}
    details = usage.get("prompt_tokens_details") or {}
    logprobs = [
        token["logprob"]
        for token in ((choice.get("logprobs") or {}).get("content") or [])
        if token.get("logprob") is not None
    ]
    return Answer(
        status,
        text=text,
        tool_calls=tuple(calls),
        finish_reason=finish,
        input_tokens=usage.get("prompt_tokens") or 0,
        output_tokens=usage.get("completion_tokens") or 0,
        cache_read_tokens=details.get("cached_tokens") or 0,
        cache_write_tokens=details.get("cache_write_tokens") or 0,
        latency_ms=latency_ms,
        mean_logprob=sum(logprobs) / len(logprobs) if logprobs else None,
        response_id=completion.get("id"),
        reason=reason,
    )


def _message(message: dict[str, Any]) -> dict[str, Any]:
    sent = {"role": message.get("role") or "user", "content": message.get("content") or ""}
    if message.get("tool_calls"):
        sent["tool_calls"] = [
            {
                "id": call["id"],
                "type": "function",
                "function": {"name": call["name"], "arguments": json.dumps(call.get("arguments") or {})},
            }
            for call in message["tool_calls"]
        ]
    if message.get("tool_call_id"):
        sent["tool_call_id"] = message["tool_call_id"]
    return sent


def _since(began: float) -> float:
    return (time.perf_counter() - began) * 1000
