"""`diff`: which routes moved and why, from the two files alone; what comes from a log is never markup."""

from __future__ import annotations

import copy
import json
from typing import TYPE_CHECKING, Any

import pytest
from typer.testing import CliRunner

from router_audit.cli import app
from router_audit.files.document import sealed
from router_audit.month.comparison import compare, markdown
from router_audit.stages.build_table import TableOptions, build_table
from router_audit.stages.trials import import_trials
from router_audit.store import open_store
from tests.audited import HAIKU, SONNET, Said, audited_store, request_ids, trial_line

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """v0001 without evidence; v0002 with classification certified for the economy model."""
    folder = tmp_path_factory.mktemp("diff")
    with open_store(folder / "a.duckdb") as store:
        audited_store(store, folder, [Said(f"Is message {n} spam?", "no") for n in range(130)])
        build_table(store, TableOptions(folder=folder / "tables"))
        lines = [trial_line(name) for name in request_ids(store)]
        (folder / "trials.jsonl").write_text("".join(lines))
        import_trials(store, folder / "trials.jsonl")
        assert build_table(store, TableOptions(folder=folder / "tables")).written
    return folder


def tables(folder: Path) -> tuple[dict[str, Any], dict[str, Any]]:
    old, new = (json.loads((folder / "tables" / f"v000{n}.json").read_text()) for n in (1, 2))
    return old, new


def run(folder: Path, *words: str) -> Any:
    return CliRunner().invoke(app, ["diff", *words, "--tables", str(folder / "tables")])


def test_a_route_that_moved_on_evidence_says_so(folder: Path) -> None:
    done = run(folder, "v0001", "--json")
    found = json.loads(done.stdout)

    assert done.exit_code == 0, done.output
    (change,) = found["routes"]
    assert (change["route"], change["old_model"], change["new_model"]) == (
        "classification/standard",
        None,
        HAIKU,
    )
    assert {why["kind"] for why in change["why"]} == {"evidence"}
    assert "0 regrets in 130 trials" in change["why"][0]["text"]
    assert found["unchanged"] == 5
    assert found["economy"] == {"name": "economy", "old": 0.0, "new": 1.0}
    saving = {shift["name"]: shift for shift in found["savings"]}["p50"]
    assert saving["old"] <= 0 < saving["new"]


def test_a_table_against_itself_says_no_change(folder: Path) -> None:
    assert "says exactly" in run(folder, "2", "v0002").output
    assert "No change" in run(folder, "2", "2", "--markdown").output
    assert json.loads(run(folder, "2", "2", "--json").stdout)["same"]


@pytest.mark.parametrize("kind", ["canary", "retired", "price", "new-model", "profile-mix", "options"])
def test_each_reason_is_told_from_the_others(folder: Path, kind: str) -> None:
    _, table = tables(folder)
    before, after = copy.deepcopy(table), copy.deepcopy(table)
    row = after["routes"][0]
    row |= {"model": SONNET, "escalate_to": None}
    if kind == "canary":
        row |= {"applied": False, "reason": "canary: harm on 2026-11-03"}
    elif kind == "retired":
        del after["prices"]["models"][HAIKU]
    elif kind == "price":
        after["prices"]["models"][HAIKU]["input_mtok"] = 2.0
    elif kind == "new-model":
        del before["prices"]["models"][SONNET]
    elif kind == "profile-mix":
        after["routes"][1]["requests"] = 70
        row["requests"] = 60
    else:
        after["epsilon"] = 0.1
    found = compare(before, sealed(after, version="v0003", parent="v0002"))
    (change,) = [each for each in found.routes if each.route == "classification/standard"]

    assert [why.kind for why in change.why] == [kind]


def test_what_moved_for_no_stated_reason_is_not_explained_away(folder: Path) -> None:
    _, table = tables(folder)
    after = copy.deepcopy(table)
    after["routes"][0]["model"] = SONNET
    (change,) = compare(table, sealed(after, version="v0003", parent="v0002")).routes

    assert [why.kind for why in change.why] == ["unexplained"]


def test_markdown_is_a_table_in_which_names_are_only_text(folder: Path) -> None:
    old, table = tables(folder)
    after = copy.deepcopy(table)
    after["routes"][0]["model"] = "evil/<img src=x>|[a](javascript:b)\n# hello"
    text = markdown(compare(old, sealed(after, version="v0003", parent="v0002")))

    assert text.startswith("## Routing table v0003 against v0001\n")
    assert "<img" not in text
    assert "\\[a\\](javascript" in text
    assert "[a](" not in text
    assert not any(line.startswith("# hello") for line in text.splitlines())
    rows = [line for line in text.splitlines() if line.startswith("| classification")]
    assert len(rows) == 1
    assert rows[0].replace("\\|", "").count("|") == 5


def test_a_table_that_is_not_there_is_one_line(folder: Path) -> None:
    done = run(folder, "v0009")

    assert done.exit_code == 2
    assert done.stderr.count("\n") == 1
    assert "no table v0009" in done.stderr
