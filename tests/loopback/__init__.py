"""A model provider on loopback: a real HTTP server that speaks the wire formats the real SDKs talk to.

It serves Anthropic's Messages and Message Batches and OpenAI's chat.completions, answers by a script, and
keeps two books: every request it received, and what it would have billed for.

    with Loopback({"spam": Says(tool={"profile": "classification"}), "slow": Sleeps(5)}) as server:
        client = Anthropic(base_url=server.url, api_key="none")
        ...
    assert server.billed_usd <= budget

A script is a list (one behaviour a call, in order of arrival), a dict (the first key that occurs in the
prompt), or a function of the `Call`. `None`, or a script that has run out, gives the default answer: the
first value the forced tool or the schema allows, else `ok`. A function sees `call.attempt`, so
`lambda call: OVERLOADED if call.attempt == 1 else None` fails each prompt once.
"""

from __future__ import annotations

import json
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any, Self

from tests.loopback.script import (
    BROKEN,
    BROKEN_ARGUMENTS,
    EMPTY,
    OUT_OF_TOKENS,
    OVERLOADED,
    RATE_LIMITED,
    REFUSES,
    UNAUTHORISED,
    WRONG_ARGUMENTS,
    WRONG_TOOL,
    Behaviour,
    Bill,
    Call,
    Cuts,
    Drops,
    Ends,
    Fails,
    Protocol,
    Says,
    Sleeps,
)
from tests.loopback.wire import anthropic_body, default_answer, error_body, openai_body

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "BROKEN",
    "BROKEN_ARGUMENTS",
    "EMPTY",
    "OUT_OF_TOKENS",
    "OVERLOADED",
    "RATE_LIMITED",
    "REFUSES",
    "UNAUTHORISED",
    "WRONG_ARGUMENTS",
    "WRONG_TOOL",
    "Behaviour",
    "Bill",
    "Call",
    "Cuts",
    "Drops",
    "Ends",
    "Fails",
    "Loopback",
    "Says",
    "Sleeps",
]


@dataclass
class Loopback:
    """The server; use it as a context manager."""

    script: Any = None
    input_mtok: Decimal = Decimal(1)
    output_mtok: Decimal = Decimal(5)
    """USD per million tokens, of claude-haiku-4-5; cache reads cost a tenth, writes 1.25, a batch half."""
    batch_polls: int = 1
    """How many polls find a batch still in progress."""
    calls: list[Call] = field(default_factory=list)
    ledger: list[Bill] = field(default_factory=list)
    batches: dict[str, dict[str, Any]] = field(default_factory=dict)
    peak: int = 0
    """The most calls that were under way at once."""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._attempts: Counter[str] = Counter()
        self._seen_systems: set[str] = set()
        self._under_way = 0

    def __enter__(self) -> Self:
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        """What Anthropic's SDK takes as its base URL."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def openai_url(self) -> str:
        """What OpenAI's SDK takes as its base URL."""
        return f"{self.url}/v1"

    @property
    def billed_usd(self) -> Decimal:
        """Everything that was billed."""
        with self._lock:
            return sum((bill.usd for bill in self.ledger), Decimal(0))

    @property
    def paid_twice(self) -> list[str]:
        """Prompts of the bodies that were billed more than once."""
        with self._lock:
            times = Counter((bill.key, bill.prompt) for bill in self.ledger)
        return [prompt for (_, prompt), count in times.items() if count > 1]

    def receive(
        self,
        protocol: Protocol,
        path: str,
        headers: Mapping[str, str],
        body: dict[str, Any],
        batch: str | None,
    ) -> tuple[Call, Behaviour]:
        """Book a request and choose what happens to it."""
        with self._lock:
            key = json.dumps(body, sort_keys=True)
            self._attempts[key] += 1
            call = Call(len(self.calls), protocol, path, headers, body, self._attempts[key], batch)
            self.calls.append(call)
        chosen = self._choose(call)
        return call, Says() if chosen is None else chosen

    def _choose(self, call: Call) -> Behaviour | None:
        if callable(self.script):
            return self.script(call)
        if isinstance(self.script, dict):
            return next((behaviour for key, behaviour in self.script.items() if key in call.prompt), None)
        if self.script and call.number < len(self.script):
            return self.script[call.number]
        return None

    def bill(self, call: Call, said: Says) -> Bill:
        """Book the work of a call at the price of the day."""
        system = call.system
        system_tokens = len(system.encode()) // 4
        rest = len(json.dumps([call.body.get("messages"), call.body.get("tools")]).encode()) // 4
        caching = call.protocol == "anthropic" and "cache_control" in json.dumps(
            call.body.get("system") or ""
        )
        output = said.output_tokens or max(
            1, len(json.dumps(said.tool if said.tool is not None else said.text or "")) // 4
        )
        with self._lock:
            warm = system in self._seen_systems
            self._seen_systems.add(system)
            read, write = (system_tokens if warm else 0, 0 if warm else system_tokens) if caching else (0, 0)
            plain = rest + (0 if caching else system_tokens)
            usd = (
                (plain + read * Decimal("0.1") + write * Decimal("1.25")) * self.input_mtok
                + output * self.output_mtok
            ) / 1_000_000
            if call.batch:
                usd /= 2
            bill = Bill(
                call.key, call.prompt, str(call.body.get("model")), plain + read + write, read, write, output, usd,
                call.batch is not None,
            )  # fmt: skip
            self.ledger.append(bill)
        return bill

    def begin(self) -> None:
        """A call is under way."""
        with self._lock:
            self._under_way += 1
            self.peak = max(self.peak, self._under_way)

    def end(self) -> None:
        """A call is over."""
        with self._lock:
            self._under_way -= 1


