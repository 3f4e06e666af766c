"""The whole audit in one command: what it prints, what it writes, and that a second run changes nothing."""

from __future__ import annotations

import gzip
import itertools
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from router_audit.files.document import problems
from router_audit.files.tables import schema
from tests.conftest import ROOT

SAMPLES = ROOT / "sample_logs"


def audit(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "router_audit", *words],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "80", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sixty lines of three formats of the sample logs: enough to train on, few enough to embed in a test."""
    folder = tmp_path_factory.mktemp("logs")
    with gzip.open(SAMPLES / "support-gateway" / "litellm-2026-10.jsonl.gz", "rt", encoding="utf-8") as lines:
        (folder / "gateway.jsonl").write_text("".join(itertools.islice(lines, 110, 140)), "utf-8")
    for name in ("api-pairs/openai-chat.jsonl", "otel/genai-spans.jsonl"):
        with (SAMPLES / name).open(encoding="utf-8", errors="surrogateescape") as lines:
            (folder / Path(name).name).write_text(
                "".join(itertools.islice(lines, 8)), "utf-8", "surrogateescape"
            )
    return folder


def test_the_result_has_every_key_that_scripts_rely_on(logs: Path, tmp_path: Path) -> None:
    done = audit(tmp_path, "run", str(logs), "--json", "--assume-capable")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)

    assert set(result) >= {"ingest", "tag", "train", "table", "report"}
    read = result["ingest"]
    assert read["records"] == read["stored"] + read["duplicates"] + read["filtered"] + read["rejected"]
    assert read["rejected"] >= 1
    assert set(read["tokens"]) == {"input", "output", "cache_read", "cache_write", "reasoning"}
    assert sum(result["tag"]["by_profile"].values()) + result["tag"]["abstained"] == read["stored"]
    assert set(result["train"]) >= {"n", "macro_f1", "per_profile", "confusion", "brier", "ece", "abstained"}
    table = result["table"]
    assert problems(table, schema()) == []
    assert table == json.loads((tmp_path / "routing_tables" / "v0001.json").read_text("utf-8"))
    assert all(route["assumed"] for route in table["routes"] if route["applied"])
    assert any(route["applied"] for route in table["routes"])
    page = (tmp_path / result["report"]["path"]).read_text("utf-8")
    assert table["digest"] in page


def test_a_second_run_stores_nothing_and_writes_no_table(logs: Path, tmp_path: Path) -> None:
    first = json.loads(audit(tmp_path, "run", str(logs), "--json").stdout)
    second = json.loads(audit(tmp_path, "run", str(logs), "--json").stdout)

    assert second["ingest"]["stored"] == 0
    assert second["ingest"]["duplicates"] == first["ingest"]["stored"] + first["ingest"]["duplicates"]
    assert second["tag"] == {**first["tag"], "labelled": 0}
    assert second["table"] == first["table"]
    assert [path.name for path in (tmp_path / "routing_tables").glob("*.json")] == ["v0001.json"]


def test_without_evidence_nothing_is_routed_and_it_says_so(logs: Path, tmp_path: Path) -> None:
    done = audit(tmp_path, "run", str(logs))

    assert done.returncode == 0, done.stderr
    assert "Do not route yet" in done.stdout
    assert max(len(line) for line in done.stdout.splitlines()) <= 80
    assert done.stderr == ""


@pytest.mark.parametrize("name", ["empty.jsonl", "binary.jsonl", "nothing"])
def test_a_log_without_a_request_is_one_line_and_exit_code_2(name: str, tmp_path: Path) -> None:
    path = tmp_path / "in" / name
    path.parent.mkdir()
    if name == "nothing":
        path.mkdir()
    else:
        path.write_bytes(b"" if name == "empty.jsonl" else bytes(range(256)) * 40)
    done = audit(tmp_path, "run", str(path))

    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert not list(tmp_path.glob("routing_tables/*.json"))


def test_an_interrupt_exits_130_and_the_next_run_completes(tmp_path: Path) -> None:
    words = [sys.executable, "-m", "router_audit", "run", str(SAMPLES), "--last", "40", "--json"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        words, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as run:
        deadline = time.monotonic() + 60
        while not (tmp_path / "router_audit.duckdb").exists() and time.monotonic() < deadline:
            time.sleep(0.02)
        time.sleep(0.5)
        run.send_signal(signal.SIGINT)
        run.communicate()
    assert run.returncode == 130
    again = audit(tmp_path, "run", str(SAMPLES), "--last", "40", "--json")

    assert again.returncode == 0, again.stderr
    assert (
        sum(json.loads(again.stdout)["tag"]["by_profile"].values())
        + json.loads(again.stdout)["tag"]["abstained"]
        == 40
    )


def test_a_log_without_a_call_says_what_became_of_its_records(tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_text('{"a": 1}\n{"b": ', "utf-8")
    done = audit(tmp_path, "run", "log.jsonl")

    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith(
        "Error: log.jsonl: 2 records and no LLM call among them: 2 rejected"
    )
    assert "router-audit rejects" in audit(tmp_path, "run", "log.jsonl", "--json").stdout
    assert not (tmp_path / "routing_tables").exists()


@pytest.mark.shared
def test_the_audit_of_every_real_log_ends_with_each_record_accounted_for(
    shared: Path, tmp_path: Path
) -> None:
    done = audit(tmp_path, "run", str(shared / "log_samples"), "--json")
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)

    read = result["ingest"]
    assert read["files"] > 25
    assert read["records"] == read["stored"] + read["duplicates"] + read["filtered"] + read["rejected"]
    assert read["stored"] > 0
    assert (tmp_path / result["report"]["path"]).is_file()
