"""Response bodies as the providers write them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from tests.loopback.script import Bill, Call, Fails, Protocol, Says


def anthropic_body(call: Call, said: Says, bill: Bill) -> dict[str, Any]:
    """A Messages response."""
    said = default_answer(call, said)
    content: list[dict[str, Any]] = []
    if said.text:
        content.append({"type": "text", "text": said.text})
    if said.tool is not None and not said.refusal:
        name = said.tool_name or _tool_name(call)
        content.append(
            {"type": "tool_use", "id": f"toolu_{call.number}", "name": name, "input": dict(said.tool)}
        )
    finish = {"length": "max_tokens"}.get(said.finish or "", said.finish)
    stop = finish or ("refusal" if said.refusal else "tool_use" if said.tool is not None else "end_turn")
    return {
        "id": f"msg_{call.number}",
        "type": "message",
        "role": "assistant",
        "model": call.body.get("model"),
        "content": content,
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": {
            "input_tokens": bill.input_tokens - bill.cache_read_tokens - bill.cache_write_tokens,
            "cache_read_input_tokens": bill.cache_read_tokens,
            "cache_creation_input_tokens": bill.cache_write_tokens,
            "output_tokens": bill.output_tokens,
        },
    }


def openai_body(call: Call, said: Says, bill: Bill) -> dict[str, Any]:
    """A chat.completion."""
    said = default_answer(call, said)
    message: dict[str, Any] = {"role": "assistant", "content": said.text, "refusal": None}
    calls_tool = said.tool is not None or said.arguments is not None
    if said.refusal:
        message |= {"content": None, "refusal": "I cannot help with that."}
    elif calls_tool:
        function = {
            "name": said.tool_name or _tool_name(call),
            "arguments": json.dumps(dict(said.tool or {})) if said.arguments is None else said.arguments,
        }
        message["tool_calls"] = [{"id": f"call_{call.number}", "type": "function", "function": function}]
    finish = {"max_tokens": "length"}.get(said.finish or "", said.finish)
    choice: dict[str, Any] = {
        "index": 0,
        "message": message,
        "finish_reason": finish or ("tool_calls" if calls_tool and not said.refusal else "stop"),
        "logprobs": None,
    }
    if said.logprob is not None:
        token = {"token": "x", "logprob": said.logprob, "bytes": None, "top_logprobs": []}
        choice["logprobs"] = {"content": [token] * bill.output_tokens, "refusal": None}
    return {
        "id": f"chatcmpl-{call.number}",
        "object": "chat.completion",
        "created": 1_793_000_000,
        "model": call.body.get("model"),
        "choices": [choice],
        "usage": {
            "prompt_tokens": bill.input_tokens,
            "completion_tokens": bill.output_tokens,
            "total_tokens": bill.input_tokens + bill.output_tokens,
            "prompt_tokens_details": {"cached_tokens": bill.cache_read_tokens},
        },
    }


def default_answer(call: Call, said: Says) -> Says:
    if said.refusal or any(value is not None for value in (said.text, said.tool, said.arguments)):
        return said
    schema = _schema(call)
    if schema is None:
        return replace(said, text="ok")
    values = {name: _first(about) for name, about in (schema.get("properties") or {}).items()}
    return replace(said, tool=values) if _tool_name(call) else replace(said, text=json.dumps(values))


def _first(about: Mapping[str, Any]) -> Any:
    if about.get("enum"):
        return about["enum"][0]
    return {"integer": 0, "number": 0, "boolean": False, "array": [], "object": {}}.get(
        about.get("type", ""), "x"
    )


def _tool_name(call: Call) -> str:
    choice = call.body.get("tool_choice")
    if isinstance(choice, dict):
        named = choice.get("name") or (choice.get("function") or {}).get("name")
        if named:
            return str(named)
    tools = call.body.get("tools") or [{}]
    return str(tools[0].get("name") or (tools[0].get("function") or {}).get("name") or "")


def _schema(call: Call) -> Mapping[str, Any] | None:
    for tool in call.body.get("tools") or ():
        name = tool.get("name") or (tool.get("function") or {}).get("name")
        if name == _tool_name(call):
            return tool.get("input_schema") or (tool.get("function") or {}).get("parameters")
    config = (call.body.get("output_config") or {}).get("format") or {}
    if "schema" in config:
        return config["schema"]
    return ((call.body.get("response_format") or {}).get("json_schema") or {}).get("schema")


def error_body(protocol: Protocol, failed: Fails) -> dict[str, Any]:
    about = {"type": failed.kind, "message": failed.message}
    return {"type": "error", "error": about} if protocol == "anthropic" else {"error": about | {"code": None}}
