"""A gateway's decision never fails and never waits too long, whatever happened to the table; its log is lines of JSON."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest

from router_audit.errors import UserError
from router_audit.integrations.gateway import Gateway, Settings
from router_audit.types import AnswerSignal
from tests.routed import HashEncoder, ask, write_table
from tests.test_policy import HAIKU, SONNET


class Slow(HashEncoder):
    """An encoder that takes its time after the first text."""

    pause_s = 0.0

    def encode(self, texts: object) -> object:
        time.sleep(self.pause_s)
        return super().encode(texts)  # type: ignore[arg-type]


def gateway_over(tables: Path, encoder: HashEncoder | None = None, **settings: object) -> Gateway:
    found = Gateway(
        Settings(
            **{
                "table": tables,
                "canary_share": 0.0,
                "log": tables / "log.jsonl",
                "timeout_ms": 30_000,
                **settings,
            }
        ),  # type: ignore[arg-type]
        encoder=encoder or HashEncoder(),
    )
    found.load()
    return found


def test_settings_come_from_the_environment() -> None:
    told = Settings.from_environment(
        {"ROUTER_AUDIT_TABLE": "t", "ROUTER_AUDIT_TIMEOUT_MS": "12.5", "ROUTER_AUDIT_LOG": "", "ROUTER_AUDIT_HOLD_STREAMS": "yes", "PATH": "x"}
    )  # fmt: skip

    assert (told.table, told.timeout_ms, told.log, told.hold_streams, told.auto) == (
        Path("t"),
        12.5,
        None,
        True,
        "auto",
    )
    assert Settings.from_environment({}) == Settings()
    with pytest.raises(UserError, match="ROUTER_AUDIT_TIMEOUT_MS: must be a number"):
        Settings.from_environment({"ROUTER_AUDIT_TIMEOUT_MS": "soon"})


def test_a_decision_is_known_by_its_id_and_says_itself_in_headers_and_log(tmp_path: Path) -> None:
    write_table(tmp_path)
    gateway = gateway_over(tmp_path)
    routed = asyncio.run(gateway.decide(ask("classification"), "r1"))
    assert routed.decision is not None
    routed.escalation = gateway.escalate(routed.decision, AnswerSignal(refused=True))

    assert gateway.found("r1") is routed
    assert routed.headers() == {
        "x-router-audit-profile": "classification",
        "x-router-audit-model": SONNET.ref,
        "x-router-audit-table": "v0001",
        "x-router-audit-escalated": "refused",
        "x-router-audit-canary": "no",
    }
    told = routed.routing()
    assert (told["model"], told["role"], told["escalated"], told["escalated_from"]) == (
        HAIKU.ref,
        "answer",
        False,
        HAIKU.ref,
    )


def test_without_a_table_there_is_no_decision_and_no_failure(tmp_path: Path) -> None:
    gateway = gateway_over(tmp_path / "none")
    routed = asyncio.run(gateway.decide(ask("reasoning"), "r1"))

    assert routed.decision is None
    assert "no table" in routed.trouble
    assert routed.headers()["x-router-audit-table"] == "none"
    assert "\n" not in routed.headers()["x-router-audit-trouble"]


def test_a_slow_decision_is_not_waited_for(tmp_path: Path) -> None:
    write_table(tmp_path)
    slow = Slow()
    gateway = gateway_over(tmp_path, slow, timeout_ms=50)
    slow.pause_s = 1.0
    begun = time.monotonic()
    routed = asyncio.run(_decide_and_leave(gateway))

    assert (routed.decision, routed.trouble) == (None, "timeout")
    assert time.monotonic() - begun < 20


async def _decide_and_leave(gateway: Gateway):  # type: ignore[no-untyped-def]
    return await gateway.decide(ask("reasoning", 99), "r1")


def test_a_request_that_breaks_the_classifier_goes_to_the_default(tmp_path: Path) -> None:
    write_table(tmp_path)

    class Broken(HashEncoder):
        broken = False

        def encode(self, texts: object) -> object:
            if self.broken:
                raise RuntimeError("no memory")
            return super().encode(texts)  # type: ignore[arg-type]

    encoder = Broken()
    gateway = gateway_over(tmp_path, encoder)
    encoder.broken = True
    routed = asyncio.run(gateway.decide(ask("reasoning", 98), "r1"))

    assert routed.decision is None
    assert routed.trouble == "RuntimeError: no memory"


def test_every_line_of_the_log_is_json_even_from_many_threads(tmp_path: Path) -> None:
    write_table(tmp_path)
    gateway = gateway_over(tmp_path)
    for number in range(200):
        gateway.write({"n": number, "text": "\ud800 \n é" * 50})
    gateway.flush()
    lines = (tmp_path / "log.jsonl").read_text("utf-8").splitlines()

    assert [json.loads(line)["n"] for line in lines] == list(range(200))


def test_a_log_that_cannot_be_written_fails_nothing(tmp_path: Path) -> None:
    write_table(tmp_path)
    gateway = gateway_over(tmp_path, log=Path("/proc/no/such/log.jsonl"))
    gateway.write({"n": 1})
    gateway.flush()

    assert asyncio.run(gateway.decide(ask("reasoning"), "r")).decision is not None
