"""Bodies of a dialect that is neither OpenAI's nor Anthropic's, or not known before it is read, told by their keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from router_audit.adapters import usage
from router_audit.adapters.blocks import as_record, as_text, decoded
from router_audit.adapters.conversation import messages_in, split_system
from router_audit.adapters.names import text_or_none
from router_audit.adapters.protocol import Record, call_id, record_id
from router_audit.types import LoggedRequest

if TYPE_CHECKING:
    from collections.abc import Iterator

_SETTINGS = ("generationConfig", "generation_config", "inferenceConfig", "options", "config", "parameters")
_PARAMS = {
    "max_tokens": ("max_completion_tokens", "max_tokens", "max_output_tokens", "maxOutputTokens", "maxTokens",
                   "num_predict", "max_tokens_to_sample"),
    "temperature": ("temperature",),
    "top_p": ("top_p", "topP"),
    "seed": ("seed",),
    "effort": ("reasoning_effort", "effort", "thinkingLevel"),
    "thinking_budget": ("thinking_budget", "thinkingBudget", "budget_tokens"),
    "stream": ("stream",),
}  # fmt: skip
_PARAM_HOLDERS = (*_SETTINGS, "reasoning", "thinking", "output_config")
_NO_TIER = {"auto", "default", "standard", "on_demand", "standard_only"}


def request_fields(body: dict[str, Any]) -> dict[str, Any]:
    """What the request asked: model, conversation, tools, answer format, parameters."""
    system, conversation = split_system(messages_in({k: v for k, v in body.items() if k not in _SETTINGS}))
    held = [body, *_records(body, _SETTINGS)]
    if system is None:
        inner = next((h for h in held[1:] if h.get("systemInstruction") or h.get("system_instruction")), None)
        system = None if inner is None else split_system(messages_in({**inner, "contents": "x"}))[0]
    fields: dict[str, Any] = {
        "request_model": text_or_none(body.get("model")),
        "system": system,
        "messages": conversation,
        "tools": next((found for source in held if (found := tools_in(offered(source)))), []),
        "response_format": response_format(held),
        "params": params_in(body),
        "user": user_in(body),
    }
    return {name: value for name, value in fields.items() if value not in (None, [], {})}


def response_fields(body: dict[str, Any]) -> dict[str, Any]:
    """What the provider answered: identity, served model, output, token counts, end and error."""
    answer = {
        key: body[key]
        for key in ("choices", "candidates", "output", "message", "content", "role")
        if key in body
    }
    if "response" in body and not answer:
        answer = {"content": body["response"]}
    counts = counts_in(body)
    fields: dict[str, Any] = {
        "response_id": text_or_none(body.get("id") or body.get("responseId") or body.get("response_id")),
        "response_model": text_or_none(
            body.get("model") or body.get("modelVersion") or body.get("model_version")
        ),
        "output": messages_in(answer, "assistant") if answer else [],
        "finish_reason": finish_reason(body),
        "service_tier": tier(body),
        **counted(counts),
        **error_fields(body),
    }
    return {name: value for name, value in fields.items() if value not in (None, [], {})}


def counts_in(body: dict[str, Any]) -> usage.Usage:
    """The token counts of a reply, wherever its dialect keeps them."""
    held = first_record(body, "usage", "usageMetadata", "usage_metadata")
    if "eval_count" in body or "prompt_eval_count" in body:
        # Ollama leaves the prompt's count out when it was cached: unknown, not zero.
        asked, answered = body.get("prompt_eval_count"), body.get("eval_count")
        return usage.inclusive(usage.count(asked) or None, usage.count(answered))
    billed = as_record(held.get("billed_units"))
    if billed:
        # Cohere's cached count belongs to its other pair of counts, of which nothing is billed.
        return usage.inclusive(
            usage.count(billed.get("input_tokens")), usage.count(billed.get("output_tokens"))
        )
    return usage.any_dialect(held)


def counted(counts: usage.Usage) -> dict[str, Any]:
    """Token counts as fields; flags apart, for the caller to join with its own."""
    fields: dict[str, Any] = {
        "input_tokens": counts.input_tokens,
        "output_tokens": counts.output_tokens,
        "cache_read_tokens": counts.cache_read_tokens,
        "cache_write_tokens": counts.cache_write_tokens,
        "cache_write_1h_tokens": counts.cache_write_1h_tokens,
        "reasoning_tokens": counts.reasoning_tokens,
        "flags": list(counts.flags),
    }
    return {name: value for name, value in fields.items() if value not in (None, [])}


def logged(
    fields: dict[str, Any], *, source: str, file: str, line: int, native: Record | tuple[object, ...]
) -> LoggedRequest:
    """The call, known by its provider's response id, else by what its own log calls it, else by its record."""
    held = {name: value for name, value in fields.items() if value not in (None, [], {})}
    response = held.get("response_id")
    known = record_id(response, native) if isinstance(native, dict) else call_id(response, source, *native)
    return LoggedRequest(request_id=known, source=source, file=file, line=line, **held)


def first_record(body: dict[str, Any], *keys: str) -> dict[str, Any]:
    """The first of the keys that holds an object, decoded; empty where none does."""
    return next(_records(body, keys), {})


