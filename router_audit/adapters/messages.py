"""Conversations of OpenAI's and Anthropic's shape, and all who imitate them, to `Message` and `Part`.

Text is kept; an image or file becomes a `blob` with kind, size and hash, never its bytes.
"""

from __future__ import annotations

import re
from binascii import Error as Base64Error
from binascii import a2b_base64
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import msgspec

from router_audit.types import Message, Part

if TYPE_CHECKING:
    from collections.abc import Iterable

NO_TEXT = frozenset({"", "{}", "[]", "null", "<redacted>", "redacted-by-litellm", "redacted"})
"""What loggers write in place of a body they left out."""

_DATA_URL = re.compile(r"data:([\w.+-]+/[\w.+-]+)?(?:;[\w=.-]+)*,", re.ASCII)
_ROLES = {"human": "user", "ai": "assistant", "model": "assistant", "function": "tool", "developer": "system"}
_KINDS = {"image": "image", "audio": "audio", "video": "video", "application": "document", "text": "document"}
_decode = msgspec.json.Decoder().decode


def parsed(value: Any) -> Any:
    """The value, with JSON inside a string decoded (twice if need be); what is no JSON stays as it is."""
    for _ in range(2):
        if not isinstance(value, str) or not value or value[0] not in '[{"':
            return value
        try:
            value = _decode(value)
        except (msgspec.DecodeError, RecursionError, UnicodeEncodeError):
            return value
    return value


def mapping(value: Any) -> dict[str, Any]:
    """The value as a dict, decoded from a JSON string if it is one; {} for all else."""
    if value.__class__ is not dict:
        value = parsed(value)
    return value if isinstance(value, dict) else {}


def text_part(text: str) -> Part:
    """A text part."""
    return Part("text", text)


def blob(data: Any, modality: str = "file", mime_type: str | None = None, *, base64: bool = True) -> Part:
    """An image or file as kind, size and hash. A link has the hash of the link and no size."""
    if isinstance(data, str):
        head = _DATA_URL.match(data)
        if head:
            mime_type = head[1] or mime_type
            data = data[head.end() :]
            base64 = head[0].endswith(";base64,")
        elif not base64 or data.startswith(("http://", "https://", "s3://", "gs://", "file://")):
            return _blob(modality, mime_type, None, data.encode("utf-8", "replace"))
        raw = data.encode("utf-8", "replace")
        if base64:
            try:
                raw = a2b_base64(raw)
            except Base64Error:
                return _blob(modality, mime_type, None, raw)
        return _blob(modality, mime_type, len(raw), raw)
    if isinstance(data, (bytes, bytearray)):
        return _blob(modality, mime_type, len(data), bytes(data))
    return Part("blob", modality=modality, mime_type=mime_type)


def _blob(modality: str, mime_type: str | None, size: int | None, raw: bytes) -> Part:
    if modality == "file" and mime_type:
        modality = _KINDS.get(mime_type.split("/", 1)[0], "file")
    return Part("blob", modality=modality, mime_type=mime_type, bytes=size, sha256=sha256(raw).hexdigest())


def tool_call(name: Any, arguments: Any, call_id: Any = None) -> Part:
    """A call of a tool by the model; arguments decoded where they are JSON text."""
    return Part("tool_call", id=_text(call_id), name=_text(name), arguments=parsed(arguments))


def tool_response(response: Any, call_id: Any = None, name: Any = None) -> Part:
    """What a tool gave back: text where it is text alone, else without the bytes of images."""
    if isinstance(response, list):
        inner = parts(response)
        response = (
            "\n".join(part.content or "" for part in inner)
            if all(part.type == "text" for part in inner)
            else [msgspec.to_builtins(part) for part in inner]
        )
    return Part("tool_call_response", id=_text(call_id), name=_text(name), response=response)


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None if value is None else str(value)


def _source(raw: dict[str, Any], modality: str) -> Part:
    """Anthropic's `source`, or the same keys beside the type."""
    source = raw.get("source")
    if isinstance(source, str):
        return blob(source, modality, _text(raw.get("mime_type") or raw.get("media_type")), base64=False)
    source = source if isinstance(source, dict) else raw
    mime = _text(source.get("media_type") or source.get("mime_type") or source.get("mimeType"))
    if source.get("type") == "text" and isinstance(source.get("data"), str):
        return blob(source["data"], modality, mime, base64=False)
    data = source.get("data") or source.get("url") or source.get("file_id") or source.get("base64")
    return blob(data, modality, mime, base64=bool(source.get("data") or source.get("base64")))


