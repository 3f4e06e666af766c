"""The command line: what it answers, on which stream, and with which exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from router_audit.cli import COMMANDS, app
from router_audit.cli.lazily import command
from tests.conftest import ROOT

HEAVY = (
    "torch",
    "sklearn",
    "duckdb",
    "polars",
    "anthropic",
    "openai",
    "sentence_transformers",
    "numpy",
    "jinja2",
)


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "router_audit", *words], capture_output=True, text=True, check=False, cwd=ROOT
    )


def test_help_loads_nothing_heavy() -> None:
    code = f"import sys, router_audit.cli; print([name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)

    assert done.stdout.strip() == "[]"


def every_command() -> list[list[str]]:
    found = []
    for name in COMMANDS:
        made = command(name)
        found += [[name, part] for part in made.commands] if hasattr(made, "commands") else [[name]]
    return found


@pytest.mark.parametrize("words", every_command(), ids=" ".join)
def test_every_command_has_help_with_an_example(words: list[str]) -> None:
    shown = CliRunner().invoke(app, [*words, "--help"])

    assert shown.exit_code == 0
    assert f"Example: router-audit {' '.join(words)}" in " ".join(shown.output.split())
    assert {"--json", "--quiet"} <= set(shown.output.replace(",", " ").split())


def test_the_help_names_every_module_of_a_command() -> None:
    modules = {path.stem.replace("_", "-") for path in (ROOT / "router_audit" / "cli").glob("*.py")}

    assert set(COMMANDS) <= modules
    for name in modules - set(COMMANDS):
        assert "\nEXAMPLE = " not in (
            ROOT / "router_audit" / "cli" / f"{name.replace('-', '_')}.py"
        ).read_text("utf-8")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["ingest", "no/such/file.jsonl"], "no/such/file.jsonl"),
        (["frobnicate"], "No such command"),
        (["ingest"], "Missing argument"),
        (["build-table", "--allow", "everything"], "--allow takes"),
        (["build-table", "--epsilon", "7"], "--epsilon"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_code_2(words: list[str], said: str, tmp_path: Path) -> None:
    done = run(
        *words, *(["--db", str(tmp_path / "a.duckdb")] if words[0] in {"ingest", "build-table"} else [])
    )

    assert done.returncode == 2
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


def test_an_error_under_json_is_json_on_stdout_and_a_line_on_stderr(tmp_path: Path) -> None:
    done = run("build-table", "--json", "--db", str(tmp_path / "a.duckdb"))
    error = json.loads(done.stdout)["error"]

    assert done.returncode == 2
    assert set(error) == {"kind", "message", "where"}
    assert "holds no request yet" in error["message"]
    assert error["message"] in done.stderr


def test_a_read_only_folder_is_named(tmp_path: Path) -> None:
    done = run("ingest", "sample_logs", "--db", "/proc/audit.duckdb")

    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "/proc/audit.duckdb" in done.stderr
