"""Tools, response formats and call parameters of every dialect to one shape."""

from __future__ import annotations

from typing import Any

from router_audit.adapters.messages import parsed


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def tools(raw: Any) -> list[dict[str, Any]]:
    """Tool definitions as `{"name", "description"?, "parameters"?}`, from OpenAI's (old and new) or Anthropic's."""
    raw = parsed(raw)
    if isinstance(raw, dict):
        raw = list(raw.values()) if all(isinstance(value, dict) for value in raw.values()) else [raw]
    if not isinstance(raw, list):
        return []
    made = []
    for entry in map(parsed, raw):
        if not isinstance(entry, dict):
            continue
        inner = entry.get("function") or entry.get("toolSpec") or entry.get("custom") or entry
        inner = _mapping(inner)
        name = inner.get("name") or entry.get("name") or entry.get("type")
        if not isinstance(name, str):
            continue
        tool: dict[str, Any] = {"name": name}
        description = inner.get("description")
        if isinstance(description, str) and description:
            tool["description"] = description
        parameters = parsed(
            inner.get("parameters")
            or inner.get("input_schema")
            or inner.get("inputSchema")
            or inner.get("schema")
        )
        if isinstance(parameters, dict) and parameters:
            tool["parameters"] = parameters.get("json", parameters)
        made.append(tool)
    return made


def response_format(raw: Any) -> dict[str, Any] | None:
    """`{"type", "schema"?}` of a `response_format`, `text.format` or `output_format`; None for plain text."""
    raw = parsed(raw)
    if isinstance(raw, str):
        raw = {"type": raw}
    if not isinstance(raw, dict):
        return None
    kind = raw.get("type")
    if kind in ("json_object", "json"):
        return {"type": "json_object"}
    schema = _mapping(raw.get("json_schema")).get("schema") or raw.get("schema")
    if kind == "json_schema" or schema:
        return (
            {"type": "json_schema", "schema": schema} if isinstance(schema, dict) else {"type": "json_schema"}
        )
    return None


_PARAMS = {
    "max_tokens": "max_tokens",
    "max_completion_tokens": "max_tokens",
    "max_output_tokens": "max_tokens",
    "maxOutputTokens": "max_tokens",
    "max_tokens_to_sample": "max_tokens",
    "temperature": "temperature",
    "reasoning_effort": "effort",
    "effort": "effort",
    "stream": "stream",
    "top_p": "top_p",
    "verbosity": "verbosity",
    "tool_choice": "tool_choice",
}


def params(raw: dict[str, Any]) -> dict[str, Any]:
    """`max_tokens`, `temperature`, `effort`, `thinking_budget`, `stream`, ... of a request body: what was set."""
    made: dict[str, Any] = {}
    for name, value in raw.items():
        known = _PARAMS.get(name)
        if known is not None and value is not None:
            made[known] = value
    reasoning = raw.get("reasoning")
    if isinstance(reasoning, dict) and reasoning.get("effort"):
        made["effort"] = reasoning["effort"]
    thinking = raw.get("thinking")
    if isinstance(thinking, dict) and thinking.get("budget_tokens"):
        made["thinking_budget"] = thinking["budget_tokens"]
    output = raw.get("output_config")
    if isinstance(output, dict) and output.get("effort"):
        made["effort"] = output["effort"]
    return made
