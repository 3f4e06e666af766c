"""Three months through the commands alone: a model degrades and is put back, a new one is tested and routed."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from router_audit.cli import app
from tests.audited import HAIKU, OPUS
from tests.month import PREMIUM, Call, canary_pair, write

NOVA = "anthropic/claude-nova-1"
ROUTE = "classification/standard"
TOPICS = ["an invoice", "a refund", "a login", "a parcel", "a newsletter", "a raffle", "a job", "a meeting"]
PRICES = """
as_of = 2026-11-01
[[price]]
provider = "anthropic"
model = "claude-nova-1"
from = 2026-11-01
input_mtok = 0.4
output_mtok = 2.0
"""


class Months:
    """One folder, and the commands run in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rng = np.random.default_rng(5)

    def run(self, *words: str, code: int = 0) -> Any:
        done = CliRunner().invoke(app, [*words, "--json"])
        assert done.exit_code == code, (words, done.stdout[-2000:], done.stderr, done.exception)
        return json.loads(done.stdout)

    def ingest(self, name: str, calls: list[Call]) -> Any:
        found = self.run("ingest", str(write(self.folder / name, calls)))
        assert found["rejected"] == 0
        return found

    def trials(self, name: str, requests: list[str], model: str) -> None:
        lines = [
            json.dumps(
                {
                    "request_id": r,
                    "candidate": model,
                    "candidate_ok": True,
                    "incumbent_ok": True,
                    "grader": "exact",
                }
            )
            for r in requests
        ]
        (self.folder / name).write_text("\n".join(lines) + "\n")
        found = self.run("trials", "import", name)
        assert found["stored"] == len(requests)

    def route(self, table: Any) -> Any:
        return next(row for row in table["routes"] if f"{row['profile']}/{row['context']}" == ROUTE)


def prompt(n: int) -> str:
    return (
        "Classify the message as spam or ham. Answer with one word, spam or ham. "
        f"Message: Dear customer, this is about {TOPICS[n % len(TOPICS)]}."
    )


def asked(month: int, n: int, at: datetime) -> Call:
    return Call(f"m{month}-{n}", at, prompt(n), "spam" if n % 2 else "ham", OPUS, resolved=True)


def routed(month: int, n: int, at: datetime, *, resolved: bool) -> Call:
    note = {
        "request_id": f"call-m{month}-{n}", "role": "answer", "profile": "classification", "context": "standard",
        "model": HAIKU, "asked": PREMIUM, "moved": True, "canary": False, "propensity": 0.2, "table_version": "v0002",
    }  # fmt: skip
    answer = "spam" if n % 2 else "ham"
    return Call(
        f"m{month}-{n}", at, prompt(n), answer, HAIKU.partition("/")[2], resolved=resolved, routing=note
    )


def second_month(months: Months, days: range, harm: float) -> list[Call]:
    """Twenty routed requests a day and eight canary pairs."""
    calls: list[Call] = []
    for number in days:
        at = datetime(2026, 10, 1, 8, tzinfo=UTC) + timedelta(days=number)
        for n in range(20):
            ok = bool(months.rng.random() >= harm)
            calls.append(routed(2, number * 20 + n, at + timedelta(minutes=n), resolved=ok))
        for n in range(8):
            good = "spam" if n % 2 else "ham"
            bad = "ham" if n % 2 else "spam"
            wrong = bool(months.rng.random() < harm)
            calls += canary_pair(
                f"c{number}-{n}", at + timedelta(hours=1, minutes=n), prompt(n), premium=good,
                routed=bad if wrong else good, table="v0002", resolved=True,
            )  # fmt: skip
    return calls


