"""Trials: what is taken in, what is refused and why, and that they come out as they went in."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from router_audit.cli import app
from router_audit.stages.trials import export_trials, import_trials, list_trials
from router_audit.store import open_store
from tests.audited import HAIKU, Said, audited_store, request_ids, trial_line

if TYPE_CHECKING:
    from pathlib import Path

    from router_audit.store import Store


def stored(store: Store) -> list[tuple[object, ...]]:
    return store.connection.sql("SELECT * EXCLUDE origin FROM trials ORDER BY trial_id").fetchall()


def test_every_line_is_stored_known_or_rejected_with_its_reason(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    path.write_text(
        trial_line("r1")
        + trial_line("r1")
        + "\n"
        + trial_line("r1", ok=False)
        + trial_line("r2", candidate="haiku")
        + trial_line("r2", confidence=1.5)
        + trial_line("r2", profile="chat")
        + trial_line("r2", mood="good")
        + trial_line("r2", candidate_cost_usd=-1)
        + trial_line("r2", grader=" ")
        + '{"candidate": "a/b", "candidate_ok": true, "incumbent_ok": true, "grader": "exact"}\n'
        + "not json\n"
        + trial_line("r3", ok=False)
    )

    result = import_trials(store, path)

    assert (result.records, result.stored, result.duplicates, result.rejected) == (12, 2, 1, 9)
    said = dict(
        zip(
            (4, 5, 6, 7, 8, 9, 10, 11, 12),
            sorted(result.reasons, key=lambda r: int(r.split(":")[1])),
            strict=True,
        )
    )
    assert "contradicts" in said[4]
    assert "provider/model" in said[5]
    assert "confidence" in said[6]
    assert "profile" in said[7]
    assert "mood" in said[8]
    assert "candidate_cost_usd" in said[9]
    assert "grader" in said[10]
    assert "request_id" in said[11]
    assert said[12].startswith("trials.jsonl:12: ")


def test_importing_twice_changes_nothing(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    path.write_text("".join(trial_line(f"r{n}", ok=n % 3 > 0) for n in range(30)))
    import_trials(store, path)
    once = stored(store)
    again = import_trials(store, path)

    assert (again.stored, again.duplicates) == (0, 30)
    assert stored(store) == once


def test_a_response_id_names_the_stored_request_and_counts_once(store: Store, tmp_path: Path) -> None:
    audited_store(store, tmp_path, [Said("Is this spam? Win now", "spam", session="s")])
    ours = request_ids(store)[0]
    path = tmp_path / "trials.jsonl"
    path.write_text(trial_line("msg_00000") + trial_line(ours))

    result = import_trials(store, path)
    group = list_trials(store).groups[0]

    assert (result.stored, result.duplicates) == (1, 1)
    assert (group.profile, group.trials, group.sessions) == ("classification", 1, 1)


def test_a_conversation_stands_for_itself(store: Store, tmp_path: Path) -> None:
    line = json.loads(trial_line("x", profile="extraction")) | {
        "messages": [{"role": "user", "content": "hi"}]
    }
    del line["request_id"]
    path = tmp_path / "trials.jsonl"
    path.write_text(json.dumps(line) + "\n" + json.dumps(dict(reversed(line.items()))) + "\n")

    assert import_trials(store, path).stored == 1
    assert list_trials(store).groups[0].profile == "extraction"


def test_the_list_counts_regrets_apart_from_shared_failures(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    path.write_text(
        trial_line("a", session_id="s", profile="reasoning")
        + trial_line("b", session_id="s", profile="reasoning", ok=False)
        + trial_line("c", profile="reasoning", ok=False, incumbent=False)
        + trial_line("d", profile="reasoning", incumbent=False)
        + trial_line("e")
    )
    import_trials(store, path)
    reasoning, unplaced = list_trials(store).groups

    assert (reasoning.trials, reasoning.sessions) == (4, 3)
    assert (reasoning.regrets, reasoning.shared_failures, reasoning.gains) == (1, 1, 1)
    assert unplaced.profile is None


def test_what_is_exported_is_imported_the_same(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "trials.jsonl"
    path.write_text(
        trial_line(
            "r1", confidence=0.25, candidate_cost_usd=0.00012, candidate_latency_ms=310.5, huge_context=True
        )
        + trial_line("r2", session_id="s", profile="extraction", ok=False)
        + trial_line("r2", session_id="s", profile="extraction", candidate=f"{HAIKU}@low")
    )
    import_trials(store, path)
    out = tmp_path / "out.jsonl"

    assert export_trials(store, out).trials == 3
    with open_store(tmp_path / "other.duckdb") as other:
        assert import_trials(other, out).stored == 3
        assert stored(other) == stored(store)


def test_the_commands_print_the_typed_result(tmp_path: Path) -> None:
    db, path = str(tmp_path / "a.duckdb"), tmp_path / "trials.jsonl"
    path.write_text(trial_line("r1", profile="extraction") + "{}\n")
    runner = CliRunner()
    took = runner.invoke(app, ["trials", "import", str(path), "--db", db, "--json"])
    shown = runner.invoke(app, ["trials", "list", "--db", db, "--json"])
    wrote = runner.invoke(app, ["trials", "export", "-", "--db", db])

    assert {"records", "stored", "duplicates", "rejected", "reasons"} == set(json.loads(took.stdout))
    assert json.loads(shown.stdout)["groups"][0]["candidate"] == HAIKU
    assert json.loads(wrote.stdout)["request_id"] == "r1"


@pytest.mark.parametrize("words", [["trials", "import", "no/such.jsonl"], ["trials", "import", "/"]])
def test_a_file_that_cannot_be_read_is_one_line(words: list[str], tmp_path: Path) -> None:
    done = CliRunner().invoke(app, [*words, "--db", str(tmp_path / "a.duckdb")])

    assert done.exit_code == 2
    assert "cannot be read" in done.stderr
    assert done.stderr.count("\n") == 1
