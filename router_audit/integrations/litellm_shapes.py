"""What LiteLLM hands its callbacks, read: names of deployments, sessions, endpoints, answers, chunks, log payloads.

Nothing here imports LiteLLM.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from router_audit.exporters.litellm import PROVIDERS

if TYPE_CHECKING:
    from collections.abc import Mapping

KEPT = (
    "id", "trace_id", "session_id", "call_type", "stream", "response_cost", "status", "error_str", "error_information",
    "custom_llm_provider", "model", "model_group", "model_parameters", "messages", "response", "total_tokens",
    "prompt_tokens", "completion_tokens", "startTime", "endTime", "completionStartTime", "end_user", "request_tags",
    "cache_hit", "hidden_params",
)  # fmt: skip
"""Of LiteLLM's logging payload: what an audit reads."""
KEPT_METADATA = (
    "usage_object", "additional_usage_values", "user_api_key_team_alias", "user_api_key_project_alias",
    "user_api_key_alias", "attempted_retries", "routing_decision",
)  # fmt: skip


def log_line(payload: Mapping[str, Any], told: Mapping[str, Any] | None) -> dict[str, Any]:
    """One line of our log: of LiteLLM's payload what an audit reads, and what the router has to tell."""
    metadata = payload.get("metadata") or {}
    kept = {name: metadata[name] for name in KEPT_METADATA if metadata.get(name) is not None}
    if told is not None:
        kept["requester_metadata"] = {"router_audit": dict(told)}
    return {name: payload[name] for name in KEPT if name in payload} | {"metadata": kept}


def name_in(models: list[Any], ref: str) -> str | None:
    """The public name of a `provider/model`: by that name, by its bare name, or by what its deployment calls."""
    provider, _, bare = ref.partition("/")
    bare = bare.partition("@")[0]
    spelled = {f"{who}/{bare}" for who in (provider, *PROVIDERS.get(provider, ()))}
    names = [entry["model_name"] for entry in models]
    for name in (ref, f"{provider}/{bare}", bare):
        if name in names:
            return str(name)
    return next(
        (
            str(entry["model_name"])
            for entry in models
            if entry["litellm_params"]["model"] in {*spelled, bare}
        ),
        None,
    )


def session_of(data: Mapping[str, Any]) -> dict[str, str]:
    """`session_id` of a call, if it has one: what else our router is told."""
    for holder in (data, data.get("litellm_metadata") or {}, data.get("metadata") or {}):
        told = holder.get("litellm_session_id") or holder.get("session_id")
        if isinstance(told, str) and told:
            return {"session_id": told}
    return {}


def is_anthropic(data: Mapping[str, Any]) -> bool:
    """Whether a call came in by Anthropic's Messages endpoint."""
    url = str((data.get("proxy_server_request") or {}).get("url") or "")
    return url.partition("?")[0].rstrip("/").endswith("/messages")


def plain(response: Any) -> dict[str, Any] | None:
    """An answer as plain data; None where it is no such thing."""
    if isinstance(response, dict):
        return response
    dump = getattr(response, "model_dump", None)
    found = dump() if callable(dump) else None
    return found if isinstance(found, dict) else None


def says_something(chunk: Any) -> bool:
    """Whether a chunk carries text or a tool call; what is no chat chunk is passed on at once."""
    choices = getattr(chunk, "choices", None)
    if choices is None:
        return True
    delta = getattr(choices[0], "delta", None) if choices else None
    return bool(delta is not None and (getattr(delta, "content", None) or getattr(delta, "tool_calls", None)))
