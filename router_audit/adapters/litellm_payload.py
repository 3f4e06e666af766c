"""LiteLLM's plain payload as types: a chat that succeeded, with an id of the provider's.

Most of a payload is read by nobody, so a type passes over what it does not name. It therefore names all that the
adapter reads: with the values that are plain or, where none is, with null alone.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec

from router_audit.adapters.litellm_lean import OTHERS
from router_audit.adapters.plain import Count, Number  # noqa: TC001  they make the types

Time = float | str | None
_Cost = Annotated[float, msgspec.Meta(ge=0)] | None
_Object = dict[str, Any] | None


class _Text(msgspec.Struct, gc=False):
    type: Literal["text"]
    text: str


class _Function(msgspec.Struct, gc=False):
    name: str
    arguments: str


class _Call(msgspec.Struct, gc=False):
    function: _Function
    id: str | None = None


class Turn(msgspec.Struct, gc=False):
    """A turn before the answer."""

    role: Literal["system", "user", "assistant", "tool", "developer"]
    content: str | list[_Text] | None = None
    tool_calls: list[_Call] | None = None
    tool_call_id: str | None = None
    name: str | None = None
    refusal: None = None
    reasoning: None = None
    reasoning_content: None = None
    function_call: None = None
    audio: None = None


class Reply(msgspec.Struct, gc=False):
    """The answer."""

    role: Literal["assistant"]
    content: str | list[_Text] | None = None
    tool_calls: list[_Call] | None = None
    reasoning_content: str | None = None
    refusal: None = None
    reasoning: None = None
    function_call: None = None
    audio: None = None


class _Thinking(msgspec.Struct, gc=False):
    budget_tokens: Number | None = None


class Parameters(msgspec.Struct, gc=False):
    """What the adapter reads of a request body."""

    model: str | None = None
    user: str | None = None
    temperature: Number | None = None
    top_p: Number | None = None
    max_tokens: Number | None = None
    max_completion_tokens: Number | None = None
    stream: bool | None = None
    reasoning_effort: str | None = None
    verbosity: str | None = None
    tool_choice: Any = None
    thinking: _Thinking | None = None
    tools: msgspec.Raw = msgspec.Raw(b"")
    response_format: msgspec.Raw = msgspec.Raw(b"")
    body: None = None
    functions: None = None
    metadata: None = None
    effort: None = None
    reasoning: None = None
    output_config: None = None
    max_output_tokens: None = None
    maxOutputTokens: None = None  # noqa: N815  the log's word
    max_tokens_to_sample: None = None


class Split(msgspec.Struct, gc=False):
    """What was cached for how long."""

    ephemeral_1h_input_tokens: Count | None = None


class InputDetails(msgspec.Struct, gc=False):
    """What of the input was cached."""

    cached_tokens: Count | None = None
    cache_write_tokens: Count | None = None
    cache_creation_tokens: Count | None = None
    cache_creation_token_details: Split | None = None
    cache_read: None = None
    cache_creation: None = None


class OutputDetails(msgspec.Struct, gc=False):
    """What of the output was thought."""

    reasoning_tokens: Count | None = None
    reasoning: None = None


class Usage(msgspec.Struct, gc=False):
    """Counts beside those of the payload itself."""

    prompt_tokens: Count
    total_tokens: Count | None = None
    prompt_tokens_details: InputDetails | None = None
    completion_tokens_details: OutputDetails | None = None
    cache_read_input_tokens: Count | None = None
    cache_creation_input_tokens: Count | None = None
    prompt_cache_hit_tokens: Count | None = None
    num_cached_tokens: None = None
    cached_tokens: None = None
    cache_write_tokens: None = None
    cache_creation: None = None
    reasoning_tokens: None = None
    reasoning_output_tokens: None = None
    input_tokens_details: None = None
    input_token_details: None = None
    output_tokens_details: None = None
    output_token_details: None = None


class _Additional(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    prompt_tokens_details: None = None
    completion_tokens_details: None = None


class Metadata(msgspec.Struct, gc=False):
    """What the gateway knew of the call."""

    usage_object: Usage | None = None
    additional_usage_values: _Additional | None = None
    attempted_retries: int | None = None
    status: Literal["success"] | None = None
    user_api_key_end_user_id: str | None = None
    user_api_key_user_id: str | None = None
    user_api_key_team_alias: str | None = None
    user_api_key_team_id: str | None = None
    team_alias: str | None = None
    user_api_key_project_alias: str | None = None
    user_api_key_project_id: str | None = None
    user_api_key_alias: str | None = None
    routing_decision: _Object = None
    requester_metadata: _Object = None
    spend_logs_metadata: _Object = None


class _Choice(msgspec.Struct, gc=False):
    message: Reply
    finish_reason: str | None = None


class Answered(msgspec.Struct, gc=False):
    """The response body."""

    id: Annotated[str, msgspec.Meta(min_length=16)]
    object: Literal["chat.completion"]
    choices: tuple[_Choice]
    model: str | None = None
    usage: Usage | None = None
    service_tier: str | None = None
    type: None = None


class Payload(msgspec.Struct, gc=False, kw_only=True):
    """What the adapter reads of a line."""

    call_type: Literal["completion", "acompletion"]
    custom_llm_provider: str
    response_cost: _Cost
    prompt_tokens: Count
    completion_tokens: Count
    messages: Annotated[list[Turn], msgspec.Meta(min_length=1)]
    response: Answered
    model_parameters: Parameters | None = None
    metadata: Metadata | None = None
    total_tokens: Count | None = None
    status: Literal["success"] | None = None
    cache_hit: bool | None = None
    stream: bool | None = None
    startTime: Time = None  # noqa: N815  the log's word
    endTime: Time = None  # noqa: N815  the log's word
    completionStartTime: Time = None  # noqa: N815  the log's word
    model: str | None = None
    model_group: str | None = None
    trace_id: str | None = None
    session_id: str | None = None
    request_tags: list[str] | None = None
    end_user: str | None = None
    user: str | None = None
    team_id: str | None = None
    organization_id: str | None = None
    proxy_server_request: None = None


_others = {f"other_{number}": name for number, name in enumerate(OTHERS)}
PAYLOAD = msgspec.defstruct(
    "_Line",
    [(name, msgspec.UnsetType, msgspec.UNSET) for name in _others],  # a line with one is no payload
    bases=(Payload,),
    rename=_others,
    gc=False,
    kw_only=True,
)
