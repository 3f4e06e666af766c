"""A routed month in a log: what the proxy writes, with its decisions, escalations, canary pairs and outcomes."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import polars as pl

from router_audit.stages.ingest import IngestOptions, ingest
from router_audit.types.progress import Unwatched
from tests.audited import CLASSIFIER, HAIKU, OPUS

if TYPE_CHECKING:
    from pathlib import Path

    from router_audit.store import Store

PREMIUM = f"anthropic/{OPUS}"


@dataclass(frozen=True)
class Call:
    """One exchange with Anthropic's Messages API, and the proxy's note of its decision."""

    name: str
    at: datetime
    prompt: str
    answer: str
    model: str = OPUS
    session: str | None = None
    resolved: bool | None = None
    latency_ms: float = 900
    input_tokens: int = 400
    output_tokens: int = 20
    system: str | None = None
    routing: dict[str, Any] = field(default_factory=dict)

    def record(self) -> dict[str, Any]:
        """As a line of the log."""
        record: dict[str, Any] = {
            "request": {
                "model": self.model,
                **({"system": self.system} if self.system else {}),
                "max_tokens": 200,
                "messages": [{"role": "user", "content": self.prompt}],
            },
            "response": {
                "id": self.name,
                "type": "message",
                "role": "assistant",
                "model": self.model,
                "content": [{"type": "text", "text": self.answer}],
                "stop_reason": "end_turn",
                "usage": {"input_tokens": self.input_tokens, "output_tokens": self.output_tokens},
            },
            "url": "https://api.anthropic.com/v1/messages",
            "started_at": self.at.isoformat().replace("+00:00", "Z"),
            "latency_ms": self.latency_ms,
            "session_id": self.session or f"s-{self.name}",
        }
        if self.resolved is not None:
            record["resolved"] = self.resolved
        if self.routing:
            record["router_audit"] = self.routing
        return record


def day(number: int, month: int = 9) -> datetime:
    """The first minute of a day of 2026."""
    return datetime(2026, month, 1, tzinfo=UTC) + timedelta(days=number)


def canary_pair(
    name: str,
    at: datetime,
    prompt: str,
    *,
    premium: str,
    routed: str,
    model: str = HAIKU,
    profile: str = "classification",
    table: str = "v0001",
    resolved: bool | None = None,
) -> list[Call]:
    """The premium tier's answer, which the caller got, and the routed model's beside it."""
    decision = {
        "request_id": f"call-{name}",
        "role": "answer",
        "profile": profile,
        "context": "standard",
        "table_version": table,
        "model": model,
        "asked": PREMIUM,
        "canary": True,
        "propensity": 0.01,
    }
    shadow = decision | {"role": "shadow", "shadow_of": f"call-{name}"}
    return [
        Call(name, at, prompt, premium, OPUS, resolved=resolved, routing=decision),
        Call(f"{name}-s", at, prompt, routed, model.partition("/")[2], session=f"s-{name}", routing=shadow),
    ]


def write(path: Path, calls: list[Call]) -> Path:
    """The calls as a log file."""
    path.write_text("".join(json.dumps(call.record()) + "\n" for call in calls), "utf-8")
    return path


def stored(store: Store, folder: Path, calls: list[Call], *, profile: str = "classification") -> Store:
    """The store after ingesting the calls, all predicted to be of one profile."""
    result = ingest(store, [str(write(folder / "log.jsonl", calls))], IngestOptions(), Unwatched())
    assert result.rejected == 0, result
    contents = store.connection.sql("SELECT DISTINCT content_hash FROM requests").pl()
    store.append(
        "predictions",
        contents.with_columns(
            pl.lit(CLASSIFIER).alias("classifier"),
            pl.lit(profile).alias("profile"),
            pl.lit(0.99).alias("probability"),
            pl.lit("").alias("reason"),
        ),
        on_conflict="ignore",
    )
    row = {
        "version": CLASSIFIER,
        "sequence": 1,
        "encoder": "test",
        "labeller": "test",
        "metadata": '{"head": {}}',
        "arrays": b"",
    }
    store.append("classifiers", pl.DataFrame([row]), on_conflict="ignore")
    return store
