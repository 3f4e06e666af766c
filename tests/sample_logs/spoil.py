"""The lines that are broken on purpose. Each function takes a file's lines and says what it did to which."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

Note = tuple[str, int, str, str]  # file, line (from 1), what is wrong, id of the row if it has one
ABSURD = 9_000_000_000_000_000


def insert(lines: list[str], at: int, line: str) -> int:
    lines.insert(at, line)
    return at + 1


def dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def changed(line: str, new_id: str, change: Callable[[dict[str, Any]], None]) -> str:
    row = json.loads(line)
    change(row)
    row["id"] = new_id
    return dumps(row)


def litellm(lines: list[str], file: str) -> list[Note]:
    """From the bottom up, so that the line numbers of the later ones hold: none moves an earlier one."""
    good = [n for n, line in enumerate(lines) if json.loads(line)["status"] == "success"]

    def negative(row: dict[str, Any]) -> None:
        row["prompt_tokens"], row["total_tokens"] = -120, -120 + row["completion_tokens"]
        row["metadata"]["usage_object"] |= {"prompt_tokens": -120, "total_tokens": row["total_tokens"]}
        row["response"]["id"] = "chatcmpl-broken-negative"

    def contradiction(row: dict[str, Any]) -> None:
        row["total_tokens"] = row["prompt_tokens"] + row["completion_tokens"] + 5000
        row["metadata"]["usage_object"]["total_tokens"] = row["total_tokens"]
        row["response"]["id"] = "chatcmpl-broken-total"

    notes = []
    truncated = lines[good[90]][: len(lines[good[90]]) * 2 // 5]
    notes.append(
        (file, insert(lines, 120, truncated), "JSON cut off in the middle (a copy of another row)", "")
    )
    notes.append(
        (
            file,
            insert(
                lines,
                260,
                changed(
                    lines[250 if json.loads(lines[250])["status"] == "success" else 251],
                    "chatcmpl-broken-negative",
                    negative,
                ),
            ),
            "prompt_tokens is -120",
            "chatcmpl-broken-negative",
        )
    )
    first = next(n for n in good if n > 300)
    notes.append((file, insert(lines, 400, lines[first + 2]), f"exact duplicate of line {first + 3}", ""))
    source = next(n for n in range(500, 600) if json.loads(lines[n])["status"] == "success")
    notes.append(
        (
            file,
            insert(lines, 520, changed(lines[source], "chatcmpl-broken-total", contradiction)),
            "total_tokens is 5,000 more than its parts",
            "chatcmpl-broken-total",
        )
    )
    return notes


def openai_chat(lines: list[str], file: str) -> list[Note]:
    text = "2026-10-14 09:12:03 WARN  request-logger restarted, 3 records may be missing"
    return [(file, insert(lines, 101, text), "a line of plain text", "")]


def openai_responses(lines: list[str], file: str) -> list[Note]:
    row = json.loads(next(line for line in lines if json.loads(line)["response"]["status"] == 200))
    row["response"]["body"]["id"] = "resp_broken_absurd"
    row["response"]["body"]["usage"] |= {
        "input_tokens": ABSURD,
        "total_tokens": ABSURD + 10,
        "output_tokens": 10,
    }
    return [(file, insert(lines, 60, dumps(row)), "input_tokens is 9e15", "resp_broken_absurd")]


def anthropic(lines: list[str], file: str) -> list[Note]:
    return [
        (file, insert(lines, 77, lines[70][:700]), "JSON cut off in the middle (a copy of another row)", "")
    ]


def otel(lines: list[str], file: str) -> list[Note]:
    return [
        (
            file,
            insert(lines, 20, '{"resourceSpans"' + "\x00" * 300),
            "full of NUL bytes, as after a crash",
            "",
        )
    ]
