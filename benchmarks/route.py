"""How long a decision takes, beside a peer's classifier and the proxy's own overhead: `python -m benchmarks.route`.

The texts are `tag_traffic`'s, by which nothing was trained. `new turn`: the user's turn is one that the process has not
seen, under a system message and tools that it has, as in production; `all new`: the system message is new as well;
`repeated`: requests a second time. Rows of one run:

- the router by a user's own classifier over the default encoder, by one over MiniLM (`--encoder minilm`), by the
  builtin head where a log has too few labels for one of its own, with MiniLM's reading of one sentence and without;
- the peer: LiteLLM's complexity router, its rules alone, in the proxy's own environment;
- the LiteLLM proxy with an upstream on loopback: an explicit model without and with the plug-in, `auto` with it, and
  LiteLLM's own complexity router without it.

The peer and the proxy need ROUTER_AUDIT_PROXY_PYTHON; without it they are left out and the output says so. Every row
also has CPU milliseconds a request: what a busy machine does not blur.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchmarks.tag_traffic import requests
from router_audit.embedding import CachedEncoder, load_encoder
from router_audit.labellers.builtin import HEAD_FOLDER
from router_audit.recipe import view
from router_audit.router import Router
from tests.proxy.conftest import MIXED, OPUS, PROXY_PYTHON, running
from tests.proxy.upstream import Upstream
from tests.routed import write_table

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from router_audit.embedding import Encoder
    from tests.proxy.conftest import Proxy

THREADS = (1, 4, 16)
PARTS = ("router", "least", "sentence", "minilm", "peer", "proxy")
TURNS = 9
HEADER = "| what | texts | threads | p50 ms | p99 ms | a second | CPU ms |\n| --- | --- | --- | --- | --- | --- | --- |"

PEER = """
import json, sys, time
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace
from unittest.mock import MagicMock
from litellm.router_strategy.complexity_router.complexity_router import ComplexityRouter
router = ComplexityRouter(model_name="auto", litellm_router_instance=MagicMock(), complexity_router_config={
    "tiers": {"SIMPLE": "a", "MEDIUM": "b", "COMPLEX": "c", "REASONING": "d"}})
def once(request):
    start = time.perf_counter()
    messages = request["messages"]
    system = next((m["content"] for m in messages if m["role"] == "system"), None)
    user = [m["content"] for m in messages if m["role"] == "user"]
    router.classify(user[-1] if user else "", system)
    return time.perf_counter() - start
requests = json.load(sys.stdin)
for request in requests[:20]:
    once(request)
for threads in json.loads(sys.argv[1]):
    wall, cpu = time.perf_counter(), time.process_time()
    with ThreadPoolExecutor(threads) as pool:
        took = list(pool.map(once, requests))
    print(json.dumps([threads, took, time.perf_counter() - wall, time.process_time() - cpu]))
"""


def texts(count: int, seed: int) -> list[dict[str, Any]]:
    """`count` requests, no two alike."""
    seen: set[str] = set()
    found: list[dict[str, Any]] = []
    for asked in requests(count * 4, seed):
        key = json.dumps(asked.record)
        if key not in seen:
            seen.add(key)
            found.append({**asked.record, "request_id": f"{seed}-{len(found)}"})
        if len(found) == count:
            break
    return found


def under_known(count: int, seed: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Requests to warm up by, and `count` others whose system messages and tools are among theirs."""
    drawn = texts(count * 3, seed)
    known, others = drawn[:count], drawn[count:]
    seen = {json.dumps(_shared(request)) for request in known}
    return known, [request for request in others if json.dumps(_shared(request)) in seen][:count]


def all_new(count: int, seed: int) -> list[dict[str, Any]]:
    """`count` requests, each under a system message of its own."""
    found = []
    for number, request in enumerate(texts(count, seed)):
        account = f"You work for account {seed * 100_000 + number}."
        messages = [message for message in request["messages"] if message["role"] != "system"]
        system = " ".join([account, *_shared(request)[0]])
        found.append({**request, "messages": [{"role": "system", "content": system}, *messages]})
    return found


def _shared(request: dict[str, Any]) -> tuple[list[str], Any]:
    """What a deployment's requests have in common: system message and tools."""
    return [m["content"] for m in request["messages"] if m["role"] == "system"], request.get("tools")


def measured(
    work: Callable[[dict[str, Any]], object],
    asked: Sequence[dict[str, Any]],
    threads: int,
    cpu: Callable[[], float],
) -> str:
    """Run `work` over the requests and return its figures."""
    took: list[float] = []
    lock = threading.Lock()

    def once(request: dict[str, Any]) -> None:
        start = time.perf_counter()
        work(request)
        spent = time.perf_counter() - start
        with lock:
            took.append(spent)

    wall, before = time.perf_counter(), cpu()
    with ThreadPoolExecutor(threads) as pool:
        list(pool.map(once, asked))
    return figures(took, time.perf_counter() - wall, cpu() - before)