def part(raw: Any) -> Part | None:
    """One content part of any OpenAI or Anthropic type; None for one that carries nothing."""
    if isinstance(raw, str):
        return Part("text", raw) if raw else None
    if not isinstance(raw, dict):
        return None
    kind = raw.get("type")
    match kind:
        case "text" | "input_text" | "output_text" | "summary_text":
            text = raw.get("text")
            text = text.get("value") if isinstance(text, dict) else text
            return Part("text", _text(text)) if text else None
        case "refusal":
            return Part("text", _text(raw.get("refusal")))
        case "thinking" | "reasoning" | "reasoning_text" | "redacted_thinking":
            summary = raw.get("summary")
            text = raw.get("thinking") or raw.get("text") or raw.get("reasoning") or raw.get("content")
            if not text and isinstance(summary, list):
                text = "\n".join(str(entry.get("text", "")) for entry in summary if isinstance(entry, dict))
            if isinstance(text, list):
                text = "\n".join(str(entry.get("text", "")) for entry in text if isinstance(entry, dict))
            return Part("reasoning", _text(text)) if text else None
        case "image_url" | "input_image" | "image" | "image_base64":
            url = raw.get("image_url")
            url = url.get("url") if isinstance(url, dict) else url
            return blob(url, "image", base64=False) if url else _source(raw, "image")
        case "input_audio" | "audio":
            audio = raw.get("input_audio") or raw.get("audio")
            audio = audio if isinstance(audio, dict) else raw
            return blob(audio.get("data"), "audio", _text(audio.get("format")))
        case "file" | "input_file" | "document" | "container_upload":
            inner = raw.get("file")
            inner = inner if isinstance(inner, dict) else raw
            data = inner.get("file_data")
            if data:
                return blob(data, "file", _text(inner.get("mime_type")))
            url = inner.get("file_url") or inner.get("file_id") or inner.get("url")
            return blob(url, "file", base64=False) if url else _source(raw, "document")
        case "tool_use" | "server_tool_use" | "mcp_tool_use" | "tool_call":
            return tool_call(raw.get("name"), raw.get("input", raw.get("arguments")), raw.get("id"))
        case "tool_result" | "tool_call_response":
            return tool_response(
                raw.get("content", raw.get("response")), raw.get("tool_use_id", raw.get("id"))
            )
    if isinstance(kind, str) and kind.endswith("_tool_result"):
        return tool_response(raw.get("content"), raw.get("tool_use_id"))
    text = raw.get("text", raw.get("content"))
    return Part("text", text) if isinstance(text, str) and text else None


def parts(content: Any) -> list[Part]:
    """The parts of a message's content, be it text, one part or a list of them."""
    if isinstance(content, str):
        return [] if content in NO_TEXT else [Part("text", content)]
    if isinstance(content, list):
        return [made for raw in content if (made := part(raw)) is not None]
    made = part(content)
    return [made] if made else []


def _chat_message(raw: dict[str, Any], role: str) -> Message:
    content = raw.get("content")
    if role == "tool":
        name = raw.get("name")
        return Message("tool", [tool_response(content, raw.get("tool_call_id"), name)])
    made = parts(content)
    reasoning = raw.get("reasoning_content") or raw.get("reasoning")
    if isinstance(reasoning, str):
        made.insert(0, Part("reasoning", reasoning))
    refusal = raw.get("refusal")
    if isinstance(refusal, str) and refusal:
        made.append(Part("text", refusal))
    calls = raw.get("tool_calls")
    if isinstance(calls, list):
        for call in calls:
            if isinstance(call, dict):
                inner = call.get("function") or call.get("custom") or call
                inner = inner if isinstance(inner, dict) else {}
                arguments = inner.get("arguments", inner.get("args", inner.get("input")))
                made.append(tool_call(inner.get("name"), arguments, call.get("id")))
    call = raw.get("function_call")
    if isinstance(call, dict):
        made.append(tool_call(call.get("name"), call.get("arguments")))
    audio = raw.get("audio")
    if isinstance(audio, dict):
        made.append(blob(audio.get("data"), "audio"))
    return Message(role, made)


def _item(raw: dict[str, Any]) -> Message | None:
    """An item of a Responses `input` or `output` that is no plain message."""
    kind = raw.get("type")
    if kind == "reasoning":
        made = part(raw)
        return Message("assistant", [made]) if made else None
    if not isinstance(kind, str):
        return None
    if kind.endswith("_call_output"):
        return Message("tool", [tool_response(raw.get("output"), raw.get("call_id"))])
    if kind.endswith("_call"):
        name = raw.get("name") or kind.removesuffix("_call")
        arguments = raw.get("arguments", raw.get("input", raw.get("action")))
        return Message("assistant", [tool_call(name, arguments, raw.get("call_id") or raw.get("id"))])
    return None


def conversation(raw: Any) -> tuple[str | None, list[Message]]:
    """(system text, other messages) of a `messages`, `input` or `output` value, in OpenAI's or Anthropic's shape.

    A string is one user message. System and developer messages leave the list, joined by blank lines.
    """
    raw = parsed(raw)
    if isinstance(raw, str):
        return None, [] if raw in NO_TEXT else [Message("user", [Part("text", raw)])]
    if isinstance(raw, dict):
        raw = [raw]
    if not isinstance(raw, list):
        return None, []
    system: list[str] = []
    messages: list[Message] = []
    for entry in raw:
        if isinstance(entry, str):
            messages.append(Message("user", [Part("text", entry)]))
            continue
        if not isinstance(entry, dict):
            continue
        role = entry.get("role")
        if role == "user" or role == "assistant":  # noqa: PLR1714  the hot path: no tuple, no hash
            content = entry.get("content")
            if role == "user" and isinstance(content, str):
                messages.append(Message("user", [Part("text", content)]))
            else:
                messages.append(_chat_message(entry, role))
        elif isinstance(role, str):
            role = _ROLES.get(role, role)
            if role == "system":
                text = text_of(parts(entry.get("content")))
                if text:
                    system.append(text)
            else:
                messages.append(_chat_message(entry, role))
        elif (item := _item(entry)) is not None:
            messages.append(item)
    return "\n\n".join(system) or None, messages


def system_text(raw: Any) -> str | None:
    """Anthropic's `system` (text or blocks), or any content that instructs."""
    return text_of(parts(raw)) or None


def text_of(made: Iterable[Part]) -> str:
    """The text of the parts, joined by line breaks; reasoning, tools and blobs left out."""
    return "\n".join(entry.content for entry in made if entry.type == "text" and entry.content)


def assistant(content: Any) -> list[Message]:
    """An answer: one assistant message of the content, or nothing where there is none."""
    made = parts(content)
    return [Message("assistant", made)] if made else []
