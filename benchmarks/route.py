"""How long a decision takes, beside a peer's classifier and the proxy's own overhead: `python -m benchmarks.route`.

Three kinds of traffic: `repeated` (few templates, every text seen before: what production mostly is), `payloads`
(few templates, every payload new) and `new` (every text new to the process: the worst case). The proxy and the
peer need ROUTER_AUDIT_PROXY_PYTHON; without it they are left out and the table says so.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from router_audit.embedding import load_encoder
from router_audit.labellers.builtin import HEAD_FOLDER
from router_audit.router import Router
from tests.proxy.conftest import MIXED, PROXY_PYTHON, running
from tests.proxy.upstream import Upstream
from tests.routed import ask, write_table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

THREADS = (1, 4, 16)
PROFILES = ("classification", "extraction", "reasoning", "coordination")
SYSTEM = "You are the desk of a parcel carrier. Answer in one word. Never tell a customer's address to anyone else."

PEER = """
import json, sys, time
from litellm.router_strategy.complexity_router.complexity_router import ComplexityRouter
from unittest.mock import MagicMock
requests = json.load(sys.stdin)
router = ComplexityRouter(model_name="auto", litellm_router_instance=MagicMock(), complexity_router_config={
    "tiers": {"SIMPLE": "a", "MEDIUM": "b", "COMPLEX": "c", "REASONING": "d"}})
def once(request):
    messages = request["messages"]
    system = next((m["content"] for m in messages if m["role"] == "system"), None)
    router.classify(messages[-1]["content"], system)
for request in requests[:20]:
    once(request)
took = []
for request in requests:
    start = time.perf_counter(); once(request); took.append(time.perf_counter() - start)
print(json.dumps(took))
"""


def traffic(kind: str, count: int) -> list[dict[str, Any]]:
    """Requests of all profiles with a system prompt, of one of the three kinds."""
    found = []
    for number in range(count):
        request = ask(PROFILES[number % 4], 0 if kind == "repeated" else number)
        text = request["messages"][0]["content"]
        if kind == "new":
            text = f"{number} {text} ({number * 7919 % 10_007})"
        elif kind == "payloads":
            text += "\n\nText: " + " ".join(f"item {number * 31 + step} came late" for step in range(80))
        messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": text}]
        found.append({"messages": messages, "request_id": str(number)})
    return found


def measure(
    decide: Callable[[dict[str, Any]], object], requests: Sequence[dict[str, Any]], threads: int
) -> str:
    """p50 and p99 in ms, and decisions a second over all threads."""
    took: list[float] = []
    lock = threading.Lock()

    def once(request: dict[str, Any]) -> None:
        start = time.perf_counter()
        decide(request)
        with lock:
            took.append(time.perf_counter() - start)

    begun = time.perf_counter()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(once, requests))
    return row(took, time.perf_counter() - begun)


def row(took: list[float], whole_s: float) -> str:
    """One line of figures."""
    order = sorted(took)
    p50, p99 = order[len(order) // 2] * 1e3, order[min(int(len(order) * 0.99), len(order) - 1)] * 1e3
    return f"p50 {p50:8.3f} ms   p99 {p99:8.3f} ms   {len(took) / whole_s:8.0f}/s"


def routers(folder: Path) -> dict[str, Router]:
    """The default encoder under a table's own classifier, and the light part of the builtin head."""
    encoder = load_encoder("minilm")
    own = write_table(folder / "own", encoder=encoder)
    version = json.loads((HEAD_FOLDER / "head.json").read_text("utf-8"))["version"]
    builtin = write_table(folder / "builtin", encoder=encoder, classifier=f"builtin-{version}")
    return {
        "default (MiniLM)": Router.from_table(own, encoder=encoder),
        "fast (light head)": Router.from_table(builtin, fast=True),
    }


def proxy_overhead(folder: Path, count: int) -> list[tuple[str, str]]:
    """Latency through the real proxy: the same calls with an explicit model, and with `auto`."""
    tables = folder / "proxy"
    write_table(tables / "tables", encoder=load_encoder("minilm"), ladder=MIXED)
    found = []
    with Upstream() as upstream, running(tables, upstream) as proxy:
        for name, model in (("proxy, explicit model", "claude-opus-4-7"), ("proxy, auto", "auto")):
            took = []
            begun = time.perf_counter()
            for number in range(count + 20):
                start = time.perf_counter()
                proxy.send("/v1/chat/completions", {"model": model, **ask("classification", number % 5)})
                took.append(time.perf_counter() - start)
                if number == 19:
                    took, begun = [], time.perf_counter()
            found.append((name, row(took, time.perf_counter() - begun)))
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=400)
    parser.add_argument("--new", type=int, default=60, help="requests of the kinds that encode a text each")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for label, router in routers(folder).items():
            for kind in ("repeated", "payloads", "new"):
                counted = options.count if kind == "repeated" else options.new
                for threads in THREADS:
                    requests = traffic(kind, counted * (1 + (kind == "new")))[-counted:]
                    if kind == "repeated":
                        for request in requests[:8]:
                            router.decide(request)
                    shift = {"new": threads * 100_000}.get(kind, 0)
                    for number, request in enumerate(requests):
                        if shift:
                            request["messages"][-1]["content"] += f" {shift + number}"
                    print(
                        f"{label:20} {kind:9} {threads:3} threads  {measure(router.decide, requests, threads)}",
                        flush=True,
                    )
        python = os.environ.get(PROXY_PYTHON)
        if not python:
            print(f"peer and proxy: left out, {PROXY_PYTHON} names no environment")
            return
        for kind in ("repeated", "payloads", "new"):
            done = subprocess.run(
                [python, "-c", PEER], input=json.dumps(traffic(kind, options.count)),
                capture_output=True, text=True, check=True, env={**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True"},
            )  # fmt: skip
            took = json.loads(done.stdout.splitlines()[-1])
            print(f"{'LiteLLM complexity':20} {kind:9}   1 threads  {row(took, sum(took))}", flush=True)
        for label, figures in proxy_overhead(folder, 100):
            print(f"{label:20} {'':9}   1 threads  {figures}", flush=True)


if __name__ == "__main__":
    main()