def _handler(server: Loopback) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            pass

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length") or 0))
            body = json.loads(raw or b"{}")
            path = self.path.partition("?")[0]
            server.begin()
            try:
                if path.endswith("/cancel"):
                    self.send(200, _batch(server, path.split("/")[-2]))
                elif path == "/v1/messages/batches":
                    self.create_batch(body)
                elif path == "/v1/messages":
                    self.answer("anthropic", path, body)
                elif path.endswith("/chat/completions"):
                    self.answer("openai", path, body)
                else:
                    self.send(404, error_body("anthropic", Fails(404, "not_found_error", message=path)))
            except (BrokenPipeError, ConnectionResetError):
                self.close_connection = True
            finally:
                server.end()

        def do_GET(self) -> None:
            parts = self.path.partition("?")[0].strip("/").split("/")
            if parts == ["v1", "messages", "batches"]:
                found = [_batch(server, name, polled=False) for name in reversed(server.batches)]
                self.send(200, {"data": found, "has_more": False, "first_id": None, "last_id": None})
            elif parts[:3] != ["v1", "messages", "batches"] or parts[3] not in server.batches:
                self.send(404, error_body("anthropic", Fails(404, "not_found_error", message=self.path)))
            elif parts[-1] == "results":
                lines = "".join(json.dumps(line) + "\n" for line in server.batches[parts[3]]["results"])
                self.write(200, lines.encode(), {"content-type": "application/x-jsonl"})
            else:
                self.send(200, _batch(server, parts[3]))

        def answer(self, protocol: Protocol, path: str, body: dict[str, Any]) -> None:
            call, chosen = server.receive(protocol, path, dict(self.headers), body, None)
            render = anthropic_body if protocol == "anthropic" else openai_body
            match chosen:
                case Fails():
                    extra = {} if chosen.retry_after_s is None else {"retry-after": str(chosen.retry_after_s)}
                    self.send(chosen.status, error_body(protocol, chosen), extra)
                case Drops():
                    if chosen.done:
                        server.bill(call, default_answer(call, Says()))
                    self.close_connection = True
                    self.connection.close()
                case Cuts():
                    bill = server.bill(call, default_answer(call, Says()))
                    whole = json.dumps(render(call, Says(), bill)).encode()
                    self.write(200, whole[: len(whole) // 2], {"content-type": "application/json"})
                case Sleeps():
                    bill = server.bill(call, default_answer(call, Says()))
                    time.sleep(chosen.seconds)
                    self.send(200, render(call, Says(), bill))
                case Says():
                    bill = server.bill(call, default_answer(call, chosen))
                    time.sleep(chosen.delay_s)
                    self.send(200, render(call, chosen, bill))
                case Ends():
                    raise AssertionError("Ends happens in batches only")

        def create_batch(self, body: dict[str, Any]) -> None:
            name = f"msgbatch_{len(server.batches)}"
            results = []
            for entry in body["requests"]:
                call, chosen = server.receive(
                    "anthropic", self.path, dict(self.headers), entry["params"], name
                )
                result: dict[str, Any]
                if isinstance(chosen, Ends):
                    result = {"type": chosen.kind}
                    if chosen.kind == "errored":
                        result["error"] = error_body("anthropic", Fails(400, "invalid_request_error"))
                elif isinstance(chosen, Says):
                    bill = server.bill(call, default_answer(call, chosen))
                    result = {"type": "succeeded", "message": anthropic_body(call, chosen, bill)}
                else:
                    raise TypeError(chosen)  # a batch entry says something or ends
                results.append({"custom_id": entry["custom_id"], "result": result})
            server.batches[name] = {"results": list(reversed(results)), "polls": 0, "at": time.time()}
            self.send(200, _batch(server, name, polled=False))

        def send(self, status: int, body: dict[str, Any], extra: Mapping[str, str] | None = None) -> None:
            self.write(
                status, json.dumps(body).encode(), {"content-type": "application/json", **(extra or {})}
            )

        def write(self, status: int, raw: bytes, headers: Mapping[str, str]) -> None:
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("content-length", str(len(raw)))
            self.end_headers()
            self.wfile.write(raw)

    return Handler


def _batch(server: Loopback, name: str, *, polled: bool = True) -> dict[str, Any]:
    batch = server.batches[name]
    batch["polls"] += polled
    ended = batch["polls"] > server.batch_polls
    kinds = Counter(line["result"]["type"] for line in batch["results"])
    counts = dict.fromkeys(("processing", "succeeded", "errored", "canceled", "expired"), 0)
    counts |= dict(kinds) if ended else {"processing": len(batch["results"])}
    stamp = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(batch["at"]))
    return {
        "id": name,
        "type": "message_batch",
        "processing_status": "ended" if ended else "in_progress",
        "request_counts": counts,
        "created_at": stamp,
        "expires_at": stamp,
        "ended_at": stamp if ended else None,
        "results_url": f"{server.url}/v1/messages/batches/{name}/results" if ended else None,
    }
