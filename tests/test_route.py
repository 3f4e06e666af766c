"""`router-audit route` as a process: its JSON, its order, its one line per error; and the classifier beside the table."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from router_audit.classifier.head import load_head, pack_head
from router_audit.embedding import load_encoder
from router_audit.stages.classifier_files import publish
from router_audit.types import PROFILES
from tests.conftest import ROOT
from tests.routed import HashEncoder, ask, head, write_table
from tests.test_policy import HAIKU, OPUS, SONNET

if TYPE_CHECKING:
    from pathlib import Path

    from router_audit.store import Store

KEYS = {
    "profile", "probability", "huge_context", "model", "provider", "tier", "escalate_to", "threshold", "canary",
    "propensity", "table_version",
}  # fmt: skip


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("routed") / "tables"
    write_table(folder, encoder=load_encoder())
    return folder


def route(tables: Path, text: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "router_audit", "route", "--table", str(tables), *words],
        input=text, capture_output=True, text=True, check=False, cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "200"},
    )  # fmt: skip


def test_one_decision_a_line_in_order(tables: Path) -> None:
    order = [*PROFILES, *reversed(PROFILES)]
    lines = [json.dumps(ask(profile, 50 + n)) for n, profile in enumerate(order)]
    done = route(tables, "\n\n".join(lines) + "\n", "--jsonl")
    decisions = [json.loads(line) for line in done.stdout.splitlines()]

    assert done.returncode == 0
    assert [decision["profile"] for decision in decisions] == order
    assert [decision["model"] for decision in decisions[:4]] == [HAIKU.ref, HAIKU.ref, SONNET.ref, OPUS.ref]
    assert all(set(decision) >= KEYS for decision in decisions)


def test_one_request_as_json_and_explained(tables: Path) -> None:
    request = json.dumps(ask("extraction", 7, model="claude-opus-4-7"), indent=1)
    decision = json.loads(route(tables, request, "--json").stdout)
    shown = route(tables, request, "--explain")

    assert decision["model"] == HAIKU.ref
    for said in (HAIKU.ref, SONNET.ref, OPUS.ref, "assumed", "v0001", "canary", "extraction"):
        assert said in shown.stdout


@pytest.mark.parametrize(
    ("text", "words", "said"),
    [
        ("{", ["--jsonl"], "stdin:1: is not JSON"),
        ('{"prompt": "hi"}\n[]', ["--jsonl"], "stdin:2: is no request"),
        ("{}", [], "neither"),
        ("", [], "is not JSON"),
        ('{"prompt": "x"}', ["--explain", "--jsonl"], "one request"),
        ('{"prompt": "x"}', ["--table", "/no/such"], "/no/such"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(tables: Path, text: str, words: list[str], said: str) -> None:
    done = route(tables, text, *words)

    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_classifier_is_published_once_and_reads_back(store: Store, tmp_path: Path) -> None:
    import polars as pl

    made = head(HashEncoder())
    metadata, arrays = pack_head(made)
    row = {
        "version": made.version, "sequence": 1, "encoder": "hash/1", "labeller": "builtin",
        "metadata": json.dumps({"head": metadata, "figures": {}}), "arrays": arrays,
    }  # fmt: skip
    store.append("classifiers", pl.DataFrame([row]))
    folder = publish(store, made.version, tmp_path)
    written = (folder / "head.npz").stat()

    assert load_head(folder).version == made.version
    assert publish(store, made.version, tmp_path) == folder
    assert (folder / "head.npz").stat().st_mtime_ns == written.st_mtime_ns
    assert [entry.name for entry in folder.parent.iterdir()] == [made.version]
