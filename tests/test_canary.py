"""`canary`: pairs out of a gateway's log are graded and tested; looking changes nothing; a route goes back."""

from __future__ import annotations

import json
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from typer.testing import CliRunner

from router_audit.cli import app
from router_audit.files.tables import read_table
from router_audit.month.canary import DayCount, courses
from router_audit.sequential import Pairs, e_process
from router_audit.stages.build_table import TableOptions, build_table
from router_audit.stages.canary import CanaryOptions, check, clear
from router_audit.stages.trials import import_trials
from router_audit.stages.verify import verify
from router_audit.store import open_store
from tests.audited import HAIKU, request_ids, trial_line
from tests.month import Call, canary_pair, day, stored, write

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from router_audit.store import Store

ROUTE = "classification/standard"
START = date(2026, 9, 1)


def pairs(n: int, *, first: int = 0, harm: float = 0.0, per_day: int = 10, model: str = HAIKU) -> list[Call]:
    """Pairs of yes-or-no answers, `harm` of them answered otherwise by the routed model alone."""
    rng = np.random.default_rng(first)
    found: list[Call] = []
    for at in range(first, first + n):
        when = day(at // per_day) + timedelta(minutes=at % per_day)
        wrong = bool(rng.random() < harm)
        found += canary_pair(
            f"c{at}", when, f"Is message {at % 40} spam? Answer yes or no.",
            premium="no", routed="yes" if wrong else "no", model=model,
        )  # fmt: skip
    return found


def options(folder: Path, **more: Any) -> CanaryOptions:
    return CanaryOptions(today=date(2026, 12, 1), tables=folder / "tables", **more)


@pytest.fixture
def routed(store: Store, tmp_path: Path) -> Iterator[Store]:
    """A store whose v0001 keeps and whose v0002 moves classification to the economy model, certified."""
    calls = [
        Call(f"m{n}", day(-30, 9) + timedelta(hours=n), f"Is message {n} spam? Answer yes or no.", "no")
        for n in range(130)
    ]
    stored(store, tmp_path, calls)
    assert build_table(store, TableOptions(folder=tmp_path / "tables")).written
    lines = [trial_line(name) for name in request_ids(store)]
    (tmp_path / "trials.jsonl").write_text("".join(lines))
    import_trials(store, tmp_path / "trials.jsonl")
    table = build_table(store, TableOptions(folder=tmp_path / "tables")).document
    assert table["routes"][0]["model"] == HAIKU
    yield store


def rows(store: Store) -> list[Any]:
    """Everything the canary keeps."""
    return [
        store.connection.sql(f"SELECT * FROM {table} ORDER BY ALL").fetchall()
        for table in ("trials", "canary_pairs", "canary_alarms", "canary_anchors")
    ]


def test_pairs_of_the_log_are_graded_and_nothing_is_alarmed_where_nothing_is_wrong(
    routed: Store, tmp_path: Path
) -> None:
    stored(routed, tmp_path, pairs(200))
    result = check(routed, options(tmp_path))
    (route,) = result.routes

    assert (result.graded, result.ungraded, result.alarm, result.frozen) == (200, {}, False, False)
    assert (route.route, route.model, route.pairs, route.discordant) == (ROUTE, HAIKU, 200, 0)
    assert route.e_value < 1
    assert route.verdict == "no alarm"
    assert route.minimum_detectable_effect is not None
    assert 0.02 < route.minimum_detectable_effect < 0.2
    assert route.days_needed is not None


def test_harm_is_alarmed_and_a_second_look_changes_nothing(routed: Store, tmp_path: Path) -> None:
    stored(routed, tmp_path, pairs(300, harm=0.25))
    first = check(routed, options(tmp_path))
    kept = rows(routed)
    second = check(routed, options(tmp_path))

    assert first.alarm
    assert first.go_back_to == "v0001"
    assert first.routes[0].e_value > 20
    assert (second.graded, rows(routed)) == (0, kept)
    assert second.routes == first.routes


def test_looking_daily_and_looking_once_come_to_the_same(tmp_path: Path) -> None:
    calls = pairs(240, harm=0.12)
    ends = []
    for looks in (1, 4):
        folder = tmp_path / str(looks)
        folder.mkdir()
        with open_store(folder / "a.duckdb") as store:
            for part in np.array_split(np.arange(240), looks):
                stored(store, folder, [call for at in part for call in calls[2 * at : 2 * at + 2]])
                result = check(store, options(folder))
            ends.append((result.routes[0].e_value, result.routes[0].alarm_day))
    assert ends[0] == ends[1]


def test_what_comes_late_is_not_bet_on_in_hindsight(store: Store, tmp_path: Path) -> None:
    stored(store, tmp_path, pairs(20, first=100))
    check(store, options(tmp_path))
    stored(store, tmp_path, pairs(20))
    check(store, options(tmp_path))
    days = store.connection.sql("SELECT min(day), max(day) FROM canary_pairs").fetchall()

    assert days == [(date(2026, 9, 11), date(2026, 9, 12))]


def test_revert_writes_a_table_that_verifies_and_settles_the_alarm(routed: Store, tmp_path: Path) -> None:
    stored(routed, tmp_path, pairs(300, harm=0.25))
    before = read_table(tmp_path / "tables" / "v0002.json")
    result = check(routed, options(tmp_path, revert=True))
    after = read_table(tmp_path / "tables" / "v0003.json")
    again = check(routed, options(tmp_path, revert=True))

    assert (result.reverted_to, result.alarm) == ("v0003", False)
    assert again.reverted_to is None
    assert not (tmp_path / "tables" / "v0004.json").exists()
    assert verify(tmp_path / "tables" / "v0003.json").sound
    assert after["routes"][1:] == before["routes"][1:]
    row = after["routes"][0]
    assert (row["applied"], row["model"], row["escalate_to"]) == (False, row["incumbent"], None)
    assert row["reason"].startswith("canary: ")
    assert after["savings"]["withheld"]
    assert (after["parent"], after["evidence"]) == ("v0002", before["evidence"])


def test_the_next_table_keeps_an_alarmed_model_out_until_the_alarm_is_lifted(
    routed: Store, tmp_path: Path
) -> None:
    stored(routed, tmp_path, pairs(300, harm=0.25))
    check(routed, options(tmp_path))
    (tmp_path / "more.jsonl").write_text(
        "".join(trial_line(f"x{n}", profile="classification") for n in range(1800))
    )
    import_trials(routed, tmp_path / "more.jsonl")
    barred = build_table(routed, TableOptions(folder=tmp_path / "tables"))
    clear(routed, ROUTE, None, "the provider rolled it back")
    freed = build_table(routed, TableOptions(folder=tmp_path / "tables"))

    assert barred.document["routes"][0]["reason"].startswith("canary: ")
    assert verify(barred.path).sound
    assert freed.document["routes"][0]["model"] == HAIKU
    after = check(routed, options(tmp_path))
    assert (after.alarm, after.routes[0].pairs) == (False, 0)


def test_the_command_says_where_to_go_back_to_and_exits_1(routed: Store, tmp_path: Path) -> None:
    stored(routed, tmp_path, pairs(300, harm=0.25))
    routed.connection.close()
    words = ["canary", "check", "--db", str(routed.path), "--tables", str(tmp_path / "tables")]
    told = CliRunner().invoke(app, [*words, "--json"])
    shown = CliRunner().invoke(app, words, env={"COLUMNS": "120"})
    reverted = CliRunner().invoke(app, [*words, "--revert"])
    settled = CliRunner().invoke(app, words)

    assert [done.exit_code for done in (told, shown, reverted, settled)] == [1, 1, 1, 0]
    document = json.loads(told.stdout)
    assert document["alarm"]
    assert {"profile", "pairs", "discordant", "e_value", "alarm", "minimum_detectable_effect"} <= set(
        document["routes"][0]
    )
    assert f"{ROUTE} on {HAIKU}; go back to v0001" in told.stderr
    assert "alarm" in shown.stdout
    assert "v0003" in reverted.stderr


def test_imported_canary_trials_count(store: Store, tmp_path: Path) -> None:
    lines = [trial_line(f"r{n}", ok=n % 3 > 0, profile="extraction") for n in range(120)]
    (tmp_path / "t.jsonl").write_text("".join(lines))
    store.connection.close()
    db = ["--db", str(store.path)]
    CliRunner().invoke(app, ["trials", "import", str(tmp_path / "t.jsonl"), "--canary", *db])
    done = CliRunner().invoke(app, ["canary", "check", "--tables", str(tmp_path / "none"), "--json", *db])

    (route,) = json.loads(done.stdout)["routes"]
    assert done.exit_code == 1
    assert (route["route"], route["pairs"], route["harms"]) == ("extraction/standard", 120, 40)


def test_what_no_rule_can_grade_is_counted_with_its_reason(store: Store, tmp_path: Path) -> None:
    pair = canary_pair(
        "free", day(1), "Write a poem about rain.", premium="Rain falls on the roof of the world, and sings",
        routed="A wet poem, quite another one, without any shared word", profile="reasoning",
    )  # fmt: skip
    stored(store, tmp_path, pair, profile="reasoning")
    result = check(store, options(tmp_path))

    assert (result.graded, sum(result.ungraded.values()), result.routes) == (0, 1, ())
    assert "judge" in next(iter(result.ungraded))


def test_a_judge_that_moved_freezes_its_verdicts(store: Store, tmp_path: Path) -> None:
    judge = "judge:openai/gpt-5.1#1"
    lines = [trial_line(f"r{n}", ok=n % 3 > 0, profile="extraction", grader=judge) for n in range(120)]
    (tmp_path / "t.jsonl").write_text("".join(lines))
    import_trials(store, tmp_path / "t.jsonl", origin="canary")
    store.connection.close()
    db = ["--db", str(store.path)]

    def grading(name: str, passed: bool) -> Any:
        text = "".join(
            json.dumps({"judge": judge, "item": f"a{n}", "passed": passed}) + "\n" for n in range(20)
        )
        (tmp_path / name).write_text(text)
        return CliRunner().invoke(app, ["canary", "anchors", str(tmp_path / name), *db])

    words = ["canary", "check", "--tables", str(tmp_path / "none"), "--json", *db]
    assert grading("reference", passed=True).exit_code == 0
    assert grading("moved", passed=False).exit_code == 0
    done = CliRunner().invoke(app, words)
    found = json.loads(done.stdout)

    assert (found["frozen"], found["alarm"], found["routes"][0]["verdict"]) == (True, False, "frozen")
    assert (found["judges"][0]["harsher"], found["judges"][0]["drifted"]) == (20, True)
    assert done.exit_code == 1
    assert "frozen" in done.stderr


@pytest.mark.parametrize(
    "text", ["", "{", '{"judge": "j", "item": "a"}', '{"judge": "j", "item": "a", "passed": 1}']
)
def test_a_bad_anchor_file_stores_nothing(store: Store, tmp_path: Path, text: str) -> None:
    (tmp_path / "bad").write_text('{"judge": "j", "item": "b", "passed": true}\n' * bool(text) + text)
    store.connection.close()
    done = CliRunner().invoke(app, ["canary", "anchors", str(tmp_path / "bad"), "--db", str(store.path)])
    with open_store(store.path) as opened:
        kept = opened.query("canary_anchors")

    assert done.exit_code == 2
    assert done.stderr.startswith("Error: ")
    assert kept.is_empty()


def test_the_plan_names_a_share_that_the_test_needs(routed: Store, tmp_path: Path) -> None:
    routed.connection.close()
    words = ["canary", "plan", "--db", str(routed.path), "--tables", str(tmp_path / "tables"), "--json"]
    wide, narrow = (
        json.loads(
            CliRunner().invoke(app, [*words, "--effect", effect, "--requests-per-day", "10000"]).stdout
        )["routes"][0]
        for effect in ("0.10", "0.05")
    )

    assert (wide["route"], wide["reachable"]) == (ROUTE, True)
    assert 0 < wide["share"] < narrow["share"] < 0.5
    assert wide["pairs"] == pytest.approx(wide["share"] * 10_000 * 14, rel=0.01)


def test_one_route_alone_alarms_as_its_own_e_process_does() -> None:
    counts = [DayCount("a/standard", "x/y", START + timedelta(days=n), Pairs(3, 16, 1)) for n in range(60)]
    course = courses(counts, margin=0.02, alpha=0.05, family=1)["a/standard", "x/y"]
    alone = e_process([count.pairs for count in counts], 0.02)

    assert course.state == alone
    assert course.raised is not None
    assert (course.raised.day > START, alone.alarm(0.05)) == (True, True)


def test_routes_without_pairs_make_alarms_rarer_not_easier() -> None:
    counts = [DayCount("a/standard", "x/y", START + timedelta(days=n), Pairs(3, 16, 1)) for n in range(60)]
    days = []
    for family in (1, 6):
        raised = courses(counts, margin=0.02, alpha=0.05, family=family)["a/standard", "x/y"].raised
        assert raised is not None
        days.append(raised.day)

    assert days[0] < days[1]


def test_a_log_without_a_canary_says_so(store: Store, tmp_path: Path) -> None:
    write(tmp_path / "log.jsonl", [])
    result = check(store, options(tmp_path))

    assert (result.routes, result.alarm, result.table) == ((), False, None)
