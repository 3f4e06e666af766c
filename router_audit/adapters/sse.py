"""A streamed answer, however it was logged, to the answer that would have come unstreamed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from collections.abc import Iterable

_decode = msgspec.json.Decoder().decode


def events(raw: Any) -> list[dict[str, Any]]:
    """The JSON payloads of SSE text, of NDJSON text, or of a list of chunks or of their texts."""
    if isinstance(raw, (bytes, bytearray)):
        raw = raw.decode("utf-8", "replace")
    if isinstance(raw, str):
        made = []
        for line in raw.splitlines():
            text = line.strip()
            if text.startswith("data:"):
                text = text[5:].strip()
            if text.startswith("{"):
                try:
                    made.append(_decode(text))
                except (msgspec.DecodeError, RecursionError):
                    continue  # the last chunk of a broken stream
        return [event for event in made if isinstance(event, dict)]
    if isinstance(raw, list):
        made = []
        for entry in raw:
            if isinstance(entry, dict):
                inner = entry.get("data")
                made.extend(
                    events(inner) if isinstance(inner, str) else [inner if isinstance(inner, dict) else entry]
                )
            elif isinstance(entry, str):
                made.extend(events(entry))
        return made
    return []


def looks_streamed(raw: Any) -> bool:
    """Whether a response body is a stream: SSE text or a list of chunks."""
    if isinstance(raw, str):
        head = raw[:400].lstrip()
        return head.startswith(("data:", "event:", ":")) or '"chat.completion.chunk"' in head
    return isinstance(raw, list) and bool(raw) and isinstance(raw[0], (str, dict))


def is_chunk(event: dict[str, Any]) -> bool:
    """Whether one JSON object is a chunk of a stream of OpenAI's or Anthropic's."""
    kind = event.get("type")
    if isinstance(kind, str):
        return kind in ANTHROPIC or (
            kind.startswith("response.") and ("response" in event or "sequence_number" in event)
        )
    if event.get("object") == "chat.completion.chunk":
        return True
    return "prompt_filter_results" in event and event.get("choices") == []


ANTHROPIC = frozenset(
    {
        "message_start",
        "message_delta",
        "message_stop",
        "content_block_start",
        "content_block_delta",
        "content_block_stop",
        "ping",
    }
)


def final(chunks: Iterable[dict[str, Any]]) -> dict[str, Any] | None:
    """The unstreamed answer: a `chat.completion`, a `response` or a `message`; None where no chunk is known.

    A stream that broke off gives what had come; an error event inside it stands under `error`.
    """
    chunks = list(chunks)
    error = next((chunk["error"] for chunk in chunks if chunk.get("error")), None)
    made: dict[str, Any] | None = None
    if any(chunk.get("type") in ANTHROPIC for chunk in chunks):
        made = _anthropic(chunks)
    elif any(str(chunk.get("type", "")).startswith("response.") for chunk in chunks):
        made = _responses(chunks)
    elif any("choices" in chunk for chunk in chunks):
        made = _chat(chunks)
    if error is not None:
        made = made or {}
        made["error"] = error
    return made


def _usage(into: dict[str, Any], raw: Any) -> None:
    if isinstance(raw, dict):
        into.update({name: value for name, value in raw.items() if value is not None})


def _anthropic(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    """Usage of message_delta is cumulative: it overrides message_start's, and is never added to it."""
    message: dict[str, Any] = {"type": "message", "role": "assistant"}
    usage: dict[str, Any] = {}
    blocks: dict[Any, dict[str, Any]] = {}
    partial: dict[Any, list[str]] = {}
    for chunk in chunks:
        kind = chunk.get("type")
        index = chunk.get("index")
        if kind == "message_start" and isinstance(chunk.get("message"), dict):
            start = chunk["message"]
            message.update({name: value for name, value in start.items() if name not in ("usage", "content")})
            _usage(usage, start.get("usage"))
        elif kind == "content_block_start" and isinstance(chunk.get("content_block"), dict):
            blocks[index] = dict(chunk["content_block"])
        elif kind == "content_block_delta" and isinstance(chunk.get("delta"), dict):
            delta = chunk["delta"]
            block = blocks.setdefault(index, {"type": "text", "text": ""})
            for name in ("text", "thinking"):
                if isinstance(delta.get(name), str):
                    block[name] = (block.get(name) or "") + delta[name]
            if isinstance(delta.get("partial_json"), str):
                partial.setdefault(index, []).append(delta["partial_json"])
        elif kind == "message_delta":
            if isinstance(chunk.get("delta"), dict):
                message.update({name: value for name, value in chunk["delta"].items() if value is not None})
            _usage(usage, chunk.get("usage"))
    for index, texts in partial.items():
        if index in blocks:
            blocks[index]["input"] = "".join(texts)
    message["content"] = list(blocks.values())
    message["usage"] = usage
    return message


def _responses(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    """The last event that carries the response object is the whole of it."""
    made: dict[str, Any] = {"object": "response"}
    texts: list[str] = []
    items: list[dict[str, Any]] = []
    for chunk in chunks:
        if isinstance(chunk.get("response"), dict):
            made.update(chunk["response"])
        if chunk.get("type") == "response.output_text.delta" and isinstance(chunk.get("delta"), str):
            texts.append(chunk["delta"])
        if chunk.get("type") == "response.output_item.done" and isinstance(chunk.get("item"), dict):
            items.append(chunk["item"])
    if not made.get("output"):
        text = {
            "type": "message",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "".join(texts)}],
        }
        made["output"] = items or ([text] if texts else [])
    return made


def _chat(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {"object": "chat.completion"}
    usage: dict[str, Any] = {}
    choices: dict[Any, dict[str, Any]] = {}
    for chunk in chunks:
        for name in ("id", "created", "model", "service_tier", "provider", "system_fingerprint"):
            if chunk.get(name):
                made[name] = chunk[name]
        _usage(usage, chunk.get("usage"))
        _usage(usage, chunk.get("x_groq", {}).get("usage") if isinstance(chunk.get("x_groq"), dict) else None)
        for choice in chunk.get("choices") or ():
            if not isinstance(choice, dict):
                continue
            index = choice.get("index", 0)
            whole = choices.setdefault(index, {"index": index, "message": {"role": "assistant"}})
            if choice.get("finish_reason"):
                whole["finish_reason"] = choice["finish_reason"]
            if choice.get("native_finish_reason"):
                whole["native_finish_reason"] = choice["native_finish_reason"]
            if isinstance(choice.get("delta"), dict):
                _merge(whole["message"], choice["delta"])
            elif isinstance(choice.get("text"), str):
                _merge(whole["message"], {"content": choice["text"]})
    made["choices"] = list(choices.values())
    made["usage"] = usage
    return made


def _merge(message: dict[str, Any], delta: dict[str, Any]) -> None:
    for name in ("content", "refusal", "reasoning", "reasoning_content"):
        if isinstance(delta.get(name), str) and delta[name]:
            message[name] = (message.get(name) or "") + delta[name]
    for call in delta.get("tool_calls") or ():
        if not isinstance(call, dict):
            continue
        calls: list[dict[str, Any]] = message.setdefault("tool_calls", [])
        index = call.get("index", len(calls))
        whole = next((known for known in calls if known["index"] == index), None)
        if whole is None:
            whole = {"index": index, "function": {"name": "", "arguments": ""}}
            calls.append(whole)
        if call.get("id"):
            whole["id"] = call["id"]
        function = call.get("function")
        if isinstance(function, dict):
            for name in ("name", "arguments"):
                whole["function"][name] += function.get(name) or ""
