"""`track`: tasks, not calls; both answers paid; intervals; a change of evidence is flagged before it is read."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from router_audit.cli import app
from router_audit.month.tracking import mean_interval, mix_change, rate_interval, sparkline
from router_audit.stages.track import TrackOptions, track
from router_audit.store import open_store
from tests.audited import HAIKU, OPUS
from tests.month import PREMIUM, Call, canary_pair, day, stored

if TYPE_CHECKING:
    from pathlib import Path

    from router_audit.store import Store

HAIKU_USD = (400 * 1 + 20 * 5) / 1e6
OPUS_USD = (400 * 5 + 20 * 25) / 1e6
MOVED = {"profile": "classification", "model": HAIKU, "asked": PREMIUM, "table_version": "v0001"}


def routed(number: int, at: Any, *, resolved: bool | None = True, session: str | None = None) -> Call:
    return Call(
        f"r{number}-{at:%m%d}", at, f"Is {number} spam?", "no", HAIKU.partition("/")[2],
        session=session, resolved=resolved, routing=MOVED,
    )  # fmt: skip


@pytest.fixture
def followed(store: Store, tmp_path: Path) -> Store:
    """Two weeks: ten tasks of two calls each, one escalation, one canary pair."""
    monday = day(6)
    calls = [routed(n, monday + timedelta(minutes=n), session=f"t{n // 2}") for n in range(20)]
    later = monday + timedelta(days=7)
    first = Call(
        "up-1",
        later,
        "Is this spam?",
        "",
        HAIKU.partition("/")[2],
        "up",
        routing=MOVED | {"request_id": "call-up", "role": "answer"},
    )
    second = Call(
        "up-2", later + timedelta(seconds=2), "Is this spam?", "yes", OPUS, "up", True,
        routing=MOVED | {"request_id": "call-up", "role": "escalation", "escalated_from": HAIKU},
    )  # fmt: skip
    pair = canary_pair("c1", later + timedelta(hours=1), "Is that spam?", premium="no", routed="yes")
    return stored(store, tmp_path, [*calls, first, second, *pair])


def test_a_task_is_a_session_and_pays_for_all_its_calls(followed: Store, tmp_path: Path) -> None:
    found = track(followed, TrackOptions(tables=tmp_path / "none"))
    rows = {(row.period, row.route, row.model): row for row in found.rows}
    first = rows["2026-09-07", "classification/standard", HAIKU]

    assert (first.requests, first.tasks, first.unpriced) == (20, 10, 0)
    assert first.cost_per_task_usd is not None
    assert first.cost_per_task_usd.value == pytest.approx(2 * HAIKU_USD)
    assert first.resolution is not None
    assert (first.resolution.value, first.resolution.n) == (1.0, 10)
    assert first.resolution.low < 1
    assert first.economy_share == 1.0


def test_an_escalated_task_is_one_request_of_its_route_with_both_answers_paid(
    followed: Store, tmp_path: Path
) -> None:
    found = track(followed, TrackOptions(tables=tmp_path / "none"))
    rows = {(row.period, row.route, row.model): row for row in found.rows}
    up = rows["2026-09-14", "classification/standard", HAIKU]

    assert (up.requests, up.tasks, up.escalation_rate, up.economy_share) == (1, 1, 1.0, 0.0)
    assert up.cost_per_task_usd is not None
    assert up.cost_per_task_usd.value == pytest.approx(HAIKU_USD + OPUS_USD)


def test_a_shadow_is_canary_money_and_no_request(followed: Store, tmp_path: Path) -> None:
    found = track(followed, TrackOptions(tables=tmp_path / "none"))
    rows = {(row.period, row.route, row.model): row for row in found.rows}
    premium = rows["2026-09-14", "classification/standard", PREMIUM]

    assert (premium.requests, premium.canary_requests) == (1, 1)
    assert float(premium.cost_usd) == pytest.approx(OPUS_USD)
    assert float(premium.canary_usd) == pytest.approx(HAIKU_USD)
    whole = rows["2026-09-14", "all", "all"]
    assert (whole.requests, whole.tasks) == (2, 2)
    assert float(whole.cost_usd + whole.canary_usd) == pytest.approx(2 * OPUS_USD + 2 * HAIKU_USD)


def test_a_change_of_evidence_is_flagged(store: Store, tmp_path: Path) -> None:
    calls = [routed(n, day(6) + timedelta(minutes=n), resolved=True) for n in range(60)]
    calls += [routed(n, day(13) + timedelta(minutes=n), resolved=None) for n in range(60)]
    stored(store, tmp_path, calls)
    origins = track(store, TrackOptions(tables=tmp_path / "none")).origins

    assert [bool(mix.changed) for mix in origins] == [False, True]
    assert origins[0].shares == {"flag": 1.0}
    assert origins[1].shares == {"none": 1.0}


def test_a_mix_that_chance_explains_is_not_flagged() -> None:
    assert mix_change({"flag": 6, "none": 4}, {"flag": 5, "none": 5}) == ""
    assert mix_change({"flag": 6000, "none": 4000}, {"flag": 5600, "none": 4400}) == ""
    assert "60% of the tasks before, 40% now" in mix_change(
        {"flag": 600, "none": 400}, {"flag": 400, "none": 600}
    )


def test_the_intervals_cover_what_they_say() -> None:
    rng = np.random.default_rng(8)
    rates = [rate_interval(int(hits), 40) for hits in rng.binomial(40, 0.9, 2000)]
    means = [mean_interval(pl.Series(rng.exponential(1.0, 60))) for _ in range(1000)]

    assert 0.92 <= np.mean([it.low <= 0.9 <= it.high for it in rates]) <= 0.99
    assert 0.91 <= np.mean([it.low <= 1.0 <= it.high for it in means]) <= 0.98


def test_a_sparkline_spans_its_values() -> None:
    assert sparkline([1.0, None, 2.0]) == "▁ █"
    assert len(set(sparkline([3.0, 3.0]))) == 1


def test_the_command_prints_both_forms(followed: Store, tmp_path: Path) -> None:
    path = followed.path
    followed.connection.close()
    words = ["track", "--db", str(path), "--tables", str(tmp_path / "none")]
    shown = CliRunner().invoke(app, words, env={"COLUMNS": "120"})
    told = CliRunner().invoke(app, [*words, "--by", "month", "--json"])

    assert shown.exit_code == 0, shown.output
    assert "classification" in shown.output
    assert "  claude-haiku-4-5 " in shown.output
    narrow = CliRunner().invoke(app, words, env={"COLUMNS": "80"}).output.splitlines()
    assert max(map(len, narrow)) <= 80
    assert not any(line.startswith("tion") for line in narrow)
    rows = json.loads(told.stdout)["rows"]
    assert {row["period"] for row in rows} == {"2026-09-01"}
    assert rows[0]["tasks"] == 12


def test_an_empty_store_is_one_line(tmp_path: Path) -> None:
    with open_store(tmp_path / "empty.duckdb"):
        pass
    done = CliRunner().invoke(app, ["track", "--db", str(tmp_path / "empty.duckdb")])

    assert done.exit_code == 2
    assert "no request" in done.stderr
