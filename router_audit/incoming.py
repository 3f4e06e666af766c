"""What a live request says about itself before the call: its text, size, session and the model it names."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

BYTES_PER_TOKEN = 4
"""UTF-8 bytes of English prose per token of today's tokenizers, rounded down; code and JSON have fewer."""

TOKENS_PER_IMAGE = 1_500
"""About what a page-sized image costs at the large providers."""

AUTO = frozenset({"", "auto", "router-audit"})
"""Names by which a caller leaves the choice to the table."""

_BLOBS = frozenset(
    {"image", "image_url", "input_image", "file", "input_file", "document", "audio", "input_audio", "blob"}
)


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request as a router sees it."""

    record: Mapping[str, Any]
    """The prompt record that the text recipe reads."""
    request_id: str
    session_id: str | None
    asked: str | None
    """The model as its caller spells it; None leaves the choice to the table."""
    input_tokens: int
    estimated: bool
    output_tokens: int
    """The most the caller allows; 0 where nothing is said."""


def read_request(request: Mapping[str, Any]) -> Incoming:
    """Read a request in OpenAI chat, OpenAI Responses, Anthropic Messages or prompt-record form."""
    record = _record(request)
    told = request.get("input_tokens")
    exact = isinstance(told, int) and not isinstance(told, bool) and told >= 0
    asked = request.get("model")
    metadata = request.get("metadata")
    about = metadata if isinstance(metadata, dict) else {}
    session = request.get("session_id") or about.get("session_id")
    return Incoming(
        record=record,
        request_id=str(request.get("request_id") or request.get("id") or _content_id(record)),
        session_id=str(session) if session else None,
        asked=asked if isinstance(asked, str) and asked.strip().lower() not in AUTO else None,
        input_tokens=told if exact and isinstance(told, int) else estimate_tokens(record),
        estimated=not exact,
        output_tokens=_output_tokens(request),
    )


def _record(request: Mapping[str, Any]) -> Mapping[str, Any]:
    record = {
        key: request[key]
        for key in ("system", "messages", "prompt", "tools", "response_format")
        if request.get(key) is not None
    }
    if "messages" not in record and "prompt" not in record and request.get("input") is not None:
        record["messages" if isinstance(request["input"], list) else "prompt"] = request["input"]
    if "system" not in record and request.get("instructions"):
        record["system"] = request["instructions"]
    for holder, key in (("text", "format"), ("output_config", "format")):
        shape = request.get(holder)
        if "response_format" not in record and isinstance(shape, dict) and shape.get(key):
            record["response_format"] = shape[key]
    return record


def estimate_tokens(record: Mapping[str, Any]) -> int:
    """Input tokens guessed from the bytes of all text, tools and schemas; images count a fixed number each."""
    size, images = _measure(record)
    return -(-size // BYTES_PER_TOKEN) + images * TOKENS_PER_IMAGE


def _measure(value: Any) -> tuple[int, int]:
    """(UTF-8 bytes of text, images). Walks with a stack: a request may be nested deeper than Python recurses."""
    size = images = 0
    waiting = [value]
    while waiting:
        part = waiting.pop()
        if isinstance(part, str):
            size += _bytes(part)
        elif isinstance(part, dict):
            kind = part.get("type")
            if isinstance(kind, str) and kind in _BLOBS:  # in a JSON Schema it may be a list
                images += 1
                continue
            for key, inner in part.items():
                if isinstance(key, str):
                    size += len(key)
                if isinstance(inner, str):  # most of them: not worth the way over the stack
                    size += _bytes(inner)
                elif inner is not None:
                    waiting.append(inner)
        elif isinstance(part, list | tuple):
            waiting.extend(part)
        elif part is not None:
            size += len(str(part))
    return size, images


def _bytes(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _output_tokens(request: Mapping[str, Any]) -> int:
    for name in ("max_completion_tokens", "max_output_tokens", "max_tokens"):
        value = request.get(name)
        if isinstance(value, int) and value > 0:
            return value
    return 0


def _content_id(record: Mapping[str, Any]) -> str:
    """An identity for a request that has none: equal requests share it, and so their place in the canary."""
    text = json.dumps(record, sort_keys=True, default=str, ensure_ascii=True)
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()
