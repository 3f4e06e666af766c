"""Logged traffic of known profiles for the tagging benchmark: few templates, many payloads, and what is sent again.

Fixed before anything was measured:

- 150 deployments (a task kind of `tests/sample_logs`, one system prompt, one wording). None of these kinds is
  a task of the training corpus. Their traffic is Zipf with exponent 1: the busiest sends 18% of all requests,
  half of the deployments together 12%.
- Three of four requests are new: a text of the kind's pool with its names, numbers, dates and amounts drawn
  afresh. Agents send their whole history with every step, and every step is a request.
- One of four repeats one of the last 1,000 requests to the letter: a retry, a poll, a document sent again.
"""

from __future__ import annotations

import itertools
import json
import random
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from tests.sample_logs.compose import compose
from tests.sample_logs.material import Material

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.sample_logs.compose import Conversation

DEPLOYMENTS = 150
ZIPF = 1.0
REPEATED = 0.25
RECENT = 1_000
SHARES = {"classification": 0.35, "extraction": 0.30, "reasoning": 0.25, "coordination": 0.10}
"""Of the deployments, not of the requests: an agent's session is several requests."""
TODAY = date(2026, 10, 15)


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it is logged, and what it truly is."""

    record: dict[str, Any]
    """`messages`, and `tools` and `response_format` where there are any."""
    profile: str

    @property
    def text(self) -> str:
        """The whole prompt as one text: what an encoder without a recipe is given."""
        return "\n".join(message["content"] for message in self.record["messages"] if message["content"])


def requests(count: int, seed: int = 0) -> Iterator[Asked]:
    """Draw `count` requests; the same seed gives the same ones."""
    rng = random.Random(seed)
    material = Material()
    deployed = [_deployment(rng, material) for _ in range(DEPLOYMENTS)]
    weights = list(itertools.accumulate((place + 1) ** -ZIPF for place in range(DEPLOYMENTS)))
    recent: list[Asked] = []
    sent = 0
    while sent < count:
        if recent and rng.random() < REPEATED:
            fresh = [rng.choice(recent)]
        else:
            kind, team = rng.choices(deployed, cum_weights=weights)[0]
            conversation = compose(rng, kind, material, team, right=True, today=TODAY)
            fresh = list(_asked(conversation))
            recent = [*recent, *fresh][-RECENT:]
        for asked in fresh[: count - sent]:
            yield asked
            sent += 1


def _deployment(rng: random.Random, material: Material) -> tuple[dict[str, Any], str]:
    profile = rng.choices(list(SHARES), list(SHARES.values()))[0]
    kind = rng.choice(
        [kind for kind in material.kinds if kind["profile"] == profile and not kind.get("huge")]
    )
    fixed = {**kind, "systems": [rng.choice(kind["systems"])], "asks": [rng.choice(kind["asks"])]}
    return fixed, rng.choice(kind["teams"])


def _asked(conversation: Conversation) -> Iterator[Asked]:
    system = [{"role": "system", "content": conversation.system}] if conversation.system else []
    tools = [{"type": "function", "function": tool} for tool in conversation.tools]
    for exchange in conversation.exchanges:
        record: dict[str, Any] = {"messages": [*system, *map(_message, exchange.messages)]}
        if tools:
            record["tools"] = tools
        if conversation.schema:
            record["response_format"] = {"type": "json_schema", "json_schema": conversation.schema}
        yield Asked(record, conversation.profile)


def _message(said: dict[str, Any]) -> dict[str, Any]:
    message = {"role": said["role"], "content": said.get("text") or ""}
    if said.get("calls"):
        message["tool_calls"] = [
            {
                "id": call["id"],
                "type": "function",
                "function": {"name": call["name"], "arguments": json.dumps(call["args"])},
            }
            for call in said["calls"]
        ]
    if said["role"] == "tool":
        message["tool_call_id"] = said["call_id"]
    return message


def write_log(path: Path, count: int, seed: int = 0) -> None:
    """Write `count` requests as OpenAI chat exchanges, request `n` with the id `chatcmpl-n`."""
    with path.open("w", encoding="utf-8") as file:
        for number, asked in enumerate(requests(count, seed)):
            answer = {
                "id": f"chatcmpl-{number}", "object": "chat.completion", "model": "gpt-5", "created": 1_792_000_000 + number,
                "choices": [{"index": 0, "message": {"role": "assistant", "content": "ok"}, "finish_reason": "stop"}],
                "usage": {"prompt_tokens": 200, "completion_tokens": 5, "total_tokens": 205},
            }  # fmt: skip
            line = {"id": f"chatcmpl-{number}", "model": "gpt-5", **asked.record, "response": answer}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
