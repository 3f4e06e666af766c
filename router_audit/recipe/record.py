"""Read any prompt record (plain, OpenAI or OpenTelemetry style) into a few bounded, clean pieces of text and counts."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

SYSTEM_HEAD, SYSTEM_TAIL = 1600, 600
TURN_HEAD, TURN_TAIL = 2600, 1400
FIRST_TURNS, LAST_TURNS = 2, 6
MAX_TOOL_NAMES = 40
MAX_MESSAGES_READ = 400
MAX_PARTS_READ = 40
CUT = "\n\n"

_CONTROL = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\ud800-\udfff]"
)
_BLANK_RUN = re.compile(r"\n[ \t]*(?:\n[ \t]*){2,}|[ \t]{12,}")
LONG_BLANK = " " * 12
SAME_RUN = 12
_SAME_CHARACTER = re.compile(r"([^\s\d])\1{11,}")
_SAME_TOKEN = re.compile(r"(\S{1,24}(?:\s|\b))\1{7,}")
_ROLE_LINE = re.compile(r"(?mi)^(user|human|customer|assistant|agent|ai|bot|system)\s?:\s")
_ROLES = {"human": "user", "customer": "user", "agent": "assistant", "ai": "assistant", "bot": "assistant"}


@dataclass(frozen=True)
class Turn:
    """One turn of the conversation: its role ("user", "assistant", "tool") and its text."""

    role: str
    text: str


@dataclass(frozen=True)
class PromptParts:
    """What the recipe is allowed to see of one request, all of it known before the call."""

    system: str
    turns: tuple[Turn, ...]
    tool_names: tuple[str, ...]
    tool_count: int
    response_format: str
    message_count: int
    tool_call_count: int
    tool_result_count: int
    image_count: int
    characters: int


def clean(text: str) -> str:
    """Return `text` without control or invisible characters and with runs of blanks, one character or one token shortened."""
    text = _CONTROL.sub(" ", text.replace("\r\n", "\n"))
    if "\n\n\n" in text or "\n " in text or "\t" in text or LONG_BLANK in text:
        text = _BLANK_RUN.sub(lambda run: "\n\n" if "\n" in run.group() else "    ", text)
    words = text.split()
    if any(_SAME_CHARACTER.search(word) for word in words if len(word) >= SAME_RUN):
        text = _SAME_CHARACTER.sub(r"\1\1\1", text)
        words = text.split()
    if len(words) > 16 and len(set(words)) < 0.7 * len(words):
        text = _SAME_TOKEN.sub(r"\1\1\1", text)
    return text


def ends(text: str, head: int, tail: int) -> tuple[str, str]:
    """Return the first `head` and last `tail` characters, or the whole of a text that is no longer, and nothing."""
    return (text, "") if len(text) <= head + tail else (text[:head], text[-tail:])


def clean_ends(head: str, tail: str) -> str:
    """Return what `ends` left of a text as one cleaned text."""
    return clean(head) + CUT + clean(tail) if tail else clean(head)


def clip(text: str, head: int, tail: int) -> str:
    """Return the cleaned first `head` and last `tail` characters; the middle of a long text is never touched."""
    return clean_ends(*ends(text, head, tail))


def read_prompt(record: Mapping[str, object]) -> PromptParts:
    """Return the parts of a record with their texts cut to bounded size and cleaned."""
    parts = gather_prompt(record)
    return replace(
        parts,
        system=clip(parts.system, SYSTEM_HEAD, SYSTEM_TAIL).strip(),
        turns=tuple(Turn(turn.role, clip(turn.text, TURN_HEAD, TURN_TAIL).strip()) for turn in parts.turns),
    )


def gather_prompt(record: Mapping[str, object]) -> PromptParts:
    """Read a record with `system`, `prompt` or `messages`, `tools` and `response_format`; missing keys are empty.

    The texts are as they stand in the record: neither cut nor cleaned.
    """
    counter = _Counter()
    system_texts = list(counter.texts(record.get("system")))
    turns: list[Turn] = []
    raw_messages = record.get("messages")
    messages: Sequence[object] = raw_messages if isinstance(raw_messages, list | tuple) else ()
    if not messages and isinstance(record.get("prompt"), list | tuple):
        messages = record["prompt"]  # type: ignore[assignment]
    if messages:
        half = MAX_MESSAGES_READ // 2
        read = messages if len(messages) <= MAX_MESSAGES_READ else [*messages[:half], *messages[-half:]]
        for message in read:
            if isinstance(message, str):
                turns.append(Turn("user", message))
                continue
            if not isinstance(message, Mapping):
                continue
            role = str(message.get("role") or "user").lower()
            body = message.get("content") if message.get("content") is not None else message.get("parts")
            if message.get("tool_calls"):
                calls = message["tool_calls"]
                counter.calls += len(calls) if isinstance(calls, list | tuple) else 1
            texts = counter.texts(body)
            if role in ("system", "developer"):
                system_texts.extend(texts)
            elif role in ("tool", "function"):
                counter.results += 1
            elif texts:
                turns.append(
                    Turn("assistant" if role in ("assistant", "model", "ai") else "user", CUT.join(texts))
                )
        message_count = len(messages)
    else:
        texts = counter.texts(record.get("prompt"))
        turns = _dialogue(CUT.join(texts)) if texts else []
        message_count = max(1, len(turns))
    counter.characters += sum(len(text) for text in system_texts)
    if len(turns) > FIRST_TURNS + LAST_TURNS:
        turns = [*turns[:FIRST_TURNS], *turns[-LAST_TURNS:]]
    characters = sum(len(turn.text) for turn in turns) + sum(len(text) for text in system_texts)
    names, count = _tools(record.get("tools"))
    return PromptParts(
        system=system_texts[0]
        if len(system_texts) == 1
        else CUT.join([text[: SYSTEM_HEAD * 2] for text in system_texts[:8]]),
        turns=tuple(turns),
        tool_names=names,
        tool_count=count,
        response_format=_format_kind(record.get("response_format")),
        message_count=message_count,
        tool_call_count=counter.calls,
        tool_result_count=counter.results,
        image_count=counter.images,
        characters=characters,
    )


class _Counter:
    """Collects the text of nested message bodies and counts what is not text."""

    def __init__(self) -> None:
        self.calls = 0
        self.results = 0
        self.images = 0
        self.characters = 0

    def texts(self, body: object) -> list[str]:
        if body is None:
            return []
        if isinstance(body, str):
            return [body] if body.strip() else []
        if isinstance(body, bytes):
            return [body[: TURN_HEAD * 2].decode("utf-8", "replace")]
        if isinstance(body, Mapping):
            return self._part(body)
        if isinstance(body, list | tuple):
            parts = (
                body
                if len(body) <= MAX_PARTS_READ
                else [*body[: MAX_PARTS_READ // 2], *body[-MAX_PARTS_READ // 2 :]]
            )
            return [text for part in parts for text in self.texts(part)]
        return [str(body)[:TURN_HEAD]]

    def _part(self, part: Mapping[str, object]) -> list[str]:
        kind = str(part.get("type") or "text").lower()
        if kind in ("tool_call", "tool_use", "function_call"):
            self.calls += 1
            return []
        if kind in ("tool_call_response", "tool_result", "function_call_output", "tool_response"):
            self.results += 1
            return []
        if kind in (
            "blob",
            "uri",
            "file",
            "image",
            "image_url",
            "input_image",
            "document",
            "audio",
            "input_audio",
            "video",
        ):
            self.images += 1
            return []
        for key in ("text", "content"):
            value = part.get(key)
            if isinstance(value, str):
                return [value] if value.strip() else []
            if isinstance(value, list | tuple | Mapping):
                return self.texts(value)
        return []


def _dialogue(text: str) -> list[Turn]:
    """Split a prompt that is a written-out conversation into its turns; any other prompt is one user turn."""
    if len(text) > 4 * (TURN_HEAD + TURN_TAIL):
        return [Turn("user", text)]
    marks = list(_ROLE_LINE.finditer(text))
    roles = {_ROLES.get(mark.group(1).lower(), mark.group(1).lower()) for mark in marks}
    if len(marks) < 3 or not {"user", "assistant"} <= roles or marks[0].start() > 40:
        return [Turn("user", text)]
    turns = []
    for mark, following in zip(marks, [*marks[1:], None], strict=True):
        role = _ROLES.get(mark.group(1).lower(), mark.group(1).lower())
        body = text[mark.end() : following.start() if following else len(text)].strip()
        if body and role != "system":
            turns.append(Turn(role, body))
    return turns


def _tools(tools: object) -> tuple[tuple[str, ...], int]:
    """Return up to MAX_TOOL_NAMES tool names and the number of tools offered."""
    if isinstance(tools, Mapping):
        tools = list(tools.values())
    if not isinstance(tools, list | tuple):
        return (), 0
    names = []
    for tool in tools[:MAX_TOOL_NAMES]:
        name: object = tool
        if isinstance(tool, Mapping):
            inner = tool.get("function")
            name = (
                tool.get("name")
                or (inner.get("name") if isinstance(inner, Mapping) else None)
                or tool.get("type")
            )
        if isinstance(name, str) and name:
            names.append(_clean_name(name[:60]))
    return tuple(names), len(tools)


_clean_name = lru_cache(maxsize=4096)(clean)


def _format_kind(response_format: object) -> str:
    """Return "", "text", "json_object" or "json_schema" for whatever a log says about the response format."""
    if isinstance(response_format, Mapping):
        response_format = response_format.get("type") or ("json_schema" if response_format else "")
    kind = str(response_format or "").lower()
    if "schema" in kind:
        return "json_schema"
    if "json" in kind or kind == "object":
        return "json_object"
    return "text" if kind == "text" else ""