@pytest.mark.timeout(900)
def test_three_months(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    months = Months(tmp_path)

    # September: nothing is routed; the economy model is proven and the table moves to it.
    september = datetime(2026, 9, 1, tzinfo=UTC)
    months.ingest("september.jsonl", [asked(1, n, september + timedelta(hours=2 * n)) for n in range(300)])
    first = months.run("retune", "--as-of", "2026-10-01")
    assert (first["outcome"], first["table"]["version"]) == ("new version", "v0001")
    assert months.route(first["table"])["applied"] is False
    assert months.route(first["table"])["requests"] == 300
    months.trials("haiku.jsonl", [f"m1-{n}" for n in range(150)], HAIKU)
    proven = months.run("retune", "--as-of", "2026-10-01", "--require-certified")
    assert (proven["outcome"], proven["table"]["version"]) == ("new version", "v0002")
    assert (months.route(proven["table"])["model"], months.route(proven["table"])["status"]) == (
        HAIKU,
        "certified",
    )
    assert proven["diff"]["routes"][0]["why"][0]["kind"] == "evidence"

    # October: two good weeks, then the model degrades without a word.
    months.ingest("october-1.jsonl", second_month(months, range(14), harm=0.0))
    quiet = months.run("canary", "check")
    assert (quiet["alarm"], quiet["graded"]) == (False, 14 * 8)
    months.ingest("october-2.jsonl", second_month(months, range(14, 31), harm=0.4))
    alarm = months.run("canary", "check", code=1)
    assert (alarm["go_back_to"], alarm["routes"][0]["verdict"]) == ("v0001", "alarm")
    day = alarm["routes"][0]["alarm_day"]
    assert "2026-10-15" <= day <= "2026-10-20"
    assert months.run("canary", "check", code=1)["routes"] == alarm["routes"]
    refused = months.run("retune", "--as-of", "2026-11-01", code=1)
    assert (refused["outcome"], [g["name"] for g in refused["gates"] if not g["passed"]]) == (
        "refused",
        ["canary"],
    )
    assert months.run("canary", "check", "--revert", code=1)["reverted_to"] == "v0003"
    assert months.run("canary", "check")["alarm"] is False

    tracked = months.run("track", "--by", "week")
    weeks = [
        row["resolution"]["value"]
        for row in tracked["rows"]
        if row["route"] == ROUTE and row["model"] == HAIKU
    ]
    assert weeks[0] == 1.0
    assert weeks[-1] < 0.75
    whole = [row for row in tracked["rows"] if row["route"] == "all"]
    assert sum(row["canary_requests"] for row in whole) == 31 * 8
    assert sum(row["requests"] for row in whole) == 300 + 31 * 28

    # November: the degraded model stays out; a new one is in the price list, is tested, certified and routed.
    november = datetime(2026, 11, 1, tzinfo=UTC)
    months.ingest("november.jsonl", [asked(3, n, november + timedelta(hours=2 * n)) for n in range(200)])
    (tmp_path / "prices.toml").write_text(PRICES)
    with_prices = ["--prices", "prices.toml", "--as-of", "2026-11-20"]
    dry = months.run("retune", *with_prices, "--dry-run")
    assert dry["outcome"] == "would write"
    assert not (tmp_path / "routing_tables" / "v0004.json").exists()
    (new,) = [it for it in dry["newcomers"] if it["model"] == NOVA]
    assert new["tests"][0]["route"] == ROUTE
    assert 0 < new["cost_usd"] < 1
    kept = months.route(dry["table"])
    assert (kept["applied"], HAIKU in kept["reason"]) == (False, True)
    months.trials("nova.jsonl", [f"m3-{n}" for n in range(150)], NOVA)
    last = months.run("retune", *with_prices, "--require-certified", "--body", "body.md")
    assert (last["outcome"], last["table"]["version"]) == ("new version", "v0004")
    assert (months.route(last["table"])["model"], months.route(last["table"])["status"]) == (
        NOVA,
        "certified",
    )
    body = (tmp_path / "body.md").read_text()
    assert "claude-nova-1" in body
    assert "new since v0003" in body
    assert Path(last["report"]).is_file()

    # The same again says the same.
    again = months.run("retune", *with_prices, "--require-certified")
    assert (again["outcome"], again["table"]["digest"]) == ("no change", last["table"]["digest"])
    assert sorted(path.name for path in (tmp_path / "routing_tables").glob("*.json")) == [
        f"v000{n}.json" for n in (1, 2, 3, 4)
    ]
    for n in (1, 2, 3, 4):
        assert months.run("verify", f"routing_tables/v000{n}.json")["sound"]
