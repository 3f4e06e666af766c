"""Classifiers on gold labels: the builtin one, a trained one, a prompt; and what is wrong with a gold file."""

from __future__ import annotations

import gzip
import json
import re
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from router_audit.classifier.prompt import Example, build_prompt, candidates, split_parts
from router_audit.cli import app
from tests.labelled_log import KINDS, THINGS, write_log
from tests.loopback import Call, Loopback, Says

if TYPE_CHECKING:
    from pathlib import Path

SHORT = {name[:2]: name for name in KINDS}
KEYS = {"n", "macro_f1", "per_profile", "confusion", "brier", "ece", "abstained", "risk_coverage"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that is tagged and trained, and a gold file."""
    folder = tmp_path_factory.mktemp("evaluate")
    log = write_log(folder / "log.jsonl")
    db = ["--db", str(folder / "audit.duckdb"), "--quiet"]
    for words in (["ingest", str(log)], ["tag"], ["train"]):
        done = CliRunner().invoke(app, [*words, *db])
        assert done.exit_code == 0, done.output
    gold = [
        {"system": ask.format(thing=thing), "prompt": f"{thing}: kind of work {name[:2]}", "profile": name}
        for name, asks in KINDS.items()
        for ask in asks
        for thing in THINGS[:2]
    ]
    (folder / "gold.jsonl").write_text("".join(json.dumps(line) + "\n" for line in gold))
    return folder


def run(*words: str) -> dict[str, Any]:
    done = CliRunner().invoke(app, [*words, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_the_builtin_classifier_needs_no_store(folder: Path, tmp_path: Path) -> None:
    found = run("evaluate", str(folder / "gold.jsonl"), "--db", str(tmp_path / "none.duckdb"))

    assert found.keys() >= KEYS
    assert found["n"] == 24
    assert found["classifier"].startswith("builtin-")
    assert not (tmp_path / "none.duckdb").exists()
    assert sum(sum(row.values()) for row in found["confusion"].values()) == 24
    assert set(found["per_profile"]) == set(KINDS)


def test_a_trained_version_is_found_by_its_beginning(folder: Path) -> None:
    db = ["--db", str(folder / "audit.duckdb")]
    latest = run("evaluate", str(folder / "gold.jsonl"), "--classifier", "latest", *db)
    named = run("evaluate", str(folder / "gold.jsonl"), "--classifier", latest["classifier"][:8], *db)
    missing = CliRunner().invoke(app, ["evaluate", str(folder / "gold.jsonl"), "--classifier", "zzz", *db])

    assert latest == named
    assert latest["macro_f1"] > 0.8
    assert missing.exit_code == 2
    assert "holds no such classifier" in missing.stderr


def test_bad_lines_are_counted_and_compressed_files_are_read(folder: Path, tmp_path: Path) -> None:
    good = (folder / "gold.jsonl").read_text()
    bad = '{"prompt": "x"}\n{"profile": "reasoning"}\nnot json\n[1]\n\n'
    (tmp_path / "gold.jsonl.gz").write_bytes(gzip.compress((bad + good).encode()))
    found = run("evaluate", str(tmp_path / "gold.jsonl.gz"))

    assert (found["n"], found["rejected"]) == (24, 4)
    assert "gold.jsonl.gz:1:" in found["reasons"][0]


@pytest.mark.parametrize("content", [b"", b"{}\n", b"\x1f\x8bnot gzip"])
def test_a_file_without_gold_is_one_line(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "gold.jsonl"
    file.write_bytes(content)
    done = CliRunner().invoke(app, ["evaluate", str(file)])

    assert done.exit_code == 2
    assert str(file) in done.stderr
    assert "Traceback" not in done.output


def needs_examples(call: Call) -> Says:
    """A model that only understands the task when it is shown examples."""
    found = re.search(r"kind of work (\w\w)", call.prompt)
    assert found is not None
    return Says(tool={"profile": SHORT[found[1]] if "=> " in call.system else "reasoning"})


def test_the_prompt_with_the_best_measured_accuracy_wins(folder: Path, tmp_path: Path) -> None:
    db = ["--db", str(folder / "audit.duckdb")]
    with Loopback(needs_examples) as server:
        how = ["--labeller", "anthropic", "--base-url", server.url, "--yes", *db]
        out = tmp_path / "prompt.md"
        found = run("train", "--form", "prompt", "--out", str(out), *how)
        spent = server.billed_usd
        again = run("train", "--form", "prompt", *how)
        evaluated = run("evaluate", str(folder / "gold.jsonl"), "--classifier", "prompt", *how)

    assert found.keys() >= KEYS
    assert found["examples"] > 0
    assert out.read_text().strip() == found["prompt"]
    assert max(c["accuracy"] for c in found["candidates"]) > min(c["accuracy"] for c in found["candidates"])
    assert Decimal(str(found["cost_usd"])) == spent
    assert found["cost_per_thousand_usd"] > 0
    assert found["embedding"]["n"] == found["n"]
    assert (again["version"], again["cost_usd"]) == (found["version"], 0)
    assert evaluated["classifier"] == found["version"]
    assert evaluated["macro_f1"] == 1.0
    assert all(call.body["max_tokens"] == 30 for call in server.calls)


def test_a_prompt_keeps_to_its_tokens_and_a_split_to_its_templates() -> None:
    examples = [Example({"last_turn": f"{name} {i} " * 20}, name) for name in KINDS for i in range(9)]
    prompts = candidates("Sort.", examples, 300)
    groups = [f"t{i % 17}" for i in range(170)]
    parts = split_parts(groups, [1] * 170, 7)

    assert all(len(p.text.encode()) <= 4 * 300 + 40 for p in prompts)
    assert prompts[0].examples == 0
    assert build_prompt("Sort.", examples, 0).text == "Sort."
    names = [{groups[i] for i in part} for part in parts]
    assert all(names)
    assert not (names[0] & names[1] | names[0] & names[2] | names[1] & names[2])
    assert sorted(i for part in parts for i in part) == list(range(170))
