"""A person grading pairs in a real terminal: blind, shuffled, stored at once, and what their grades do to a judge's."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from router_audit.cli import app
from router_audit.graders.human import candidate_first, graded
from router_audit.stages import grade as stage
from router_audit.stages.build_table import TableOptions, build_table
from router_audit.stages.replay import ReplayOptions, replay
from router_audit.stages.trials import import_trials
from router_audit.stages.verify import verify
from router_audit.store import open_store
from router_audit.types.progress import Unwatched
from tests.audited import HAIKU, Said, audited_store, request_ids, trial_line
from tests.loopback import Call, Loopback, Says
from tests.terminal import Terminal

if TYPE_CHECKING:
    from pathlib import Path

    from router_audit.store import Store

WATER = "The moon pulls the nearer water more than the far one, and the earth turns below it."
WIND = "It is the wind that blows the water up the shore and lets it fall again, \x1b[31mtwice a day."


def answered(store: Store, folder: Path, count: int = 6) -> None:
    """Replayed prose that no rule grades, for people."""
    audited_store(
        store,
        folder,
        [Said(f"Question {n:04}: why are there tides?", WATER, "reasoning") for n in range(count)],
    )
    with Loopback(lambda _: Says(text=WIND)) as server:
        options = ReplayOptions(
            (HAIKU,), Decimal(1), for_humans=True, base_urls={"*": server.url}, confirm=lambda _: True
        )
        replay(store, options, Unwatched())


def test_the_order_says_nothing_and_a_verdict_comes_back_to_its_model() -> None:
    tosses = [candidate_first(f"r{n}", HAIKU) for n in range(400)]

    assert 150 < sum(tosses) < 250
    for n in range(20):
        name = f"r{n}"
        only_candidate = graded(
            name, HAIKU, first_ok=candidate_first(name, HAIKU), second_ok=not candidate_first(name, HAIKU)
        )
        assert (only_candidate.candidate_ok, only_candidate.incumbent_ok) == (True, False)


def test_the_keyboard_flow_in_a_real_terminal(tmp_path: Path) -> None:
    db = tmp_path / "a.duckdb"
    with open_store(db) as store:
        answered(store, tmp_path)
        pairs = stage.waiting(store)
    terminal = Terminal("grade", "--show", "--db", str(db))
    seen = terminal.wait_for("q quit")
    assert "1 of 6: reasoning" in seen
    assert "wind" in seen
    assert "nearer water" in seen
    assert not any(name in seen.lower() for name in ("haiku", "opus", "claude", "anthropic"))
    assert "\x1b[31mtwice" not in seen
    terminal.press("1")
    terminal.wait_for("2 of 6")
    terminal.press("2")
    terminal.wait_for("3 of 6")
    terminal.press("u")
    terminal.wait_for("2 of 6")
    terminal.press("b")
    terminal.wait_for("3 of 6")
    terminal.press("s")
    terminal.wait_for("4 of 6")
    terminal.press("z\x1b[An")  # no such key, an arrow, and then one that is
    terminal.wait_for("5 of 6")
    terminal.press("q")
    terminal.wait_for("Graded 3 pairs, skipped 1")
    assert terminal.end() == 0

    with open_store(db) as store:
        found = {
            row["request_id"]: (row["candidate_ok"], row["incumbent_ok"])
            for row in store.query("stored_trials").to_dicts()
        }
        left = stage.result(store, done=0, skipped=0)
    first = candidate_first(pairs[0].request_id, HAIKU)
    assert found == {
        pairs[0].request_id: (first, not first),
        pairs[1].request_id: (True, True),
        pairs[3].request_id: (False, False),
    }
    assert (left.waiting, left.human_trials) == (3, 3)


def test_without_a_terminal_it_says_what_to_do_instead(tmp_path: Path) -> None:
    db = str(tmp_path / "a.duckdb")
    done = CliRunner().invoke(app, ["grade", "--show", "--db", db])
    counted = CliRunner().invoke(app, ["grade", "--db", db, "--json"])

    assert done.exit_code == 2
    assert "trials import" in done.stderr
    assert json.loads(counted.stdout) == {"graded": 0, "skipped": 0, "waiting": 0, "human_trials": 0}


def table_of(store: Store, folder: Path, lines: str, name: str) -> dict[str, object]:
    (folder / f"{name}.jsonl").write_text(lines)
    import_trials(store, folder / f"{name}.jsonl")
    result = build_table(store, TableOptions(folder=folder / name))
    assert verify(result.path).sound
    route: dict[str, object] = result.document["routes"][2]
    return route


@pytest.fixture
def tides(store: Store, tmp_path: Path) -> list[str]:
    audited_store(
        store,
        tmp_path,
        [Said(f"Question {n:04}: why are there tides?", WATER, "reasoning") for n in range(150)],
    )
    return request_ids(store)


def test_a_judge_s_certificate_says_that_it_is_one(store: Store, tides: list[str], tmp_path: Path) -> None:
    route = table_of(
        store, tmp_path, "".join(trial_line(name, grader="judge:x/y#1") for name in tides), "judged"
    )

    assert route["status"] == "certified"
    assert "150 of them graded by a judge (as judged: no human has looked)" in str(route["reason"])


def test_people_who_contradict_a_judge_take_its_certificate_away(
    store: Store, tides: list[str], tmp_path: Path
) -> None:
    lines = "".join(trial_line(name, grader="judge:x/y#1") for name in tides)
    lines += "".join(trial_line(name, grader="human", ok=n % 4 > 0) for n, name in enumerate(tides[:40]))
    route = table_of(store, tmp_path, lines, "contradicted")

    assert route["status"] != "certified"
    assert route["applied"] is False


def test_people_who_agree_let_it_stand_and_it_says_so(store: Store, tides: list[str], tmp_path: Path) -> None:
    lines = "".join(trial_line(name, grader="judge:x/y#1") for name in tides)
    lines += "".join(trial_line(name, grader="human") for name in tides[:20])
    agreed = table_of(store, tmp_path, lines, "agreed")
    proven = table_of(
        store, tmp_path, "".join(trial_line(name, grader="human") for name in tides[20:80]), "proven"
    )

    assert "human grades of a part agree" in str(agreed["reason"])
    assert "the human grades alone prove it" in str(proven["reason"])


def test_a_rule_counts_before_a_judge_and_a_person_where_no_judge_looked(
    store: Store, tides: list[str], tmp_path: Path
) -> None:
    lines = "".join(trial_line(name, grader="judge:x/y#1", ok=False) for name in tides)
    lines += "".join(trial_line(name, grader="exact") for name in tides)
    route = table_of(store, tmp_path, lines, "ruled")
    assert route["status"] == "certified"
    assert "judge" not in str(route["reason"])


def test_people_alone_certify(store: Store, tides: list[str], tmp_path: Path) -> None:
    route = table_of(store, tmp_path, "".join(trial_line(name, grader="human") for name in tides), "people")

    assert route["status"] == "certified"


def test_a_person_can_be_asked_only_where_there_is_an_answer(store: Store, tmp_path: Path) -> None:
    audited_store(
        store,
        tmp_path,
        [Said(f"Question {n:04}: why are there tides?", WATER, "reasoning") for n in range(4)],
    )

    def some(call: Call) -> Says | None:
        return Says(text="", refusal=True) if "0001" in call.prompt else Says(text=WIND)

    with Loopback(some) as server:
        options = ReplayOptions(
            (HAIKU,), Decimal(1), for_humans=True, base_urls={"*": server.url}, confirm=lambda _: True
        )
        replay(store, options, Unwatched())

    assert len(stage.waiting(store)) == 4
    assert {stage.shown(store, pair).request["turns"][0]["role"] for pair in stage.waiting(store)} == {"user"}