def figures(took: list[float], wall_s: float, cpu_s: float) -> str:
    """The last four columns of a row."""
    order = sorted(took)
    p50, p99 = order[len(order) // 2] * 1e3, order[min(int(len(order) * 0.99), len(order) - 1)] * 1e3
    return f"{p50:.2f} | {p99:.2f} | {len(took) / wall_s:,.0f} | {cpu_s / len(took) * 1e3:.2f} |"


def routers(folder: Path, parts: Sequence[str], remembered: int = 4096) -> Iterator[tuple[str, Router]]:
    """The router in each of the ways it can decide."""
    if "router" in parts:
        encoder = CachedEncoder(load_encoder(), remembered)
        own = write_table(folder / "own", encoder=encoder)
        yield "own classifier, default encoder", Router.from_table(own, encoder=encoder)
        yield "builtin head, fast", Router.from_table(_builtin(folder, encoder), fast=True)
    if "sentence" in parts:
        yield "builtin head", Router.from_table(_builtin(folder, load_encoder()))
    if "minilm" in parts:
        minilm = load_encoder("minilm")
        slow = write_table(folder / "minilm", encoder=minilm)
        yield "own classifier, MiniLM", Router.from_table(slow, encoder=minilm)


def _builtin(folder: Path, encoder: Encoder) -> Path:
    version = json.loads((HEAD_FOLDER / "head.json").read_text("utf-8"))["version"]
    return write_table(folder / "builtin", encoder=encoder, classifier=f"builtin-{version}")


def decisions(folder: Path, count: int, parts: Sequence[str]) -> None:
    """Rows of the router alone."""
    seeds = itertools.count(1)
    for label, router in routers(folder, parts):
        asked: list[dict[str, Any]] = []
        for threads in THREADS:
            known, asked = under_known(count, next(seeds))
            for request in known:
                router.decide(request)
            row = measured(router.decide, asked, threads, time.process_time)
            print(f"| {label} | new turn | {threads} | {row}", flush=True)
        unseen = measured(router.decide, all_new(count, next(seeds)), 1, time.process_time)
        print(f"| {label} | all new | 1 | {unseen}", flush=True)
        again = measured(router.decide, asked, 1, time.process_time)
        print(f"| {label} | repeated | 1 | {again}", flush=True)


def least(folder: Path, count: int) -> None:
    """The least of some turns of each request, user turns forgotten between them: the code's own time on a busy machine."""
    print("| what | texts | p50 ms | p90 ms | p99 ms |\n| --- | --- | --- | --- | --- |")
    for label, router in routers(folder, ["router"], remembered=1):
        known, asked = under_known(count, seed=5)
        for told, requests_ in (("new turn", asked), ("all new", all_new(count, seed=7))):
            for request in known:
                router.decide(request)
            best = [float("inf")] * len(requests_)
            for _ in range(TURNS):
                view.read_turn.cache_clear()
                if told == "all new":
                    view.read_system_message.cache_clear()
                for place, request in enumerate(requests_):
                    start = time.perf_counter()
                    router.decide(request)
                    best[place] = min(best[place], time.perf_counter() - start)
            best.sort()
            p50, p90, p99 = (best[int(len(best) * share)] * 1e3 for share in (0.5, 0.9, 0.99))
            print(f"| {label} | {told} | {p50:.2f} | {p90:.2f} | {p99:.2f} |", flush=True)


def peer(python: str, count: int) -> None:
    """Rows of LiteLLM's complexity router."""
    done = subprocess.run(
        [python, "-c", PEER, json.dumps(THREADS)], input=json.dumps(texts(count, seed=1)),
        capture_output=True, text=True, check=True, env={**os.environ, "LITELLM_LOCAL_MODEL_COST_MAP": "True"},
    )  # fmt: skip
    for line in done.stdout.splitlines()[-len(THREADS) :]:
        threads, took, wall_s, cpu_s = json.loads(line)
        print(f"| LiteLLM complexity router | new | {threads} | {figures(took, wall_s, cpu_s)}", flush=True)


def through_proxy(folder: Path, count: int) -> None:
    """Rows of whole requests through the proxy."""
    for obeys, models in ((False, (OPUS.model, "complexity")), (True, (OPUS.model, "auto"))):
        place = folder / f"proxy-{obeys}"
        write_table(place / "tables", encoder=load_encoder(), ladder=MIXED)
        with Upstream() as upstream, running(place, upstream, obeys=obeys) as proxy:
            for model in models:
                call = _chat(proxy, model)
                for request in bare(20, seed=0):
                    call(request)
                for threads in (1, 4):
                    row = measured(
                        call, texts(count, seed=threads), threads, lambda: cpu_of(proxy.process.pid)
                    )
                    with_it = "with the plug-in" if obeys else "without"
                    told = model if model in {"auto", "complexity"} else "explicit model"
                    print(f"| proxy {with_it}, {told} | new | {threads} | {row}", flush=True)


def bare(count: int, seed: int) -> list[dict[str, Any]]:
    """`count` requests of plain text: LiteLLM checks tools differently for each provider it may turn to."""
    plain = [one for one in texts(count * 4, seed) if not one.get("tools") and not one.get("response_format")]
    return plain[:count]


def _chat(proxy: Proxy, model: str) -> Callable[[dict[str, Any]], object]:
    def call(request: dict[str, Any]) -> None:
        answer = proxy.send("/v1/chat/completions", {"model": model, "messages": request["messages"]})
        if answer.status != 200:
            raise SystemExit(answer.text)

    return call


def cpu_of(pid: int) -> float:
    """CPU seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--count", type=int, default=400, help="requests a row")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    options = parser.parse_args()
    python = os.environ.get(PROXY_PYTHON)
    print(HEADER)
    with tempfile.TemporaryDirectory() as name:
        decisions(Path(name), options.count, options.parts)
        if "least" in options.parts:
            least(Path(name) / "least", options.count)
        if not python:
            print(f"The peer and the proxy are left out: {PROXY_PYTHON} names no environment.")
            return
        if "peer" in options.parts:
            peer(python, options.count)
        if "proxy" in options.parts:
            through_proxy(Path(name), options.count // 2)


if __name__ == "__main__":
    main()
