"""The report's section over time: its figures are `track`'s, its pictures say what its tables say."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from router_audit.month.tracking import period_for
from router_audit.render import html
from router_audit.render.charts.course import (
    cost_range,
    course,
    milliseconds,
    origin_in_words,
)
from router_audit.render.charts.lines import Seen, scale, spark
from router_audit.render.charts.svg import usd_marks
from router_audit.render.course import course_table
from router_audit.stages.build_table import TableOptions, build_table
from router_audit.stages.report import ReportOptions, report
from router_audit.stages.track import TrackOptions, track
from router_audit.store import Store, open_store
from router_audit.summary.words import unit_usd
from router_audit.types.track import ALL, Estimate, OriginMix, Track, TrackRow
from tests.audited import HAIKU
from tests.month import PREMIUM, Call, canary_pair, stored
from tests.synthetic_store import Filling, fill, state_outcomes
from tests.test_render import summary

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal
    from pathlib import Path

    from router_audit.types.report import Summary


@pytest.fixture(scope="module")
def followed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Six weeks of outcomes, from the fourth on half of them by feedback instead of a flag."""
    with open_store(tmp_path_factory.mktemp("followed") / "audit.duckdb") as store:
        fill(store, Filling(requests=1500, days=42))
        state_outcomes(store)
        build_table(store, TableOptions(folder=store.path.parent / "tables"))
        yield store


def reported(store: Store) -> tuple[Summary, str]:
    folder = store.path.parent
    found = report(store, ReportOptions(tables=folder / "tables", folder=folder / "reports"))
    return found.summary, found.path.read_text("utf-8")


def row(
    period: str, resolution: Estimate | None, *, route: str = ALL, cost: float | None = 0.0024
) -> TrackRow:
    nothing: Decimal = summary().spend_usd * 0
    return TrackRow(
        period, route, ALL, 10, 8, nothing, nothing, 0,
        None if cost is None else Estimate(cost, cost * 0.9, cost * 1.1, 8), resolution,
        900.0, 2100.0, 0.02, 0.5, 0,
    )  # fmt: skip


def of(*rows: TrackRow, origins: tuple[OriginMix, ...] = ()) -> Summary:
    return replace(summary(), track=Track("week", rows, origins))


def test_it_says_what_the_command_says(followed: Store) -> None:
    said, _ = reported(followed)

    assert said.track == track(followed, TrackOptions(by="week", tables=followed.path.parent / "tables"))


def test_every_picture_is_there_and_its_table_holds_every_week(followed: Store) -> None:
    said, page = reported(followed)
    weeks = sorted({found.period for found in said.track.rows}) if said.track else []
    charts = {chart.id: chart for chart in course(said)}

    assert list(charts) == [
        "course-cost", "course-latency", "course-resolution", "course-evidence", "course-tiers"
    ]  # fmt: skip
    assert all(sorted({str(cells[0]) for cells in chart.rows}) == weeks for chart in charts.values())
    assert all(f'id="{name}"' in page for name in charts)


def test_a_changed_mix_of_evidence_is_flagged_above_the_rates_it_spoils(followed: Store) -> None:
    said, page = reported(followed)
    found = course_table(said)
    pictures = {chart.id: chart.svg for chart in course(said)}

    assert found is not None
    assert [words.partition(":")[0] for words in found.changes] == ["week of 2026-10-19"]
    assert page.index("Read with care") < page.index('class="courses"')
    assert pictures["course-resolution"].count('class="limit"') == 1
    assert pictures["course-evidence"].count('class="limit"') == 1
    assert 'class="limit"' not in pictures["course-cost"]


def test_escalations_and_the_economy_tier_are_the_tracked_ones(followed: Store) -> None:
    said, _ = reported(followed)
    found = course_table(said)
    assert found is not None
    assert said.track is not None
    rows = {line.name: line for line in found.routes}
    newest = [r for r in said.track.rows if (r.route, r.model) == ("classification/standard", ALL)][-1]

    assert rows["all traffic"].tasks == sum(r.tasks for r in said.track.rows if r.route == ALL)
    assert rows["classification"].cells[3].value == f"{newest.escalation_rate:.1%}"
    assert rows["classification"].cells[4].value == f"{newest.economy_share:.1%}"
    assert newest.escalation_rate > 0


def test_a_week_without_an_outcome_is_a_gap_not_a_zero() -> None:
    known = Estimate(0.9, 0.8, 0.95, 8)
    said = of(row("2026-10-05", known), row("2026-10-12", None), row("2026-10-19", known))
    (picture,) = [chart for chart in course(said) if chart.id == "course-resolution"]

    assert picture.svg.count("<circle") == 2
    assert "series" not in picture.svg
    assert [cells[2] for cells in picture.rows] == ["90.0%", "–", "90.0%"]


def test_one_week_and_no_outcome_still_make_sense() -> None:
    page = html(of(row("2026-10-05", None, cost=None), row("undated", None)))

    assert "the only one: 2026-10-05" in page
    assert "no resolution rate can be told" in page
    assert 'id="course-cost"' not in page
    assert "undated" not in page


