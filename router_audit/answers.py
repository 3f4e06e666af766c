"""What an answer says about itself: schema, refusal, emptiness, truncation, log-probability, stated confidence.

Read from the request and the answer as providers write them (OpenAI chat and Responses, Anthropic Messages).
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from router_audit.types import AnswerSignal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LONGEST_REFUSAL = 400
"""Characters: a longer answer that begins with an apology goes on to say something."""

_REFUSAL = re.compile(
    r"\s*(?:i['’]?m (?:very |so )?sorry,? (?:but )?i (?:can(?:no|['’])t|am unable to|won['’]t)"
    r"|sorry,? (?:but )?i can(?:no|['’])t"
    r"|i (?:can(?:no|['’])t|am (?:not able|unable) to|won['’]t) (?:help|assist|comply|provide|do that|fulfil))",
    re.IGNORECASE,
)
_TRUNCATED = frozenset(
    {"length", "max_tokens", "max_output_tokens", "incomplete", "model_context_window_exceeded"}
)
_REFUSED = frozenset({"content_filter", "refusal", "safety"})


def read_answer(request: Mapping[str, Any], answer: Mapping[str, Any]) -> AnswerSignal:
    """The signal of one finished answer."""
    text = "".join(_texts(answer))
    calls = list(_calls(answer))
    finish = _finish(answer)
    refused = finish in _REFUSED or bool(_said_no(answer)) or (not calls and _is_refusal(text))
    value = _parsed(text)
    return AnswerSignal(
        schema_failed=_schema_failed(request, text, value, calls) and not refused,
        refused=refused,
        empty=not text.strip() and not calls and not refused,
        truncated=finish in _TRUNCATED,
        mean_logprob=_mean_logprob(answer),
        stated_confidence=_stated(value),
    )


def _choice(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    choices = answer.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else {}
    return first if isinstance(first, dict) else {}


def _message(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    message = _choice(answer).get("message")
    return message if isinstance(message, dict) else {}


def _blocks(answer: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Content blocks of any of the formats, flattened."""
    for holder in (_message(answer).get("content"), answer.get("content"), answer.get("output")):
        for block in holder if isinstance(holder, list) else ():
            if isinstance(block, dict):
                yield block
                inner = block.get("content")
                yield from (
                    (part for part in inner if isinstance(part, dict)) if isinstance(inner, list) else ()
                )


def _texts(answer: Mapping[str, Any]) -> Iterator[str]:
    content = _message(answer).get("content")
    if isinstance(content, str):
        yield content
    for block in _blocks(answer):
        if block.get("type") in {"text", "output_text"} and isinstance(block.get("text"), str):
            yield block["text"]


def _calls(answer: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """(tool, arguments) of every tool call; arguments as text or already parsed."""
    for call in _message(answer).get("tool_calls") or ():
        function = call.get("function") if isinstance(call, dict) else None
        if isinstance(function, dict):
            yield str(function.get("name")), function.get("arguments")
    for block in _blocks(answer):
        if block.get("type") == "tool_use":
            yield str(block.get("name")), block.get("input")
        elif block.get("type") == "function_call":
            yield str(block.get("name")), block.get("arguments")


def _finish(answer: Mapping[str, Any]) -> str:
    incomplete = answer.get("incomplete_details")
    reasons = (
        _choice(answer).get("finish_reason"),
        answer.get("stop_reason"),
        incomplete.get("reason") if isinstance(incomplete, dict) else None,
    )
    return next((reason.lower() for reason in reasons if isinstance(reason, str)), "")


def _said_no(answer: Mapping[str, Any]) -> bool:
    return bool(_message(answer).get("refusal")) or any(
        block.get("type") == "refusal" for block in _blocks(answer)
    )


def _is_refusal(text: str) -> bool:
    return len(text) <= LONGEST_REFUSAL and _REFUSAL.match(text) is not None


def _parsed(text: str) -> Any:
    """The answer as JSON, a fence around it forgiven; None where it is none."""
    bare = text.strip()
    if bare.startswith("```"):
        bare = bare.strip("`").removeprefix("json").strip()
    try:
        return json.loads(bare) if bare[:1] in {"{", "["} else None
    except (ValueError, RecursionError):
        return None


def _schema_failed(request: Mapping[str, Any], text: str, value: Any, calls: list[tuple[str, Any]]) -> bool:
    kind, schema = _asked_format(request)
    if calls:
        return any(not _fits(arguments, _parameters(request).get(name)) for name, arguments in calls)
    if not kind or not text.strip():
        return False
    return value is None or (schema is not None and not _valid(value, schema))


def _asked_format(request: Mapping[str, Any]) -> tuple[str, Mapping[str, Any] | None]:
    """("json", schema or None) where the request asks for JSON, else ("", None)."""
    holders = (request.get("response_format"), request.get("text"), request.get("output_config"))
    for holder in holders:
        shape = holder.get("format", holder) if isinstance(holder, dict) else None
        if isinstance(shape, dict) and str(shape.get("type", "")).startswith("json"):
            inner = shape.get("json_schema")
            schema = shape.get("schema") or (inner.get("schema") if isinstance(inner, dict) else None)
            return "json", schema if isinstance(schema, dict) else None
    return "", None


def _parameters(request: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    tools = request.get("tools")
    found: dict[str, Mapping[str, Any]] = {}
    for tool in tools if isinstance(tools, list) else ():
        inner = tool.get("function", tool) if isinstance(tool, dict) else None
        schema = (inner.get("parameters") or inner.get("input_schema")) if isinstance(inner, dict) else None
        if isinstance(inner, dict) and isinstance(schema, dict):
            found[str(inner.get("name"))] = schema
    return found


def _fits(arguments: Any, schema: Mapping[str, Any] | None) -> bool:
    if isinstance(arguments, str):
        try:
            arguments = json.loads(arguments or "{}")
        except (ValueError, RecursionError):
            return False
    return isinstance(arguments, dict) and (schema is None or _valid(arguments, schema))


def _valid(value: Any, schema: Mapping[str, Any]) -> bool:
    """Whether the value fits; a schema that is itself wrong, or refers elsewhere, refuses nothing."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError
    from referencing.exceptions import Unresolvable

    try:
        Draft202012Validator.check_schema(schema)
        return Draft202012Validator(schema).is_valid(value)
    except (SchemaError, Unresolvable, RecursionError):
        return True


def _mean_logprob(answer: Mapping[str, Any]) -> float | None:
    held = _choice(answer).get("logprobs")
    tokens = held.get("content") if isinstance(held, dict) else None
    if not isinstance(tokens, list):
        tokens = [token for block in _blocks(answer) for token in block.get("logprobs") or ()]
    found = [
        float(token["logprob"])
        for token in tokens
        if isinstance(token, dict) and isinstance(token.get("logprob"), int | float)
    ]
    return sum(found) / len(found) if found else None


def _stated(value: Any) -> float | None:
    """A number in [0, 1] under `confidence` in an answer that is a JSON object."""
    told = value.get("confidence") if isinstance(value, dict) else None
    if isinstance(told, bool) or not isinstance(told, int | float):
        return None
    return float(told) if 0 <= told <= 1 else None
