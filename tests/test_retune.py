"""`retune`: gates that refuse, dry runs that write nothing, and a run that was killed is simply run again."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from router_audit.cli import app
from router_audit.stages.newcomers import retiring
from tests.audited import HAIKU, OPUS, trial_line
from tests.conftest import ROOT
from tests.loopback import Loopback
from tests.loopback.script import Says
from tests.month import Call, write

if TYPE_CHECKING:
    from pathlib import Path

START = datetime(2026, 10, 1, tzinfo=UTC)
PROMPT = "Classify the message as spam or ham. Answer with one word. Message: offer {}"
RETIRING = """
as_of = 2026-10-01
[[price]]
provider = "anthropic"
model = "claude-haiku-4-5"
from = 2026-01-01
input_mtok = 1
output_mtok = 5
retires = 2026-12-01
"""


def log(folder: Path) -> Path:
    calls = [
        Call(f"m{n}", START + timedelta(hours=n), PROMPT.format(n % 4), "spam", OPUS, resolved=True)
        for n in range(120)
    ]
    return write(folder / "log.jsonl", calls)


@pytest.fixture(scope="module")
def proven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder whose v0001 routes nothing; evidence for the economy model is in the store since."""
    folder = tmp_path_factory.mktemp("retune")
    done = invoke(folder, "retune", str(log(folder)), "--as-of", "2026-11-01")
    assert done.exit_code == 0, (done.output, done.exception)
    (folder / "trials.jsonl").write_text("".join(trial_line(f"m{n}") for n in range(110)))
    assert invoke(folder, "trials", "import", str(folder / "trials.jsonl")).exit_code == 0
    return folder


def invoke(folder: Path, *words: str) -> Any:
    where = ["--db", str(folder / "a.duckdb")]
    if words[0] == "retune":
        where += ["--tables", str(folder / "tables"), "--reports", str(folder / "reports")]
    return CliRunner().invoke(app, [*words, *where, "--json"])


def files(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for part in ("tables", "reports")
        for path in sorted((folder / part).rglob("*"))
        if path.is_file()
    }


def test_a_dry_run_writes_nothing_and_says_what_it_would(proven: Path) -> None:
    before = files(proven)
    done = invoke(proven, "retune", "--dry-run", "--as-of", "2026-11-01")
    found = json.loads(done.stdout)

    assert done.exit_code == 0
    assert (found["outcome"], found["table"]["version"]) == ("would write", "v0002")
    assert found["diff"]["routes"][0]["new_model"] == HAIKU
    assert files(proven) == before


@pytest.mark.parametrize(
    ("gate", "words"),
    [
        ("retirement", ["--prices", "prices.toml"]),
        ("reconciliation", ["--invoice-usd", "9999"]),
        ("regress", ["--max-regress", "0"]),
        ("certified", ["--require-certified", "--assume-capable", "--epsilon", "0.01", "--max-regress", "1"]),
    ],
)
def test_each_gate_refuses_and_nothing_is_written(
    proven: Path, monkeypatch: pytest.MonkeyPatch, gate: str, words: list[str]
) -> None:
    monkeypatch.chdir(proven)
    (proven / "prices.toml").write_text(RETIRING)
    before = files(proven)
    done = invoke(proven, "retune", "--as-of", "2026-11-01", *words)
    found = json.loads(done.stdout)

    assert done.exit_code == 1, done.output
    assert found["outcome"] == "refused"
    assert [it["name"] for it in found["gates"] if not it["passed"]] == [gate]
    assert f"Refused by {gate}" in done.stderr
    assert files(proven) == before


def test_a_model_far_from_its_end_is_let_through(proven: Path) -> None:
    (proven / "prices.toml").write_text(RETIRING)
    done = invoke(proven, "retune", "--dry-run", "--as-of", "2026-11-01")
    table = json.loads(done.stdout)["table"]
    found = retiring(table, proven / "prices.toml", date(2026, 11, 1), 60)

    assert [(it.model, it.on, it.roles) for it in found] == [
        (HAIKU, date(2026, 12, 1), ("classification/standard",))
    ]
    assert retiring(table, proven / "prices.toml", date(2026, 9, 1), 60) == ()
    assert retiring(table, proven / "prices.toml", date(2027, 1, 1), 0)[0].text == "has retired on 2026-12-01"


@pytest.mark.timeout(900)
def test_killed_anywhere_the_next_run_completes_and_writes_one_table(tmp_path: Path) -> None:
    path = log(tmp_path)
    words = [
        sys.executable, "-m", "router_audit", "retune", str(path), "--write", "--json", "--as-of", "2026-11-01",
        "--db", "a.duckdb",
    ]  # fmt: skip
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    stages = ("a.duckdb", ".a.duckdb.ingest-*", "routing_tables/*.json")
    for stage in stages:
        running = subprocess.Popen(
            words, cwd=tmp_path, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 200
        while running.poll() is None and not any(tmp_path.glob(stage)) and time.monotonic() < deadline:
            time.sleep(0.01)
        running.send_signal(signal.SIGKILL)
        running.wait()
        for written in tmp_path.glob("routing_tables/*.json"):
            json.loads(written.read_text())
    done = subprocess.run(words, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    found = json.loads(done.stdout)

    assert done.returncode == 0, done.stderr
    assert found["outcome"] in {"new version", "no change"}
    assert [it.name for it in (tmp_path / "routing_tables").glob("*.json")] == ["v0001.json"]
    assert [it.name for it in (tmp_path / "reports").iterdir()] == ["v0001.html"]
    assert not [it for it in tmp_path.rglob(".*") if it.is_file()]


def test_a_persons_labels_have_the_classifier_trained_again_once(tmp_path: Path) -> None:
    assert invoke(tmp_path, "retune", str(log(tmp_path)), "--as-of", "2026-11-01").exit_code == 0
    again = json.loads(invoke(tmp_path, "retune", "--as-of", "2026-11-01").stdout)
    (tmp_path / "gold.jsonl").write_text(json.dumps({"request_id": "m0", "profile": "extraction"}) + "\n")
    taken = invoke(tmp_path, "label", "--import", str(tmp_path / "gold.jsonl"))
    told = json.loads(invoke(tmp_path, "retune", "--dry-run", "--as-of", "2026-11-01").stdout)
    after = json.loads(invoke(tmp_path, "retune", "--dry-run", "--as-of", "2026-11-01").stdout)

    assert again["retrained"] == ""
    assert taken.exit_code == 0, taken.output
    assert told["retrained"] == "people or providers have given other labels since"
    assert after["retrained"] == ""


def test_a_providers_labels_are_asked_for_within_the_budget(tmp_path: Path) -> None:
    with Loopback(lambda _: Says(text=json.dumps({"profile": "classification"}))) as server:
        done = invoke(
            tmp_path, "retune", str(log(tmp_path)), "--as-of", "2026-11-01", "--labeller", "openai-compatible",
            "--model", "my-own-model", "--base-url", server.openai_url, "--max-labels", "3", "--yes",
        )  # fmt: skip
    found = json.loads(done.stdout)

    assert done.exit_code == 0, done.output
    assert found["tag"]["labeller"] == "openai-compatible"
    assert 0 < found["tag"]["labelled"] <= 3
    assert len(server.calls) <= 3
