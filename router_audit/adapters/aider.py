"""Aider: the history of what it sent and got (`.aider.llm.history`)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from router_audit.adapters.clock import between_ms, utc
from router_audit.adapters.conversation import split_system
from router_audit.adapters.dialects import logged
from router_audit.adapters.protocol import Each
from router_audit.types import Filtered, Message, Outcome, Part

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router_audit.adapters.protocol import Reader, Record

_BLOCK = re.compile(r"^TO LLM (\S+)$", re.MULTILINE)
_ANSWER = re.compile(r"^LLM RESPONSE (\S+)$", re.MULTILINE)
_LINE = re.compile(r"^(SYSTEM|USER|ASSISTANT|TOOL) ?")


class _Aider:
    """Reads one call per block. The file names neither model nor tokens, and its times are local."""

    source = "aider"
    reads = "`.aider.llm.history` text (no model, no tokens)"
    ordered = False

    def detects(self, record: Record) -> bool:
        """A text that holds a block."""
        text = record.get("text")
        return isinstance(text, str) and len(record) == 1 and _BLOCK.search(text[:2000]) is not None

    def reader(self, file: str) -> Reader:
        """See `Adapter.reader`."""
        return Each(file, _read)


def _read(record: Record, file: str, line: int) -> Iterator[Outcome]:
    text = str(record["text"])
    starts = list(_BLOCK.finditer(text))
    at, counted = line, 0
    for number, start in enumerate(starts):
        end = starts[number + 1].start() if number + 1 < len(starts) else len(text)
        at += text.count("\n", counted, start.start())
        counted = start.start()
        yield _call(start[1], text[start.end() : end], file, at)


def _call(stamp: str, block: str, file: str, line: int) -> Outcome:
    answer = _ANSWER.search(block)
    asked = _spoken(block[: answer.start()] if answer else block)
    if not asked:
        return Filtered("block cut off before its text")
    started, flag = utc(stamp)
    system, conversation = split_system(asked)
    fields = {
        "started_at": started,
        "latency_ms": between_ms(started, utc(answer[1])[0]) if answer else None,
        "system": system,
        "messages": conversation,
        "output": _spoken(block[answer.end() :]) if answer else [],
        "flags": ["no_tokens", *([flag] if flag else []), *([] if answer else ["truncated"])],
    }
    return logged(fields, source=AIDER.source, file=file, line=line, native=("block", stamp, block))


def _spoken(text: str) -> list[Message]:
    """Messages of prefixed lines, parted by dashes or by another speaker."""
    found: list[tuple[str, list[str]]] = []
    for line in text.splitlines():
        if line == "-------":
            found.append(("", []))
            continue
        head = _LINE.match(line)
        role = head[1].lower() if head else (found[-1][0] if found else "")
        if head and (not found or found[-1][0] != role):
            if found and not found[-1][0]:
                found[-1] = (role, [])
            else:
                found.append((role, []))
        if found and found[-1][0]:
            found[-1][1].append(line[head.end() :] if head else line)
    return [
        Message(role, [Part("text", content="\n".join(lines).strip("\n"))]) for role, lines in found if role
    ]


AIDER = _Aider()