def _records(body: dict[str, Any], keys: tuple[str, ...]) -> Iterator[dict[str, Any]]:
    """Those of the keys' values that are objects with something in them, decoded: of many keys mostly few."""
    for key in keys:
        if key in body and (found := as_record(body[key])):
            yield found


def offered(source: dict[str, Any]) -> Any:
    """Where a request body keeps the tools it offers."""
    held = source.get("tools") or source.get("functions")
    if held:
        return held
    for key in ("toolConfig", "tool_config"):
        inner = as_record(source.get(key)).get("tools")
        if inner:
            return inner
    return None


def tools_in(value: Any) -> list[dict[str, Any]]:
    """Tool definitions of any provider as name, description and parameters."""
    value = decoded(value)
    items = value if isinstance(value, list) else [value] if isinstance(value, dict) else []
    found: list[dict[str, Any]] = []
    for raw in items:
        item = as_record(raw)
        declared = item.get("functionDeclarations") or item.get("function_declarations")
        if isinstance(declared, list):
            found += tools_in(declared)
            continue
        spec = first_record(item, "function", "toolSpec", "kwargs") or item
        name = spec.get("name") or spec.get("type") or next((k for k in spec if k != "cachePoint"), None)
        if not isinstance(name, str) or "cachePoint" in item:
            continue
        tool: dict[str, Any] = {"name": name}
        if isinstance(spec.get("description"), str) and spec["description"]:
            tool["description"] = spec["description"]
        schema = first_record(spec, "parameters", "input_schema", "inputSchema", "parametersJsonSchema")
        schema = first_record(schema, "json", "jsonSchema") or schema
        if schema:
            tool["parameters"] = schema
        found.append(tool)
    return found


def response_format(held: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The answer format a request demands, or None where it demands nothing."""
    for source in held:
        stated = first_record(source, "response_format", "output_format")
        stated = stated or first_record(as_record(source.get("text")), "format")
        stated = stated or first_record(as_record(source.get("output_config")), "format")
        if str(stated.get("type")) in {"json_schema", "json_object"}:
            schema = first_record(stated, "schema") or first_record(
                as_record(stated.get("json_schema")), "schema"
            )
            return {"type": stated["type"], "schema": schema} if schema else {"type": stated["type"]}
        schema = first_record(source, "responseJsonSchema", "responseSchema", "response_schema", "format")
        if schema and "type" in schema:
            return {"type": "json_schema", "schema": schema}
        mime = source.get("responseMimeType") or source.get("response_mime_type")
        if mime == "application/json" or source.get("format") == "json":
            return {"type": "json_object"}
    return None


def params_in(body: dict[str, Any]) -> dict[str, Any]:
    """The parameters a request set, under our names."""
    held = [body, *_records(body, _PARAM_HOLDERS)]
    held += [inner for source in held if (inner := as_record(source.get("thinkingConfig")))]
    found: dict[str, Any] = {}
    for name, keys in _PARAMS.items():
        for source in held:
            value = None
            for key in keys:
                if (value := source.get(key)) is not None:
                    break
            value = decoded(value)
            if isinstance(value, (str, int, float)) and value != "":
                found[name] = _scalar(value)
                break
    return found


def _scalar(value: str | float) -> str | float:
    """Numbers and flags that a log wrote as text."""
    if not isinstance(value, str):
        return value
    if value.lower() in {"true", "false"}:
        return value.lower() == "true"
    try:
        return float(value) if "." in value else int(value)
    except ValueError:
        return value


def user_in(body: dict[str, Any]) -> str | None:
    """Whom the request was made for."""
    stated = (
        body.get("user") or body.get("safety_identifier") or as_record(body.get("metadata")).get("user_id")
    )
    return stated if isinstance(stated, str) and stated else None


def finish_reason(body: dict[str, Any]) -> str | None:
    """Why the answer ended, in the provider's word."""
    for key in ("choices", "candidates"):
        first = body.get(key)
        if isinstance(first, list) and first and isinstance(first[0], dict):
            reason = first[0].get("finish_reason") or first[0].get("finishReason")
            if isinstance(reason, str) and reason:
                return reason
    for key in ("stop_reason", "stopReason", "done_reason", "finish_reason", "finishReason"):
        if isinstance(body.get(key), str) and body[key]:
            return str(body[key])
    incomplete = as_record(body.get("incomplete_details")).get("reason")
    blocked = first_record(body, "promptFeedback").get("blockReason")
    return incomplete or blocked or (body.get("status") if body.get("object") == "response" else None)


def tier(body: dict[str, Any]) -> str | None:
    """The service tier where it changes the price."""
    stated = body.get("service_tier") or as_record(body.get("usage")).get("service_tier")
    stated = stated or as_record(body.get("usageMetadata")).get("serviceTier")
    return stated if isinstance(stated, str) and stated and stated.lower() not in _NO_TIER else None


def error_fields(body: dict[str, Any]) -> dict[str, Any]:
    """Status and kind of the error a body carries."""
    error = body.get("error")
    if not error and body.get("type") != "error":
        return {}
    held = error if isinstance(error, dict) else {}
    code = held.get("code")
    kind = (
        code
        if isinstance(code, str) and not code.isdigit()
        else held.get("type") or held.get("status") or code
    )
    return {"status": "error", "error_type": str(kind) if kind else as_text(error)[:80]}