def test_without_any_time_it_says_so() -> None:
    assert "No call in the log tells its time" in html(of(row("undated", None)))
    assert "No call in the log tells its time" in html(summary())


def test_a_hostile_route_stays_text() -> None:
    page = html(of(row("2026-10-05", None), row("2026-10-05", None, route="<script>x</script>/standard")))

    assert "<script>x" not in page
    assert "&lt;script&gt;x" in page


def test_a_route_that_went_quiet_says_since_when() -> None:
    said = of(
        row("2026-10-05", None), row("2026-10-05", None, route="extraction/standard"), row("2026-10-12", None)
    )
    found = course_table(said)

    assert found is not None
    assert [(line.name, line.newest) for line in found.routes] == [
        ("all traffic", ""), ("extraction", "week of 2026-10-05")
    ]  # fmt: skip


def test_the_json_report_holds_the_course(followed: Store) -> None:
    folder = followed.path.parent
    path = report(
        followed, ReportOptions(tables=folder / "tables", folder=folder / "reports", format="json")
    ).path
    said = json.loads(path.read_text("utf-8"))["track"]

    assert said["by"] == "week"
    assert any(mix["changed"] for mix in said["origins"])


@pytest.mark.parametrize(
    ("days", "by"), [(1, "day"), (21, "day"), (30, "week"), (300, "week"), (800, "month")]
)
def test_the_period_follows_the_length_of_the_log(days: int, by: str) -> None:
    import polars as pl

    start = datetime(2026, 1, 1)  # noqa: DTZ001  the store keeps UTC without a zone
    frame = pl.DataFrame({"started_at": [start, start + timedelta(days=days, hours=-1)]})

    assert period_for(frame) == by


def test_axes_hold_their_figures_and_no_share_exceeds_the_whole() -> None:
    assert scale(0.0, 0.16, most=1.0)[-1] == pytest.approx(0.2)
    assert scale(0.81, 1.0, most=1.0) == pytest.approx([0.8, 0.9, 1.0])
    assert scale(0.97, 0.97, most=1.0)[0] <= 0.97 <= scale(0.97, 0.97, most=1.0)[-1]
    assert scale(0.0, 0.0, most=1.0)[-1] > 0


def test_a_spark_spans_its_band() -> None:
    drawn = spark([Seen(1, 0.5, 1.5), None, Seen(2, 1.5, 2.5), Seen(3, 2.5, 3.5)], 'a "quoted" label')
    heights = [float(y) for y in re.findall(r'cy="([\d.]+)"', drawn)]

    assert "&#34;quoted&#34;" in drawn
    assert drawn.count("polygon") == 1
    assert all(0 <= y <= 26 for y in heights)
    assert spark([None], "nothing") == ""


def test_amounts_along_an_axis_have_the_same_places() -> None:
    assert usd_marks([0, 0.05, 0.1, 0.15]) == ["$0", "$0.05", "$0.10", "$0.15"]
    assert usd_marks([0, 2, 4]) == ["$0", "$2", "$4"]
    assert usd_marks([0, 0.0025, 0.005]) == ["$0", "$0.0025", "$0.0050"]
    assert usd_marks([-500, 0, 500, 1000]) == ["-$500", "$0", "$500", "$1k"]


def test_an_origin_is_put_in_words() -> None:
    assert origin_in_words("score:helpful") == "the score “helpful”"
    assert origin_in_words("none") == "no outcome stated"
    assert origin_in_words("their own") == "their own"


def test_small_prices_keep_three_figures() -> None:
    assert [unit_usd(x) for x in (0.00241, 0.176, 12.3, 0, None, 0.0000021)] == [
        "$0.00241", "$0.176", "$12.30", "$0", "–", "$0.00000210",
    ]  # fmt: skip
    assert cost_range(Estimate(0.0219, 0.00858, 0.0353, 9)) == "$0.0086 to $0.0353"
    assert [milliseconds(x) for x in (None, 0, 850.4, 2624)] == ["–", "0", "850 ms", "2.62 s"]


def test_a_month_that_was_routed_already_counts_at_the_models_asked_for(store: Store, tmp_path: Path) -> None:
    start = datetime(2026, 9, 1, tzinfo=UTC)
    note = {"profile": "classification", "model": HAIKU, "asked": PREMIUM, "table_version": "v0001"}
    calls = [Call(f"a{n}", start + timedelta(hours=n), f"Is {n} spam?", "no") for n in range(4)]
    calls += [
        Call(f"b{n}", start + timedelta(days=1, hours=n), f"Is {n} spam?", "no", HAIKU.partition("/")[2], routing=note)
        for n in range(3)
    ]  # fmt: skip
    calls += canary_pair("c", start + timedelta(days=2), "Is this spam?", premium="no", routed="no")
    stored(store, tmp_path, calls)
    build_table(store, TableOptions(folder=store.path.parent / "tables"))
    said, page = reported(store)

    assert (said.requests, said.already_routed) == (8, 3)
    assert "3 requests were routed already" in page
    assert float(said.spend_usd) == pytest.approx(8 * (400 * 5 + 20 * 25) / 1e6)
