"""Request/response pairs of Anthropic Messages."""

from __future__ import annotations

from typing import Any

from .calls import SERVED, Call
from .pairs import dumps, envelope


def anthropic_content(text: str, calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    out: list[dict[str, Any]] = [{"type": "text", "text": text}] if text else []
    return out + [
        {"type": "tool_use", "id": f"toolu_{c['id']}", "name": c["name"], "input": c["args"]} for c in calls
    ]


def anthropic(call: Call) -> dict[str, Any]:
    conv = call.conv
    messages = []
    for m in call.exchange.messages:
        if m["role"] == "tool":
            content: Any = [
                {"type": "tool_result", "tool_use_id": f"toolu_{m['call_id']}", "content": m["text"]}
            ]
            messages.append({"role": "user", "content": content})
        else:
            content = anthropic_content(m["text"], m["calls"]) if m.get("calls") else m["text"]
            if messages and messages[-1]["role"] == m["role"]:
                messages[-1]["content"] += [{"type": "text", "text": m["text"]}]
            else:
                messages.append({"role": m["role"], "content": content})
    body: dict[str, Any] = {
        "model": call.model,
        "messages": messages,
        "metadata": {"user_id": call.user},
        "max_tokens": call.output if call.finish == "length" else 8192,
    }
    if conv.system:
        body["system"] = [{"type": "text", "text": conv.system}]
        if call.cache_read or call.cache_write:
            body["system"][0]["cache_control"] = {"type": "ephemeral"}
    if conv.tools:
        body["tools"] = [
            {"name": t["name"], "description": t["description"], "input_schema": t["parameters"]}
            for t in conv.tools
        ]
    if conv.forced:
        body["tool_choice"] = {"type": "tool", "name": conv.forced}
    if conv.schema:
        body["output_config"] = {"format": {"type": "json_schema", "schema": conv.schema["schema"]}}
    if call.reasoning:
        body["thinking"] = {"type": "adaptive"}
        body["output_config"] = {**body.get("output_config", {}), "effort": "high"}
    headers = {
        "request-id": f"req_{call.trace[:13]}{call.start_ms:x}",
        "content-type": "application/json",
        "anthropic-organization-id": "harbour-finch",
        "x-envoy-upstream-service-time": str(call.latency_ms),
    }
    url = "https://api.anthropic.com/v1/messages"
    if call.error:
        return envelope(
            call,
            url,
            body,
            {
                "type": "error",
                "error": {"type": call.error[1], "message": call.error[2]},
                "request_id": headers["request-id"],
            },
            headers,
        )
    content = anthropic_content(call.text, call.exchange.calls)
    if call.reasoning:
        content.insert(
            0, {"type": "thinking", "thinking": "", "signature": f"EqEB{call.trace}{call.session}"}
        )
    counts = {
        "input_tokens": call.input - call.cache_read - call.cache_write,
        "cache_creation_input_tokens": call.cache_write,
        "cache_read_input_tokens": call.cache_read,
        "cache_creation": {"ephemeral_5m_input_tokens": call.cache_write, "ephemeral_1h_input_tokens": 0},
        "output_tokens": call.output,
        "service_tier": "standard",
    }
    reason = {"stop": "end_turn", "length": "max_tokens", "tool_calls": "tool_use"}[call.finish]
    whole = {
        "id": call.id,
        "type": "message",
        "role": "assistant",
        "model": SERVED.get(call.model, call.model),
    }
    if call.ttft_ms is not None and not call.exchange.calls:
        body["stream"] = True
        events: list[dict[str, Any]] = [
            {
                "type": "message_start",
                "message": {
                    **whole,
                    "content": [],
                    "stop_reason": None,
                    "stop_sequence": None,
                    "usage": {**counts, "output_tokens": 1},
                },
            },
            {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        ]
        events += [
            {
                "type": "content_block_delta",
                "index": 0,
                "delta": {"type": "text_delta", "text": call.text[i : i + 400]},
            }
            for i in range(0, len(call.text), 400)
        ]
        events += [
            {"type": "content_block_stop", "index": 0},
            {
                "type": "message_delta",
                "delta": {"stop_reason": reason, "stop_sequence": None},
                "usage": {"output_tokens": call.output},
            },
            {"type": "message_stop"},
        ]
        text = "".join(f"event: {e['type']}\ndata: {dumps(e)}\n\n" for e in events)
        return envelope(
            call, url, body, text, {**headers, "content-type": "text/event-stream; charset=utf-8"}
        )
    return envelope(
        call,
        url,
        body,
        {**whole, "content": content, "stop_reason": reason, "stop_sequence": None, "usage": counts},
        headers,
    )
