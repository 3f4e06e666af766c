"""Request/response pairs of OpenAI Chat Completions and Responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .calls import SERVED, Call
from .pairs import dumps, envelope

if TYPE_CHECKING:
    from .compose import Conversation


def openai_tools(conv: Conversation) -> list[dict[str, Any]]:
    return [{"type": "function", "function": t} for t in conv.tools]


def openai_messages(call: Call) -> list[dict[str, Any]]:
    out: list[dict[str, Any]] = []
    if call.conv.system:
        out.append({"role": "system", "content": call.conv.system})
    for m in call.exchange.messages:
        if m["role"] == "tool":
            out.append({"role": "tool", "tool_call_id": f"call_{m['call_id']}", "content": m["text"]})
        elif m.get("calls"):
            out.append(
                {
                    "role": "assistant",
                    "content": m["text"] or None,
                    "tool_calls": [
                        {
                            "id": f"call_{c['id']}",
                            "type": "function",
                            "function": {"name": c["name"], "arguments": dumps(c["args"])},
                        }
                        for c in m["calls"]
                    ],
                }
            )
        else:
            out.append({"role": m["role"], "content": m["text"]})
    return out


def chat(call: Call) -> dict[str, Any]:
    conv, streamed = call.conv, call.ttft_ms is not None and not call.error and not call.exchange.calls
    body: dict[str, Any] = {
        "model": call.model,
        "messages": openai_messages(call),
        "user": call.user,
        "metadata": {"team": call.team, "session_id": call.session, "env": "prod"},
    }
    if call.outcome is not None:
        body["metadata"]["outcome"] = "resolved" if call.outcome else "unresolved"
    if call.finish == "length":
        body["max_completion_tokens"] = call.output
    if conv.profile == "reasoning":
        body["reasoning_effort"] = "high" if call.start_ms % 2 else "medium"
    if conv.tools:
        body["tools"] = openai_tools(conv)
    if conv.forced:
        body["tool_choice"] = {"type": "function", "function": {"name": conv.forced}}
    if conv.schema:
        body["response_format"] = {"type": "json_schema", "json_schema": conv.schema}
    headers = {
        "openai-processing-ms": str(call.latency_ms),
        "openai-organization": "harbour-finch",
        "x-request-id": f"req_{call.trace[:20]}{call.start_ms:x}",
        "content-type": "application/json",
    }
    url = "https://api.openai.com/v1/chat/completions"
    if call.error:
        _, code, text = call.error
        return envelope(
            call, url, body, {"error": {"message": text, "type": code, "param": None, "code": code}}, headers
        )
    counts = {
        "prompt_tokens": call.input,
        "completion_tokens": call.output,
        "total_tokens": call.input + call.output,
        "prompt_tokens_details": {"cached_tokens": call.cache_read, "audio_tokens": 0},
        "completion_tokens_details": {
            "reasoning_tokens": call.reasoning,
            "audio_tokens": 0,
            "accepted_prediction_tokens": 0,
            "rejected_prediction_tokens": 0,
        },
    }
    base = {
        "id": call.id,
        "created": call.start_ms // 1000,
        "model": SERVED.get(call.model, call.model),
        "service_tier": "default",
        "system_fingerprint": None,
    }
    if streamed:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
        chunks: list[dict[str, Any]] = []
        pieces = [call.text[i : i + 400] for i in range(0, len(call.text), 400)]
        for n, piece in enumerate(pieces):
            delta = {"role": "assistant", "content": piece} if n == 0 else {"content": piece}
            chunks.append({"choices": [{"index": 0, "delta": delta, "finish_reason": None}], "usage": None})
        chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": call.finish}], "usage": None})
        chunks.append({"choices": [], "usage": counts})
        text = "".join(f"data: {dumps({**base, 'object': 'chat.completion.chunk', **c})}\n\n" for c in chunks)
        return envelope(
            call, url, body, text + "data: [DONE]\n\n", {**headers, "content-type": "text/event-stream"}
        )
    message: dict[str, Any] = {
        "role": "assistant",
        "content": call.text or None,
        "refusal": None,
        "annotations": [],
    }
    if call.exchange.calls:
        message["tool_calls"] = [
            {
                "id": f"call_{c['id']}",
                "type": "function",
                "function": {"name": c["name"], "arguments": dumps(c["args"])},
            }
            for c in call.exchange.calls
        ]
    return envelope(
        call,
        url,
        body,
        {
            **base,
            "object": "chat.completion",
            "usage": counts,
            "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": call.finish}],
        },
        headers,
    )


def responses(call: Call) -> dict[str, Any]:
    conv = call.conv
    items: list[dict[str, Any]] = []
    for m in call.exchange.messages:
        if m["role"] == "tool":
            items.append(
                {"type": "function_call_output", "call_id": f"call_{m['call_id']}", "output": m["text"]}
            )
            continue
        if m["text"]:
            items.append({"role": m["role"], "content": m["text"]})
        items += [
            {
                "type": "function_call",
                "call_id": f"call_{c['id']}",
                "name": c["name"],
                "arguments": dumps(c["args"]),
            }
            for c in m.get("calls", [])
        ]
    meta = {"team": call.team, "session_id": call.session}
    if call.outcome is not None:
        meta["outcome"] = "resolved" if call.outcome else "unresolved"
    tools = [{"type": "function", "strict": True, **t} for t in conv.tools]
    text = {"format": {"type": "json_schema", **conv.schema} if conv.schema else {"type": "text"}}
    limit = call.output if call.finish == "length" else None
    effort = {"effort": "high" if conv.profile == "reasoning" else "low"}
    body: dict[str, Any] = {
        "model": call.model,
        "instructions": conv.system,
        "input": items,
        "metadata": meta,
        "user": call.user,
        "tools": tools,
        "text": text,
        "reasoning": effort,
        "max_output_tokens": limit,
    }
    headers = {
        "openai-processing-ms": str(call.latency_ms),
        "x-request-id": f"req_{call.trace[:20]}{call.start_ms:x}",
        "content-type": "application/json",
    }
    url = "https://api.openai.com/v1/responses"
    if call.error:
        _, code, said = call.error
        return envelope(
            call, url, body, {"error": {"message": said, "type": code, "param": None, "code": code}}, headers
        )
    output: list[dict[str, Any]] = [{"type": "reasoning", "id": f"rs_{call.trace}", "summary": []}]
    if call.text:
        output.append(
            {
                "type": "message",
                "id": f"msg_{call.trace}",
                "role": "assistant",
                "status": "completed",
                "content": [{"type": "output_text", "text": call.text, "annotations": []}],
            }
        )
    output += [
        {
            "type": "function_call",
            "id": f"fc_{c['id']}",
            "call_id": f"call_{c['id']}",
            "name": c["name"],
            "arguments": dumps(c["args"]),
            "status": "completed",
        }
        for c in call.exchange.calls
    ]
    cut = call.finish == "length"
    return envelope(
        call,
        url,
        body,
        {
            "id": call.id,
            "object": "response",
            "created_at": call.start_ms // 1000,
            "completed_at": (call.start_ms + call.latency_ms) // 1000,
            "status": "incomplete" if cut else "completed",
            "incomplete_details": {"reason": "max_output_tokens"} if cut else None,
            "error": None,
            "instructions": conv.system,
            "model": SERVED.get(call.model, call.model),
            "output": output,
            "metadata": meta,
            "previous_response_id": None,
            "reasoning": effort,
            "service_tier": "default",
            "text": text,
            "tools": tools,
            "max_output_tokens": limit,
            "usage": {
                "input_tokens": call.input,
                "input_tokens_details": {"cached_tokens": call.cache_read},
                "output_tokens": call.output,
                "output_tokens_details": {"reasoning_tokens": call.reasoning},
                "total_tokens": call.input + call.output,
            },
        },
        headers,
    )
