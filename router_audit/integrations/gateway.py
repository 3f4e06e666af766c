"""What any gateway needs of the router: settings, a decision that never fails, headers, and a log to audit again."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import threading
import time
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from router_audit.errors import UserError
from router_audit.router import CANARY_KEY, Router
from router_audit.routing import CANARY_SHARE

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router_audit.embedding import Encoder
    from router_audit.types import AnswerSignal, Decision, Escalation

PREFIX = "ROUTER_AUDIT_"
IN_FLIGHT = 20_000
"""Requests whose decision is remembered until their log line is written, the oldest forgotten first."""
RETRY_S = 5.0
"""How often a table that could not be loaded is tried again."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Settings:
    """What an operator may settle, by environment variables `ROUTER_AUDIT_…`."""

    table: Path = Path("routing_tables")
    """`TABLE`: a table, or a folder whose newest is followed."""
    auto: str = "auto"
    """`AUTO`: the model name that leaves the choice to the table."""
    default_model: str | None = None
    """`DEFAULT_MODEL`: where requests go when no decision can be had; else the gateway's first model."""
    timeout_ms: float = 250.0
    """`TIMEOUT_MS`: a decision that takes longer is not waited for."""
    log: Path | None = Path("router-audit-log.jsonl")
    """`LOG`: the log that `router-audit ingest` reads; empty writes none."""
    canary_share: float = CANARY_SHARE
    """`CANARY_SHARE`: of the requests that are moved."""
    canary_key: str = ""
    """`CANARY_KEY`: keys the hash that assigns the canary."""
    escalation_timeout_s: float = 120.0
    """`ESCALATION_TIMEOUT_S`: the second answer is not waited for longer; the first is returned."""
    shadows: int = 16
    """`SHADOWS`: shadow answers under way at once; beyond them a canary goes without its pair, and says so."""
    hold_streams: bool = False
    """`HOLD_STREAMS`: keep a stream back until it is whole, so that any weak answer can still be escalated."""
    fast: bool = False
    """`FAST`: refuse a table whose classifier needs a forward pass."""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """The settings of an environment. Raises UserError where one is no number."""
        told = {
            name.removeprefix(PREFIX): text for name, text in environment.items() if name.startswith(PREFIX)
        }
        default = cls()

        def number(name: str, otherwise: float) -> float:
            try:
                return float(told[name]) if told.get(name) else otherwise
            except ValueError:
                raise UserError(f"must be a number, not {told[name]!r}", where=PREFIX + name) from None

        return cls(
            table=Path(told.get("TABLE") or default.table),
            auto=told.get("AUTO") or default.auto,
            default_model=told.get("DEFAULT_MODEL") or None,
            timeout_ms=number("TIMEOUT_MS", default.timeout_ms),
            log=(Path(told["LOG"]) if told["LOG"] else None) if "LOG" in told else default.log,
            canary_share=number("CANARY_SHARE", default.canary_share),
            canary_key=environment.get(CANARY_KEY, ""),
            escalation_timeout_s=number("ESCALATION_TIMEOUT_S", default.escalation_timeout_s),
            shadows=int(number("SHADOWS", default.shadows)),
            hold_streams=told.get("HOLD_STREAMS", "").lower() in {"1", "true", "yes"},
            fast=told.get("FAST", "").lower() in {"1", "true", "yes"},
        )


@dataclass(slots=True)
class Routed:
    """One request on its way: what was decided, and what has become of it."""

    request_id: str
    decision: Decision | None
    """None where no decision could be had."""
    trouble: str = ""
    """Why there is none: `no table: …`, `timeout`, or the error."""
    decided_ms: float = 0.0
    escalation: Escalation | None = None
    escalation_failed: str = ""
    role: str = "answer"
    """`answer`, `escalation` (the second answer) or `shadow` (the routed model's answer beside a canary's)."""
    served_by: str | None = None
    """The gateway's name of the model that was asked."""
    note: dict[str, Any] = field(default_factory=dict)

    def routing(self) -> dict[str, Any]:
        """What the log keeps under `routing`: see `LoggedRequest.routing`."""
        told: dict[str, Any] = {"request_id": self.request_id, "role": self.role, "served_by": self.served_by}
        if self.decision is None:
            return told | {"trouble": self.trouble, **self.note}
        decision = self.decision
        for name in ("profile", "probability", "huge_context", "context", "model", "tier", "status", "asked"):
            told[name] = getattr(decision, name)
        for name in ("moved", "escalate_to", "threshold", "canary", "propensity", "table_version"):
            told[name] = getattr(decision, name)
        told["decided_ms"] = round(self.decided_ms, 3)
        if self.escalation is not None:
            told["escalated"] = self.role == "escalation"
            told["escalated_from"] = self.escalation.escalated_from
            told["escalation_signal"] = self.escalation.signal
        if self.role == "shadow":
            told["shadow_of"] = self.request_id
        return told | self.note

    def headers(self) -> dict[str, str]:
        """`x-router-audit-…`, for the response."""
        decision = self.decision
        if decision is None:
            return {"x-router-audit-table": "none", "x-router-audit-trouble": _one_line(self.trouble)}
        up = self.escalation if not self.escalation_failed else None
        served = self.note.get("rescued_by") or (up.model if up else decision.served_by)
        return {
            "x-router-audit-profile": decision.profile or "none",
            "x-router-audit-model": _one_line(served or "none"),
            "x-router-audit-table": decision.table_version,
            "x-router-audit-escalated": _one_line(up.signal) if up else "no",
            "x-router-audit-canary": "yes" if decision.canary else "no",
        }


