"""A LiteLLM payload without what its adapter never reads: most of its bytes are a copy of the price list's entry."""

from __future__ import annotations

from typing import Any

import msgspec

_READ = (
    "call_type", "response_cost", "custom_llm_provider", "id", "request_id", "trace_id", "session_id", "cache_hit",
    "stream", "status", "startTime", "endTime", "completionStartTime", "model", "model_group", "metadata",
    "total_tokens", "prompt_tokens", "completion_tokens", "request_tags", "end_user", "user", "team_id",
    "organization_id", "messages", "response", "model_parameters", "proxy_server_request", "error_str",
    "error_information",
)  # fmt: skip
"""All that `litellm` reads of a payload."""
_NEEDED = _READ[:3]
"""What tells a payload."""
OTHERS = (
    "spend", "attributes", "resourceSpans", "resourceLogs", "openinference.span.kind",
    "attributes.openinference.span.kind", "attributes.llm.model_name", "gen_ai.request.model",
    "gen_ai.operation.name", "gen_ai.system",
)  # fmt: skip
"""What tells a spend log, or a format that is asked before."""
_SHORTEST_ID = 16

_names = {f"field_{number}": name for number, name in enumerate((*_READ, *OTHERS))}
_Payload = msgspec.defstruct(
    "_Payload",
    [(name, Any, msgspec.field(default=msgspec.UNSET)) for name in _names],
    rename=_names,
    gc=False,
)
_decode = msgspec.json.Decoder(_Payload).decode
_values = msgspec.structs.astuple
_NO_OTHER = (msgspec.UNSET,) * len(OTHERS)


def payload(raw: bytes) -> dict[str, Any] | None:
    """The record on the line, as far as it is read; None where it is to be read in full.

    That is all that is no payload, and one without a response id of its own, which is told by all that is in it.
    """
    try:
        if not raw.isascii():
            raw.decode()  # what is passed over is not looked at otherwise
        values = _values(_decode(raw))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if values[len(_READ) :] != _NO_OTHER:
        return None
    record = {name: value for name, value in zip(_READ, values, strict=False) if value is not msgspec.UNSET}
    response = record.get("response")
    identity = response.get("id") if response.__class__ is dict else None
    unique = identity.__class__ is str and len(identity) >= _SHORTEST_ID and not identity.isdigit()
    return record if unique and all(name in record for name in _NEEDED) else None
