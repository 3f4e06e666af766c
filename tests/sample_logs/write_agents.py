"""Coding-agent transcripts in the shape of Claude Code."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from .calls import ALNUM, SEED, SERVED, shuffled

if TYPE_CHECKING:
    from .material import Material


@dataclass
class Turn:
    """One API reply of a transcript, for the labels."""

    id: str
    file: str
    profile: str
    text: str
    huge: bool


class Transcript:
    def __init__(self, material: Material, session: dict[str, Any], number: int) -> None:
        self.rng = random.Random(f"{SEED}:agent:{number}")
        self.material, self.session = material, session
        self.slots = material.draw(self.rng, date(2026, 10, session["day"]))
        self.clock = int(
            datetime(2026, 10, session["day"], *map(int, session["start"].split(":")), tzinfo=UTC).timestamp()
            * 1000
        )
        self.id = self.uuid()
        self.folder = f"claude-code/-srv-work-{session['project']}"
        self.path = f"{self.folder}/{self.id}.jsonl"
        self.base = self.rng.randint(15_500, 17_900)
        self.context: dict[str, int] = {}
        self.parent: str | None = None
        self.files: dict[str, list[dict[str, Any]]] = {self.path: []}
        self.turns: list[Turn] = []

    def uuid(self) -> str:
        h = f"{self.rng.getrandbits(128):032x}"
        return f"{h[:8]}-{h[8:12]}-4{h[13:16]}-b{h[17:20]}-{h[20:]}"

    def line(self, path: str, kind: str, side: str | None, **more: Any) -> None:
        own = self.uuid()
        stamp = datetime.fromtimestamp(self.clock / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        self.files[path].append(
            {
                "parentUuid": self.parent,
                "isSidechain": side is not None,
                "userType": "external",
                "cwd": f"/srv/work/{self.session['project']}",
                "sessionId": self.id,
                "version": "2.1.140",
                "gitBranch": self.session["branch"],
                **({"agentId": side} if side else {}),
                "type": kind,
                **more,
                "uuid": own,
                "timestamp": stamp,
            }
        )
        self.parent = own

    def say(self, path: str, text: str, side: str | None = None) -> str:
        filled = self.material.fill(text, self.slots)
        self.line(path, "user", side, message={"role": "user", "content": filled})
        return filled

    def reply(
        self, path: str, step: dict[str, Any], asked: str, profile: str, side: str | None = None
    ) -> str:
        """Writes one API reply, a line for each block, and the tool's result; returns what the model sees next."""
        rng, fill = self.rng, self.material.fill
        blocks: list[dict[str, Any]] = []
        if step.get("think"):
            blocks.append(
                {"type": "thinking", "thinking": step["think"], "signature": shuffled(rng, ALNUM, 64)}
            )
        if step.get("say"):
            blocks.append({"type": "text", "text": fill(step["say"], self.slots)})
        if step.get("tool"):
            blocks.append(
                {
                    "type": "tool_use",
                    "id": "toolu_01" + shuffled(rng, ALNUM, 22),
                    "name": step["tool"],
                    "input": json.loads(fill(step["input"], self.slots)),
                }
            )
        fresh, grown = rng.randint(2, 9), 60 + len(asked) // 4
        context = self.context.get(path, self.base)
        if step.get("huge") and context < 200_000:
            grown += rng.randint(206_000, 240_000)
        read, write = (context, grown) if path in self.context else (11_520, context - 11_520 + grown)
        self.context[path] = context + grown
        output = 6 + sum(len(json.dumps(b)) for b in blocks) // 4 + (300 if step.get("think") else 0)
        own, request = "msg_01" + shuffled(rng, ALNUM, 22), "req_011C" + shuffled(rng, ALNUM, 20)
        model = self.session["model"]
        for n, block in enumerate(blocks):
            last = n == len(blocks) - 1
            self.clock += rng.randint(600, 2400)
            self.line(
                path,
                "assistant",
                side,
                requestId=request,
                message={
                    "model": SERVED.get(model, model),
                    "id": own,
                    "type": "message",
                    "role": "assistant",
                    "content": [block],
                    "stop_sequence": None,
                    "stop_reason": ("tool_use" if step.get("tool") else "end_turn") if last else None,
                    "usage": {
                        "input_tokens": fresh,
                        "cache_creation_input_tokens": write,
                        "cache_read_input_tokens": read,
                        "cache_creation": {
                            "ephemeral_5m_input_tokens": write,
                            "ephemeral_1h_input_tokens": 0,
                        },
                        "output_tokens": output if last else rng.randint(1, 8),
                        "service_tier": "standard",
                    },
                },
            )
        self.turns.append(Turn(own, path, profile, asked, fresh + read + write > 200_000))
        if not step.get("tool"):
            return ""
        self.clock += rng.randint(200, 6000)
        result = fill(step["result"], self.slots)
        self.line(
            path,
            "user",
            side,
            message={
                "role": "user",
                "content": [{"type": "tool_result", "tool_use_id": blocks[-1]["id"], "content": result}],
            },
            toolUseResult={"stdout": result} if step["tool"] == "Bash" else result,
        )
        return result

    def write(self) -> None:
        s = self.session
        self.files[self.path].append(
            {
                "type": "file-history-snapshot",
                "messageId": self.uuid(),
                "snapshot": {"trackedFileBackups": {}},
                "isSnapshotUpdate": False,
            }
        )
        seen = self.say(self.path, s["ask"])
        for n, step in enumerate(s["steps"]):
            seen = self.reply(self.path, step, seen, s["profile"])
            if n == 0 and s.get("sub"):
                self.helper(s["sub"], s["steps"][0])
        for question, answer in zip(s.get("more", [])[::2], s.get("more", [])[1::2], strict=True):
            self.clock += self.rng.randint(40_000, 200_000)
            self.reply(self.path, {"say": answer}, self.say(self.path, question), s["profile"])
        self.line(
            self.path, "system", None, subtype="turn_duration", durationMs=self.rng.randint(9_000, 300_000)
        )

    def helper(self, steps: list[dict[str, Any]], asked_by: dict[str, Any]) -> None:
        side = f"{self.rng.getrandbits(32):08x}"
        path = f"{self.folder}/{self.id}/subagents/agent-{side}.jsonl"
        self.files[path] = []
        kept, self.parent = self.parent, None
        seen = self.say(path, json.loads(asked_by["input"])["prompt"], side)
        for step in steps:
            seen = self.reply(path, step, seen, "coordination", side)
        self.parent = kept


def transcripts(material: Material) -> list[Transcript]:
    out = []
    for number, session in enumerate(material.sessions):
        transcript = Transcript(material, session, number)
        transcript.write()
        out.append(transcript)
    return out
