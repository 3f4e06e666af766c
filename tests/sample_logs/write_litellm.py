"""LiteLLM StandardLoggingPayload rows."""

from __future__ import annotations

import json
from typing import Any

from .calls import SERVED, Call
from .write_openai import openai_messages, openai_tools

TEAM_ID = {
    "support": "team-9a41c7",
    "claims": "team-2f80d3",
    "growth": "team-c51e08",
    "platform": "team-77b6aa",
}
WARM = ("claude-sonnet-4-6", "claude-haiku-4-5", "harbour-llama-70b")  # models that take a temperature
BASE = {
    "anthropic": "https://api.anthropic.com/v1/messages",
    "openai": "https://api.openai.com/v1/",
    "hosted_vllm": "http://llama.internal.example:8000/v1",
}


def usage(call: Call) -> dict[str, Any]:
    out: dict[str, Any] = {
        "completion_tokens": call.output,
        "prompt_tokens": call.input,
        "total_tokens": call.input + call.output,
        "completion_tokens_details": {
            "reasoning_tokens": call.reasoning,
            "text_tokens": call.output - call.reasoning,
        },
        "prompt_tokens_details": {"audio_tokens": None, "cached_tokens": call.cache_read},
    }
    if call.provider == "anthropic":
        out["prompt_tokens_details"] |= {
            "cache_creation_tokens": call.cache_write,
            "cache_creation_token_details": {
                "ephemeral_5m_input_tokens": call.cache_write,
                "ephemeral_1h_input_tokens": 0,
            },
        }
        out |= {"cache_creation_input_tokens": call.cache_write, "cache_read_input_tokens": call.cache_read}
    return out


def row(call: Call) -> dict[str, Any]:
    conv, failed = call.conv, call.error is not None
    start = call.start_ms / 1000
    end = start if failed else (call.start_ms + call.latency_ms) / 1000
    streamed = call.ttft_ms is not None
    params: dict[str, Any] = {"stream": True} if streamed else {}
    if conv.profile in ("classification", "extraction") and call.model in WARM:
        params["temperature"] = 0
    params["max_tokens"] = call.output if call.finish == "length" else 4096
    if conv.tools:
        params["tools"] = openai_tools(conv)
    if conv.forced:
        params["tool_choice"] = {"type": "function", "function": {"name": conv.forced}}
    if conv.schema:
        params["response_format"] = {"type": "json_schema", "json_schema": conv.schema}
    said: dict[str, Any] = {
        "content": call.text or None,
        "role": "assistant",
        "tool_calls": None,
        "function_call": None,
    }
    if call.exchange.calls:
        said["tool_calls"] = [
            {
                "id": f"call_{c['id']}",
                "type": "function",
                "function": {"name": c["name"], "arguments": json.dumps(c["args"], ensure_ascii=False)},
            }
            for c in call.exchange.calls
        ]
    cost = float(call.cost())
    counts = {} if failed else usage(call)
    spend: dict[str, Any] = {}
    requester: dict[str, Any] = {"session_id": call.session}
    if call.outcome is not None:
        if call.start_ms % 3:
            spend = {"resolved": call.outcome}
        elif call.start_ms % 2:
            requester["resolved"] = call.outcome
        else:
            requester["feedback"] = {"score": 1 if call.outcome else 0}
    code, kind, message = call.error or ("", "", "")
    return {
        "id": call.id,
        "litellm_call_id": f"{call.trace[:12]}-{call.attempt}",
        "trace_id": call.trace,
        "session_id": call.session,
        "call_type": "acompletion",
        "cache_hit": None,
        "stream": True if streamed else None,
        "status": "failure" if failed else "success",
        "status_fields": {
            "llm_api_status": "failure" if failed else "success",
            "guardrail_status": "not_run",
        },
        "custom_llm_provider": call.provider,
        "saved_cache_cost": 0.0,
        "startTime": start,
        "endTime": end,
        "completionStartTime": end
        if failed or call.ttft_ms is None
        else (call.start_ms + call.ttft_ms) / 1000,
        "response_time": 0.0 if failed else (call.ttft_ms or call.latency_ms) / 1000,
        "model": call.model,
        "metadata": {
            "user_api_key_alias": f"{call.team}-prod",
            "user_api_key_team_id": TEAM_ID[call.team],
            "user_api_key_team_alias": call.team,
            "user_api_key_org_id": "harbour-finch",
            "user_api_key_user_id": call.user,
            "user_api_key_end_user_id": None,
            "spend_logs_metadata": spend or None,
            "requester_metadata": requester,
            "usage_object": counts,
            "attempted_retries": call.attempt,
        },
        "cache_key": None,
        "response_cost": cost,
        "cost_breakdown": {
            "total_cost": cost,
            "tool_usage_cost": 0.0,
            "original_cost": cost,
            "discount_amount": 0.0,
        },
        "total_tokens": counts.get("total_tokens", 0),
        "prompt_tokens": counts.get("prompt_tokens", 0),
        "completion_tokens": counts.get("completion_tokens", 0),
        "request_tags": call.tags,
        "end_user": call.user,
        "api_base": BASE[call.provider],
        "model_group": call.model,
        "model_id": f"dep-{call.model}",
        "messages": openai_messages(call),
        "model_parameters": params,
        "response": {}
        if failed
        else {
            "id": call.id,
            "created": (call.start_ms + call.latency_ms) // 1000,
            "model": SERVED.get(call.model, call.model),
            "object": "chat.completion",
            "system_fingerprint": None,
            "choices": [{"finish_reason": call.finish, "index": 0, "message": said}],
            "usage": counts,
        },
        "hidden_params": {
            "model_id": f"dep-{call.model}",
            "litellm_overhead_time_ms": 4.1 + call.start_ms % 9,
            "additional_headers": {},
            "litellm_model_name": f"{call.provider}/{call.model}",
        },
        "error_str": f"litellm.{kind}: {message}" if failed else None,
        "error_information": {
            "error_code": str(code),
            "error_class": kind,
            "error_message": message,
            "llm_provider": call.provider if failed else "",
        },
    }
