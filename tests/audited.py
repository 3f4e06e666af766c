"""A small log and the store it makes: real files, the real ingest, predictions written as the classifier would."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl

from router_audit.stages.ingest import IngestOptions, ingest
from router_audit.types.progress import Unwatched

if TYPE_CHECKING:
    from pathlib import Path

    from router_audit.store import Store

OPUS = "claude-opus-4-7"
HAIKU = "anthropic/claude-haiku-4-5"
SONNET = "anthropic/claude-sonnet-4-6"
CLASSIFIER = "c0ffee"


@dataclass(frozen=True)
class Said:
    """One logged call."""

    prompt: str
    answer: str
    profile: str = "classification"
    session: str | None = None
    model: str = OPUS
    resolved: bool | None = None
    input_tokens: int = 400
    output_tokens: int = 20
    extra: dict[str, Any] | None = None
    """More of the request body: `tools`, `response_format`, …"""
    tool: dict[str, Any] | None = None
    """The incumbent calls this tool: `{"name", "input"}`."""


def log_lines(calls: list[Said]) -> str:
    """The calls as exchanges with Anthropic's Messages API."""
    lines = []
    for number, call in enumerate(calls):
        content = [{"type": "text", "text": call.answer}] if call.answer else []
        if call.tool:
            content.append({"type": "tool_use", "id": f"toolu_{number}", **call.tool})
        record: dict[str, Any] = {
            "request": {
                "model": call.model,
                "max_tokens": 200,
                "messages": [{"role": "user", "content": call.prompt}],
                **(call.extra or {}),
            },
            "response": {
                "id": f"msg_{number:05}",
                "type": "message",
                "role": "assistant",
                "model": call.model,
                "content": content,
                "stop_reason": "tool_use" if call.tool else "end_turn",
                "usage": {"input_tokens": call.input_tokens, "output_tokens": call.output_tokens},
            },
            "url": "https://api.anthropic.com/v1/messages",
            "started_at": f"2026-10-{1 + number % 28:02}T{number % 24:02}:00:{number % 60:02}Z",
            "latency_ms": 900,
            "session_id": call.session or f"s-{number}",
        }
        if call.resolved is not None:
            record["resolved"] = call.resolved
        lines.append(json.dumps(record) + "\n")
    return "".join(lines)


def audited_store(store: Store, folder: Path, calls: list[Said]) -> Store:
    """The store after ingesting the calls, each predicted to be of its profile."""
    log = folder / "log.jsonl"
    log.write_text(log_lines(calls), "utf-8")
    result = ingest(store, [str(log)], IngestOptions(), Unwatched())
    assert result.stored == len(calls), result
    profiles = {call.prompt: call.profile for call in calls}
    stored = store.connection.sql("SELECT DISTINCT content_hash, messages FROM requests").pl()
    rows = [
        {
            "content_hash": content,
            "classifier": CLASSIFIER,
            "profile": next(name for prompt, name in profiles.items() if json.dumps(prompt)[1:-1] in text),
            "probability": 0.99,
            "reason": "",
        }
        for content, text in stored.iter_rows()
    ]
    store.append("predictions", pl.DataFrame(rows))
    store.append(
        "classifiers",
        pl.DataFrame(
            [
                {
                    "version": CLASSIFIER,
                    "sequence": 1,
                    "encoder": "test",
                    "labeller": "test",
                    "metadata": '{"head": {}}',
                    "arrays": b"",
                }
            ]
        ),
    )
    return store


def request_ids(store: Store) -> list[str]:
    """The stored requests, in the order of the log."""
    return [
        row[0] for row in store.connection.sql("SELECT request_id FROM requests ORDER BY line").fetchall()
    ]


def trial_line(
    request_id: str, *, candidate: str = HAIKU, ok: bool = True, incumbent: bool = True, **more: Any
) -> str:
    """One line of a trials file."""
    record = {
        "request_id": request_id,
        "candidate": candidate,
        "candidate_ok": ok,
        "incumbent_ok": incumbent,
        "grader": "exact",
        **more,
    }
    return json.dumps(record) + "\n"