def _one_line(text: str) -> str:
    """Text that may stand in a header."""
    return " ".join(text.split()).encode("ascii", "replace").decode()[:200]


class Gateway:
    """The router as a gateway uses it: every call answers, whatever happened to the table."""

    def __init__(self, settings: Settings, *, encoder: Encoder | None = None) -> None:
        self.settings = settings
        self._encoder = encoder
        self._router: Router | None = None
        self._trouble = "no table is loaded yet"
        self._next_try = 0.0
        self._loading = threading.Lock()
        self._pool = ThreadPoolExecutor(max_workers=4, thread_name_prefix="router-audit")
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="router-audit-log")
        self._in_flight: OrderedDict[str, Routed] = OrderedDict()
        self._lock = threading.Lock()

    def load(self) -> bool:
        """Load the table now; whether there is one. What is wrong with it is logged and remembered."""
        with self._loading:
            if self._router is not None:
                return True
            self._next_try = time.monotonic() + RETRY_S
            try:
                self._router = Router.from_table(
                    self.settings.table,
                    encoder=self._encoder,
                    canary_share=self.settings.canary_share,
                    canary_key=self.settings.canary_key,
                    fast=self.settings.fast,
                )
            except Exception as error:  # noqa: BLE001  no fault of ours may fail a request; it is logged and shown
                self._trouble = f"no table: {error}"
                log.warning("no table is in use, requests go to the default: %s", error)
                return False
        log.info("table %s is in use", self._router.version)
        return True

    async def decide(self, request: Mapping[str, Any], request_id: str) -> Routed:
        """The decision for a request; never raises, and waits no longer than the settings allow."""
        started = time.perf_counter()
        routed = await self._decide(request, request_id)
        routed.decided_ms = (time.perf_counter() - started) * 1e3
        with self._lock:
            self._in_flight[request_id] = routed
            while len(self._in_flight) > IN_FLIGHT:
                self._in_flight.popitem(last=False)
        return routed

    async def _decide(self, request: Mapping[str, Any], request_id: str) -> Routed:
        router = self._router
        if router is None:
            if time.monotonic() >= self._next_try and not self._loading.locked():
                self._pool.submit(self.load)
            return Routed(request_id, None, self._trouble)
        work = asyncio.get_running_loop().run_in_executor(self._pool, router.decide, request)
        try:
            decision = await asyncio.wait_for(work, self.settings.timeout_ms / 1e3)
        except TimeoutError:
            log.warning(
                "a decision took over %g ms; the request goes to the default", self.settings.timeout_ms
            )
            return Routed(request_id, None, "timeout")
        except Exception as error:  # noqa: BLE001  as in load
            log.warning("no decision (%s: %s); the request goes to the default", type(error).__name__, error)
            return Routed(request_id, None, f"{type(error).__name__}: {error}")
        return Routed(request_id, decision)

    def remember(self, call_id: str, routed: Routed) -> None:
        """Know a further call by its id, so that its log line tells what it was for."""
        with self._lock:
            self._in_flight[call_id] = routed

    def found(self, call_id: str | None) -> Routed | None:
        """What is known of a call."""
        with self._lock:
            return self._in_flight.get(call_id or "")

    def escalate(self, decision: Decision, signal: AnswerSignal) -> Escalation | None:
        """The one next rung, or nothing."""
        return None if self._router is None else self._router.escalate(decision, signal)

    def write(self, record: Mapping[str, Any]) -> None:
        """Append one line to the log, off the request's path."""
        if self.settings.log is not None:
            self._writer.submit(self._write, self.settings.log, record)

    def _write(self, path: Path, record: Mapping[str, Any]) -> None:
        try:
            line = json.dumps(record, ensure_ascii=False, default=str)
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(line + "\n")
        except (OSError, ValueError, RecursionError) as error:
            log.warning("a log line was lost: %s", error)

    def flush(self) -> None:
        """Wait until every line that was handed over is written."""
        self._writer.submit(lambda: None).result()
