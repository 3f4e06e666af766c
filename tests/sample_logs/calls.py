"""Who called which model when, what it took and what it cost."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from .compose import Conversation, Exchange, compose

if TYPE_CHECKING:
    from .material import Material

SEED = 20261001
SERVED = {
    "gpt-5": "gpt-5-2025-08-07",
    "gpt-5-mini": "gpt-5-mini-2025-08-07",
    "claude-haiku-4-5": "claude-haiku-4-5-20251001",
}
PRICE = {  # USD per million tokens, in and out
    "claude-opus-4-7": ("5", "25"),
    "claude-sonnet-4-6": ("3", "15"),
    "claude-haiku-4-5": ("1", "5"),
    "gpt-5": ("1.25", "10"),
    "gpt-5-mini": ("0.25", "2"),
}
SPEED = {
    "claude-opus-4-7": 55,
    "claude-sonnet-4-6": 75,
    "claude-haiku-4-5": 150,
    "gpt-5": 80,
    "gpt-5-mini": 140,
    "harbour-llama-70b": 40,
}
RIGHT = {  # chance of a good answer: classification, extraction, reasoning, coordination
    "claude-opus-4-7": (0.975, 0.97, 0.92, 0.90),
    "gpt-5": (0.975, 0.97, 0.91, 0.88),
    "claude-sonnet-4-6": (0.97, 0.965, 0.82, 0.80),
    "claude-haiku-4-5": (0.965, 0.955, 0.55, 0.52),
    "gpt-5-mini": (0.965, 0.95, 0.52, 0.48),
    "harbour-llama-70b": (0.93, 0.88, 0.40, 0.30),
}
APP = {"support": "desk", "claims": "workbench", "growth": "insights", "platform": "oncall"}
PROFILES = ("classification", "extraction", "reasoning", "coordination")
DAYS = [
    0.25 if d in (4, 11, 18, 25) else 0.35 if d in (3, 10, 17, 24, 31) else 1.0 + d / 100
    for d in range(1, 32)
]
HOURS = [1, 1, 1, 1, 1, 2, 6, 16, 30, 34, 33, 30, 22, 30, 34, 32, 26, 16, 10, 8, 6, 4, 3, 2]
RATE_LIMIT = (
    "This request would exceed the rate limit for your organization of 400,000 input tokens per minute."
)
ERRORS = {
    "anthropic": [
        (529, "overloaded_error", "Overloaded"),
        (429, "rate_limit_error", RATE_LIMIT),
        (504, "timeout_error", "Request timed out."),
    ],
    "openai": [
        (429, "rate_limit_exceeded", "Rate limit reached for requests per min (RPM): Limit 500, Used 500."),
        (500, "server_error", "The server had an error while processing your request."),
        (504, "timeout", "Request timed out."),
    ],
    "hosted_vllm": [(503, "server_error", "no healthy upstream")],
}


@dataclass
class Call:
    conv: Conversation
    exchange: Exchange
    model: str
    provider: str
    team: str
    user: str
    session: str
    start_ms: int
    id: str
    trace: str
    huge: bool
    input: int = 0  # includes what came from or went to a cache
    cache_read: int = 0
    cache_write: int = 0
    output: int = 0
    reasoning: int = 0
    latency_ms: int = 0
    ttft_ms: int | None = None
    finish: str = "stop"  # stop | length | tool_calls | error
    error: tuple[int, str, str] | None = None
    outcome: bool | None = None
    attempt: int = 0
    tags: list[str] = field(default_factory=list)
    copied: bool = False  # the same request stands in a second log

    @property
    def text(self) -> str:
        return self.exchange.text

    def cost(self) -> Decimal:
        if self.model not in PRICE or self.error:
            return Decimal(0)
        rate_in, rate_out = map(Decimal, PRICE[self.model])
        fresh = self.input - self.cache_read - self.cache_write
        total = (fresh + Decimal("0.1") * self.cache_read + Decimal("1.25") * self.cache_write) * rate_in
        return (total + self.output * rate_out) / 1_000_000


def provider_of(model: str) -> str:
    return (
        "anthropic" if model.startswith("claude") else "openai" if model.startswith("gpt") else "hosted_vllm"
    )


def moment(rng: random.Random) -> int:
    day = rng.choices(range(1, 32), DAYS)[0]
    hour = rng.choices(range(24), HOURS)[0]
    start = datetime(2026, 10, day, hour, rng.randint(0, 59), rng.randint(0, 59), tzinfo=UTC)
    return int(start.timestamp()) * 1000 + rng.randint(0, 999)


def shuffled(rng: random.Random, alphabet: str, length: int) -> str:
    return "".join(rng.choice(alphabet) for _ in range(length))


ALNUM = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def response_id(rng: random.Random, provider: str, route: str) -> str:
    if route == "responses":
        return f"resp_{rng.getrandbits(192):048x}"
    if provider == "openai":
        return "chatcmpl-C" + shuffled(rng, ALNUM, 28)
    if route == "litellm":
        h = f"{rng.getrandbits(128):032x}"
        return f"chatcmpl-{h[:8]}-{h[8:12]}-4{h[13:16]}-a{h[17:20]}-{h[20:]}"
    return "msg_01" + shuffled(rng, ALNUM, 22)


def measure(rng: random.Random, call: Call) -> None:
    conv, exchange = call.conv, call.exchange
    seen = len(conv.system or "") + sum(
        len(m["text"]) + len(json.dumps(m.get("calls", []))) for m in exchange.messages
    )
    if conv.tools:
        seen += len(json.dumps(conv.tools)) + (1200 if call.provider == "anthropic" else 0)
    if conv.schema:
        seen += len(json.dumps(conv.schema))
    per_token = rng.uniform(3.2, 3.6) if conv.foreign else rng.uniform(3.8, 4.2)
    call.input = int(seen / per_token + conv.omitted / 4) + 4 * len(exchange.messages) + 7
    cacheable = conv.cached // 4 + (
        call.input * 2 // 3 if len(exchange.messages) > 4 and call.input > 6000 else 0
    )
    cacheable = min(cacheable, call.input - 20)
    if cacheable > 1024 and call.provider == "anthropic":
        if rng.random() < 0.8:
            call.cache_read = cacheable
        else:
            call.cache_write = cacheable
    elif cacheable > 1024 and call.provider == "openai" and rng.random() < 0.75:
        call.cache_read = cacheable // 128 * 128
    shown = len(exchange.text) + sum(len(json.dumps(c["args"])) + 60 for c in exchange.calls)
    call.output = max(1, int(shown / per_token)) + rng.randint(2, 5)
    depth = {"classification": 1, "extraction": 2, "reasoning": 12, "coordination": 5}[conv.profile]
    if call.model.startswith("gpt-5"):
        call.reasoning = 64 * rng.randint(depth, 3 * depth)
    elif (
        conv.profile == "reasoning"
        and call.model in ("claude-opus-4-7", "claude-sonnet-4-6")
        and rng.random() < 0.5
    ):
        call.reasoning = rng.randint(400, 2600)
    call.output += call.reasoning
    first = rng.randint(280, 900) + call.input // 60
    call.latency_ms = int(first + 1000 * call.output / SPEED[call.model] * rng.uniform(0.8, 1.3))
    if rng.random() < (0.5 if conv.profile in ("reasoning", "coordination") else 0.2):
        call.ttft_ms = first
    call.finish = "tool_calls" if exchange.calls else "stop"
    if not exchange.calls and len(exchange.text) > 80 and rng.random() < 0.04:
        keep = len(exchange.text) * 3 // 5
        call.exchange = Exchange(exchange.messages, exchange.text[:keep])
        call.output -= int((len(exchange.text) - keep) / per_token)
        call.finish = "length"


def conversation_calls(
    material: Material,
    route: str,
    index: int,
    teams: dict[str, int],
    models: dict[str, list[int]],
    shares: tuple[int, ...],
) -> list[Call]:
    """All calls of one session, with its failed attempts."""
    rng = random.Random(f"{SEED}:{route}:{index}")
    profile = rng.choices(PROFILES, shares)[0]
    huge = route in ("litellm", "anthropic", "otel") and profile != "coordination" and index % 26 == 7
    team = rng.choices(list(teams), list(teams.values()))[0]
    fitting = [k for k in material.kinds if k["profile"] == profile and bool(k.get("huge")) == huge]
    kind = rng.choice([k for k in fitting if team in k["teams"]] or fitting)
    if team not in kind["teams"]:
        team = rng.choice(kind["teams"])
    model = rng.choices(list(models), [w[PROFILES.index(profile)] for w in models.values()])[0]
    tokens = 0
    if huge:
        model = model if model in ("gpt-5", "claude-opus-4-7", "claude-sonnet-4-6") else next(iter(models))
        tokens = rng.randint(205_000, 262_000) if model == "gpt-5" else rng.randint(205_000, 390_000)
    right = rng.random() < RIGHT[model][PROFILES.index(profile)]
    clock, calls = moment(rng), []
    conv = compose(
        rng, kind, material, team, right, datetime.fromtimestamp(clock // 1000, UTC).date(), tokens
    )
    session = f"{team[:3]}-{rng.getrandbits(40):010x}"
    user, trace = f"u-{team}-{rng.randint(1, 14):02d}", f"{rng.getrandbits(128):032x}"
    for exchange in conv.exchanges:
        made = Call(conv, exchange, model, provider_of(model), team, user, session, clock, "", trace, huge)
        made.tags = ["prod", f"app:{APP[team]}"]
        while rng.random() < 0.04 and made.attempt < 2:
            failed = Call(conv, exchange, model, made.provider, team, user, session, clock, "", trace, huge)
            failed.error, failed.finish, failed.attempt = (
                rng.choice(ERRORS[made.provider]),
                "error",
                made.attempt,
            )
            failed.latency_ms = 60_000 if failed.error[0] == 504 else rng.randint(90, 700)
            failed.id, failed.tags = response_id(rng, made.provider, route), made.tags
            calls.append(failed)
            clock += failed.latency_ms + rng.randint(900, 9000)
            made.attempt += 1
        if calls and calls[-1].error and rng.random() < 0.15:
            return calls  # given up
        made.start_ms, made.id = clock, response_id(rng, made.provider, route)
        measure(rng, made)
        calls.append(made)
        clock += made.latency_ms + (rng.randint(300, 4000) if exchange.calls else rng.randint(15_000, 90_000))
    if route != "anthropic" and rng.random() < (0.9 if profile == "coordination" else 0.48):
        calls[-1].outcome = right if rng.random() < 0.98 else not right
    return calls


def traffic(
    material: Material,
    route: str,
    wanted: int,
    teams: dict[str, int],
    models: dict[str, list[int]],
    shares: tuple[int, ...],
) -> list[Call]:
    calls: list[Call] = []
    index = 0
    while len(calls) < wanted:
        calls += conversation_calls(material, route, index, teams, models, shares)
        index += 1
    return sorted(calls, key=lambda c: (c.start_ms, c.id))
