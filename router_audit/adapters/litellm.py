"""LiteLLM: `StandardLoggingPayload` (callbacks, S3, GCS) and `LiteLLM_SpendLogs` rows (JSON, CSV, PostgreSQL)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from router_audit.adapters import bodies, clock, messages, shapes, usage
from router_audit.adapters.messages import mapping, parsed
from router_audit.adapters.outcome import outcome
from router_audit.adapters.protocol import Each, Reader, Record, RecordError, record_id
from router_audit.types import Filtered, LoggedRequest

if TYPE_CHECKING:
    from router_audit.types import Outcome

_TEXT = frozenset(
    [
        "completion",
        "acompletion",
        "text_completion",
        "atext_completion",
        "responses",
        "aresponses",
        "anthropic_messages",
        "generate_content",
        "agenerate_content",
        "generate_content_stream",
        "agenerate_content_stream",
        "acreate_batch_completion",
        "pass_through_endpoint",
    ]
)
"""Call types that generate text; embeddings, images, speech, moderation, files and MCP tools are others."""

_PROVIDERS = {"vertex_ai": "google", "gemini": "google", "bedrock": "aws", "azure_ai": "azure", "xai": "x-ai"}


def _is_spend_log(record: Record) -> bool:
    return "call_type" in record and "spend" in record and "request_tags" in record


def _is_payload(record: Record) -> bool:
    return (
        "call_type" in record
        and "response_cost" in record
        and ("custom_llm_provider" in record or "hidden_params" in record)
    )


class _LiteLLM:
    """Payloads and spend logs; both write tokens as OpenAI does, cached ones inside."""

    source = "litellm"
    reads = "StandardLoggingPayload and SpendLogs rows (JSON, CSV, PostgreSQL)"
    ordered = False

    def detects(self, record: Record) -> bool:
        """The payload itself, one wrapped by a database callback, or a SpendLogs row."""
        return (
            _is_payload(record)
            or _is_spend_log(record)
            or "standard_logging_object" in record
            or "standard_logging_object" in (record.get("kwargs") or ())
        )

    def reader(self, file: str) -> Reader:
        """Each record stands alone."""
        return Each(file, _read)


def _read(record: Record, file: str, line: int) -> list[Outcome]:
    if _is_spend_log(record):
        return [_call(record, file, line, cost=record.get("spend"))]
    if not _is_payload(record):
        inner = record.get("standard_logging_object") or mapping(record.get("kwargs")).get(
            "standard_logging_object"
        )
        record = mapping(inner)
        if not record:
            raise RecordError("standard_logging_object is empty")
    return [_call(record, file, line, cost=record.get("response_cost"))]


def _served_by_cache(record: Record) -> bool:
    """`cache_hit` is LiteLLM's own response cache, never the provider's; it comes as text in spend logs."""
    return record.get("cache_hit") in (True, "True", "true")


def _tokens(record: Record, metadata: dict[str, Any], response: dict[str, Any]) -> usage.Usage:
    raw = mapping(metadata.get("usage_object")) or mapping(response.get("usage"))
    detail = mapping(metadata.get("additional_usage_values"))
    totals = {
        name: record[name]
        for name in ("prompt_tokens", "completion_tokens", "total_tokens")
        if record.get(name) not in (None, "")
    }
    whole = {**detail, **raw, **totals}
    counted = usage.openai(whole)
    uncached = usage.count(record.get("prompt_tokens")) or 0
    cached = (usage.count(whole.get("cache_read_input_tokens")) or 0) + (
        usage.count(whole.get("cache_creation_input_tokens")) or 0
    )
    if record.get("call_type") == "anthropic_messages" and cached > uncached:
        # Some versions log the Messages endpoint as Anthropic counts it: cached tokens beside the prompt.
        counted = usage.exclusive(
            uncached,
            counted.output_tokens,
            cache_read=usage.count(whole.get("cache_read_input_tokens")),
            cache_write=usage.count(whole.get("cache_creation_input_tokens")),
            cache_write_1h=counted.cache_write_1h_tokens,
            reasoning=counted.reasoning_tokens,
        )
    return counted


def _text(*values: Any) -> str | None:
    return next((value for value in values if isinstance(value, str) and value and value != "None"), None)


def _times(record: Record, fields: bodies.Fields) -> None:
    started, flag = clock.utc(record.get("startTime"), naive="utc")
    ended, _ = clock.utc(record.get("endTime"), naive="utc")
    first, _ = clock.utc(record.get("completionStartTime"), naive="utc")
    fields["started_at"] = started
    fields["latency_ms"] = clock.between_ms(started, ended)
    if first is not None and first != ended:
        fields["time_to_first_token_ms"] = clock.between_ms(started, first)
    if flag:
        fields["flags"].append(flag)


def _who(record: Record, metadata: dict[str, Any], fields: bodies.Fields) -> None:
    params = mapping(record.get("model_parameters"))
    fields["session_id"] = _text(record.get("session_id"), record.get("trace_id"))
    fields["trace_id"] = _text(record.get("trace_id"))
    fields["user"] = _text(
        record.get("end_user"),
        params.get("user"),
        metadata.get("user_api_key_end_user_id"),
        metadata.get("user_api_key_user_id"),
        record.get("user"),
    )
    fields["team"] = _text(
        metadata.get("user_api_key_team_alias"),
        metadata.get("user_api_key_team_id"),
        metadata.get("team_alias"),
        record.get("team_id"),
        record.get("organization_id"),
    )
    fields["project"] = _text(
        metadata.get("user_api_key_project_alias"),
        metadata.get("user_api_key_project_id"),
        metadata.get("user_api_key_alias"),
    )
    tags = parsed(record.get("request_tags"))
    if isinstance(tags, list):
        fields["tags"] = [str(tag) for tag in tags]
    retries = metadata.get("attempted_retries")
    if retries.__class__ is int and retries > 0:
        fields["retry_count"] = retries


def stated(decided: Any, requester: Any, spend: Any) -> bodies.Fields:
    """How the call was routed and whether it did its job.

    Told by `routing_decision`, `requester_metadata` and `spend_logs_metadata` of a payload's metadata.
    """
    fields: bodies.Fields = {}
    routing, requester, spend = mapping(decided), mapping(requester), mapping(spend)
    own = mapping(requester.get("router_audit")) or mapping(spend.get("router_audit"))
    if routing or own:
        fields["routing"] = {**routing, **own}
    if not outcome(spend, fields):
        outcome(requester, fields)
    return fields


def provider(name: str | None) -> str | None:
    """The provider that `custom_llm_provider` names, in our words."""
    return _PROVIDERS.get(name, name) if name else None


def _error(record: Record, metadata: dict[str, Any], fields: bodies.Fields) -> None:
    information = mapping(record.get("error_information")) or mapping(metadata.get("error_information"))
    if record.get("status") == "failure" or metadata.get("status") == "failure":
        fields["status"] = "error"
        fields["error_type"] = (
            _text(
                information.get("error_class"),
                str(information.get("error_code") or ""),
                record.get("error_str"),
            )
            or "failure"
        )[:200]


def _call(record: Record, file: str, line: int, *, cost: Any) -> Outcome:
    kind = record.get("call_type")
    if isinstance(kind, str) and kind and kind not in _TEXT:
        return Filtered(f"no text generation: {kind}")
    if _served_by_cache(record):
        return Filtered("served by the gateway's own response cache, not by a provider")
    metadata = mapping(record.get("metadata"))
    response = mapping(record.get("response"))
    asked = {**mapping(record.get("proxy_server_request")), **mapping(record.get("model_parameters"))}
    sent = mapping(asked.get("body")) or asked
    prompt = parsed(record.get("messages"))
    if prompt in ({}, [], "", None):
        prompt = sent.get("messages", sent.get("input"))
    body = {**sent, "messages": prompt}
    responses = response.get("object") == "response"
    if responses:
        body["input"] = prompt
    answered = {name: value for name, value in response.items() if name not in ("usage", "created")}
    fields = bodies.responses(body, answered) if responses else bodies.chat(body, answered)
    if response.get("type") == "message":
        fields["output"] = messages.assistant(response.get("content"))
        fields["finish_reason"] = _text(response.get("stop_reason"))
    counted = _tokens(record, metadata, response)
    fields |= {name: value for name, value in msgspec.structs.asdict(counted).items() if name != "flags"}
    fields["flags"] = [*counted.flags]
    fields["provider"] = provider(_text(record.get("custom_llm_provider")))
    fields["request_model"] = _text(record.get("model_group"), sent.get("model"), record.get("model"))
    fields["response_model"] = _text(response.get("model"), record.get("model"))
    fields["response_id"] = _text(response.get("id"), record.get("id"), record.get("request_id"))
    if record.get("stream") is not None:
        fields["params"] = {**shapes.params(sent), "stream": bool(record["stream"])}
    spent = clock.number(cost)
    if spent is not None and (spent > 0 or not counted.input_tokens):
        # A model that LiteLLM has no price for is logged with cost 0.
        fields["logged_cost_usd"] = str(cost)
    _times(record, fields)
    _who(record, metadata, fields)
    _error(record, metadata, fields)
    fields |= stated(
        metadata.get("routing_decision"),
        metadata.get("requester_metadata"),
        metadata.get("spend_logs_metadata"),
    )
    identity = record_id(fields["response_id"], record)
    return LoggedRequest(request_id=identity, source="litellm", file=file, line=line, **fields)


LITELLM = _LiteLLM()
