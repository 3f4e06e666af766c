"""Write the demonstration logs: python -m tests.sample_logs.generate [--out sample_logs].

The same bytes on every run: one seed, no clock, no unordered set.
"""

from __future__ import annotations

import argparse
import gzip
import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import zstandard

from . import spoil
from .calls import Call, traffic
from .material import HERE, Material
from .readme import readme
from .write_agents import Turn, transcripts
from .write_anthropic import anthropic
from .write_litellm import row
from .write_openai import chat, responses
from .write_otel import batch, batches, span_id

LITELLM = "support-gateway/litellm-2026-10.jsonl.gz"
CHAT = "api-pairs/openai-chat.jsonl"
RESPONSES = "api-pairs/openai-responses.jsonl"
ANTHROPIC = "api-pairs/anthropic-messages.jsonl.zst"
OTEL = "otel/genai-spans.jsonl"
DEFAULT_OUT = HERE.parents[1] / "sample_logs"
LABELS = HERE / "labels.jsonl"


@dataclass(frozen=True)
class Written:
    """One logged request as the test sees it."""

    id: str
    file: str
    profile: str
    kind: str
    text: str
    huge: bool
    failed: bool = False
    outcome: bool | None = None


def written(call: Call, file: str, own_id: str) -> Written:
    parts = [
        call.conv.system or "",
        *(m["text"] for m in call.exchange.messages),
        *(t["name"] for t in call.conv.tools),
    ]
    return Written(
        own_id,
        file,
        call.conv.profile,
        call.conv.kind,
        "\n".join(parts),
        call.huge and not call.error,
        call.error is not None,
        call.outcome,
    )


def pair_id(line: dict[str, Any], call: Call) -> str:
    headers = line["response"]["headers"]
    return headers.get("x-request-id") or headers["request-id"] if call.error else call.id


class Logs:
    """Everything that is written, in memory."""

    def __init__(self) -> None:
        self.material = Material()
        self.files: dict[str, bytes] = {}
        self.requests: list[Written] = []
        self.notes: list[spoil.Note] = []
        gateway = self.litellm()
        models = {"gpt-5": [5, 5, 6, 6], "gpt-5-mini": [4, 4, 2, 1]}
        self.pairs(CHAT, "chat", 330, {"growth": 5, "platform": 3, "support": 2}, models, (40, 32, 24, 4))
        self.pairs(RESPONSES, "responses", 150, {"growth": 3, "platform": 4}, models, (28, 28, 36, 8))
        self.pairs(
            ANTHROPIC,
            "anthropic",
            270,
            {"claims": 5, "platform": 4},
            {
                "claude-opus-4-7": [6, 6, 8, 8],
                "claude-sonnet-4-6": [1, 2, 2, 1],
                "claude-haiku-4-5": [3, 3, 2, 1],
            },
            (32, 32, 29, 7),
        )
        self.otel(gateway)
        self.agents()
        self.notes.sort()
        self.files["README.md"] = readme(self).encode()

    def store(self, file: str, lines: list[str]) -> None:
        data = "".join(line + "\n" for line in lines).encode()
        if file.endswith(".gz"):
            buffer = io.BytesIO()
            with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, mtime=0, compresslevel=9) as f:
                f.write(data)
            data = buffer.getvalue()
        elif file.endswith(".zst"):
            data = zstandard.ZstdCompressor(level=12).compress(data)
        self.files[file] = data

    def litellm(self) -> list[Call]:
        calls = traffic(
            self.material,
            "litellm",
            900,
            {"support": 6, "claims": 5},
            {
                "claude-opus-4-7": [44, 42, 50, 55],
                "gpt-5": [24, 26, 28, 25],
                "claude-sonnet-4-6": [8, 8, 10, 10],
                "claude-haiku-4-5": [13, 13, 6, 5],
                "gpt-5-mini": [10, 10, 5, 4],
                "harbour-llama-70b": [2, 1, 1, 0],
            },
            (42, 31, 22, 4),
        )
        lines = [json.dumps(row(call), ensure_ascii=False) for call in calls]
        self.requests += [written(call, LITELLM, call.id) for call in calls]
        self.notes += spoil.litellm(lines, LITELLM)
        self.store(LITELLM, lines)
        return calls

    def pairs(
        self,
        file: str,
        route: str,
        wanted: int,
        teams: dict[str, int],
        models: dict[str, list[int]],
        shares: tuple[int, ...],
    ) -> None:
        write = {CHAT: chat, RESPONSES: responses, ANTHROPIC: anthropic}[file]
        spoiled = {CHAT: spoil.openai_chat, RESPONSES: spoil.openai_responses, ANTHROPIC: spoil.anthropic}[
            file
        ]
        lines = []
        for call in traffic(self.material, route, wanted, teams, models, shares):
            line = write(call)
            self.requests.append(written(call, file, pair_id(line, call)))
            lines.append(json.dumps(line, ensure_ascii=False))
        self.notes += spoiled(lines, file)
        self.store(file, lines)

    def otel(self, gateway: list[Call]) -> None:
        calls = traffic(
            self.material,
            "otel",
            290,
            {"growth": 2, "platform": 3, "support": 2, "claims": 1},
            {
                "claude-opus-4-7": [5, 5, 6, 6],
                "gpt-5": [3, 3, 4, 3],
                "claude-haiku-4-5": [2, 2, 1, 1],
                "gpt-5-mini": [2, 2, 1, 1],
            },
            (30, 29, 33, 8),
        )
        made = batches(calls)
        self.requests += [written(c, OTEL, f"{c.trace}:{span_id(c)}" if c.error else c.id) for c in calls]
        copies = [c for c in gateway if c.provider == "openai" and not c.error and c.ttft_ms is None][
            30:130:10
        ]
        self.copied = [c.id for c in copies]
        for team in ("support", "claims"):
            mine = [c for c in copies if c.team == team]
            if mine:
                made.append(batch(team, mine))
        lines = [json.dumps(line, ensure_ascii=False) for line in made]
        self.notes += spoil.otel(lines, OTEL)
        self.store(OTEL, lines)

    def agents(self) -> None:
        for transcript in transcripts(self.material):
            for path, lines in transcript.files.items():
                self.store(path, [json.dumps(line, ensure_ascii=False) for line in lines])
            self.requests += [self.turn(t) for t in transcript.turns]

    @staticmethod
    def turn(turn: Turn) -> Written:
        return Written(turn.id, turn.file, turn.profile, "coding-agent", turn.text, turn.huge)

    def labels(self) -> bytes:
        rows = [
            {"id": r.id, "file": r.file, "profile": r.profile, "kind": r.kind, "huge_context": r.huge}
            for r in self.requests
        ]
        return "".join(json.dumps(r) + "\n" for r in rows).encode()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=DEFAULT_OUT)
    out: Path = parser.parse_args().out
    logs = Logs()
    for name, data in logs.files.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    LABELS.write_bytes(logs.labels())


if __name__ == "__main__":
    main()
