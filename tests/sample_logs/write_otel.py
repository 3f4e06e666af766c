"""OTLP/JSON lines as a file exporter writes them: one batch of spans a line."""

from __future__ import annotations

import json
from typing import Any

from .calls import SERVED, Call

SERVICE = {
    "support": "desk-bot",
    "claims": "claims-workbench",
    "growth": "insights",
    "platform": "oncall-helper",
}


def attr(key: str, value: Any) -> dict[str, Any]:
    if isinstance(value, bool):
        typed: dict[str, Any] = {"boolValue": value}
    elif isinstance(value, int):
        typed = {"intValue": str(value)}
    elif isinstance(value, float):
        typed = {"doubleValue": value}
    elif isinstance(value, list):
        typed = {"arrayValue": {"values": [{"stringValue": v} for v in value]}}
    else:
        typed = {"stringValue": value}
    return {"key": key, "value": typed}


def message(role: str, text: str, calls: list[dict[str, Any]]) -> dict[str, Any]:
    parts: list[dict[str, Any]] = [{"type": "text", "content": text}] if text else []
    parts += [{"type": "tool_call", "id": c["id"], "name": c["name"], "arguments": c["args"]} for c in calls]
    return {"role": role, "parts": parts}


def span(call: Call) -> dict[str, Any]:
    conv = call.conv
    seen = [
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": m["call_id"], "response": m["text"]}]}
        if m["role"] == "tool"
        else message(m["role"], m["text"], m.get("calls", []))
        for m in call.exchange.messages
    ]
    values: dict[str, Any] = {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": call.provider,
        "gen_ai.request.model": call.model,
        "gen_ai.conversation.id": call.session,
        "user.id": call.user,
        "gen_ai.request.max_tokens": call.output if call.finish == "length" else 4096,
        "gen_ai.input.messages": json.dumps(seen, ensure_ascii=False),
    }
    if conv.system:
        values["gen_ai.system_instructions"] = json.dumps(
            [{"type": "text", "content": conv.system}], ensure_ascii=False
        )
    if conv.tools:
        values["gen_ai.tool.definitions"] = json.dumps([{"type": "function", **t} for t in conv.tools])
    if conv.schema:
        values["gen_ai.output.type"] = "json"
    if call.error:
        values["error.type"] = str(call.error[0])
    else:
        out = message("assistant", call.text, call.exchange.calls) | {"finish_reason": call.finish}
        values |= {
            "gen_ai.response.id": call.id,
            "gen_ai.response.model": SERVED.get(call.model, call.model),
            "gen_ai.response.finish_reasons": [call.finish],
            "gen_ai.usage.input_tokens": call.input,
            "gen_ai.usage.output_tokens": call.output,
            "gen_ai.usage.cache_read.input_tokens": call.cache_read,
            "gen_ai.usage.cache_creation.input_tokens": call.cache_write,
            "gen_ai.usage.reasoning.output_tokens": call.reasoning,
            "gen_ai.output.messages": json.dumps([out], ensure_ascii=False),
        }
        if call.ttft_ms is not None:
            values |= {
                "gen_ai.request.stream": True,
                "gen_ai.response.time_to_first_chunk": call.ttft_ms / 1000,
            }
    end = call.start_ms + call.latency_ms
    made: dict[str, Any] = {
        "traceId": call.trace,
        "spanId": span_id(call),
        "name": f"chat {call.model}",
        "kind": 3,
        "startTimeUnixNano": f"{call.start_ms}000000",
        "endTimeUnixNano": f"{end}000000",
        "attributes": [attr(k, v) for k, v in values.items()],
        "status": {"code": 2, "message": call.error[2]} if call.error else {"code": 1},
        "flags": 256,
    }
    if call.outcome is not None:
        made["events"] = [
            {
                "timeUnixNano": f"{end + 1}000000",
                "name": "gen_ai.evaluation.result",
                "attributes": [
                    attr("gen_ai.evaluation.name", "resolved"),
                    attr("gen_ai.evaluation.score.value", 1.0 if call.outcome else 0.0),
                    attr("gen_ai.evaluation.score.label", "resolved" if call.outcome else "unresolved"),
                    attr("gen_ai.response.id", call.id),
                ],
            }
        ]
    return made


def span_id(call: Call) -> str:
    return f"{(call.start_ms * 2654435761 + call.attempt * 97 + len(call.exchange.messages)) % 2**64:016x}"


def batch(team: str, calls: list[Call]) -> dict[str, Any]:
    resource = {
        "service.name": SERVICE[team],
        "service.namespace": "harbour-finch",
        "team": team,
        "deployment.environment.name": "prod",
        "telemetry.sdk.language": "python",
    }
    return {
        "resourceSpans": [
            {
                "resource": {"attributes": [attr(k, v) for k, v in resource.items()]},
                "scopeSpans": [
                    {
                        "scope": {"name": "harbour.genai", "version": "0.9.2"},
                        "spans": [span(call) for call in calls],
                    }
                ],
            }
        ]
    }


def batches(calls: list[Call]) -> list[dict[str, Any]]:
    """Each team's exporter flushes up to six spans at a time, in the order of the last one's end."""
    out: list[tuple[int, dict[str, Any]]] = []
    for team in SERVICE:
        mine = [c for c in calls if c.team == team]
        for n in range(0, len(mine), 6):
            chunk = mine[n : n + 6]
            out.append((max(c.start_ms + c.latency_ms for c in chunk), batch(team, chunk)))
    return [line for _, line in sorted(out, key=lambda pair: pair[0])]
