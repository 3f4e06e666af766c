"""The report of a real store: its figures are the store's, whatever is in it, and at any size it is quick and small."""

from __future__ import annotations

import io
import json
import os
import re
import time
from dataclasses import replace
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

from router_audit.errors import InputError
from router_audit.stages.build_table import TableOptions, build_table
from router_audit.stages.money import MoneyOptions
from router_audit.stages.report import ReportOptions, report
from router_audit.store import Store, open_store
from router_audit.summary import lay_out, masked_text
from tests.synthetic_store import Filling, count_canary, fill, try_candidates

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from router_audit.stages.report import ReportResult


@pytest.fixture(scope="module")
def audited(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    """Six hundred requests of four profiles, with trials of two cheaper models."""
    with open_store(tmp_path_factory.mktemp("audited") / "audit.duckdb") as store:
        fill(store, Filling(requests=600))
        try_candidates(store)
        build_table(store, TableOptions(folder=store.path.parent / "tables"))
        yield store


def reported(store: Store, **options: object) -> ReportResult:
    folder = store.path.parent
    return report(
        store, replace(ReportOptions(tables=folder / "tables", folder=folder / "reports"), **options)
    )


def test_the_same_table_and_store_give_the_same_bytes(audited: Store) -> None:
    first = reported(audited).path.read_bytes()
    (audited.path.parent / "reports" / "v0001.html").unlink()

    assert reported(audited).path.read_bytes() == first


def test_every_way_of_adding_up_the_spend_agrees(audited: Store) -> None:
    summary = reported(audited).summary

    for parts in (
        summary.by_model,
        summary.by_profile,
        summary.over_time,
        summary.crossings,
        summary.token_kinds,
    ):
        assert sum(part.cost_usd for part in parts) == summary.spend_usd
    assert sum(part.requests for part in summary.crossings) == summary.requests == 600


def test_the_json_and_the_markdown_say_what_the_page_says(audited: Store) -> None:
    said = json.loads(reported(audited, format="json").path.read_text("utf-8"))
    words = reported(audited, format="md").path.read_text("utf-8")

    assert said["verdict"] in words
    assert said["requests"] == 600
    assert said["table"]["digest"] in words


def test_redacted_examples_leave_no_word_of_any_request(audited: Store) -> None:
    open_page = reported(audited).path.read_text("utf-8")
    closed_page = reported(audited, redact_examples=True).path.read_text("utf-8")
    reported(audited)

    assert "Copy the invoice number" in open_page
    assert "support desk" in open_page
    assert "invoice number" not in closed_page
    assert "support desk" not in closed_page
    assert "withheld" in closed_page


@pytest.mark.parametrize(
    ("place", "setting"),
    [((0, 0, 0), {}), ((3, 3, 3), {}), ((5, 10, 0), {}), ((4, 4, 2), {"allow_provisional": True})],
)
def test_the_sliders_answers_are_the_commands(
    audited: Store, tmp_path: Path, place: tuple[int, int, int], setting: dict[str, bool]
) -> None:
    base = build_table(audited, TableOptions(folder=tmp_path / "base", **setting)).document
    known = base["savings"]["what_if"]
    epsilon, limit, share = (
        known[name][at] for name, at in zip(("epsilons", "latencies_ms", "canary_shares"), place, strict=True)
    )
    answer = known["answers"][known["grid"][place[0]][place[1]][place[2]]]
    money = MoneyOptions(max_p95_ms=None if limit is None else {"*": limit}, canary_share=Decimal(str(share)))
    asked = build_table(
        audited, TableOptions(folder=tmp_path / "asked", epsilon=epsilon, money=money, **setting)
    ).document

    assert answer["per_month_usd"] == asked["savings"]["per_month_usd"]
    assert answer["certified_share"] == asked["savings"]["certified_share"]
    assert answer["economy_share"] == asked["economy_share"]["after"]
    shown = ("profile", "context", "model", "status", "applied", "assumed", "threshold")
    assert [[row[name] for name in shown] for row in answer["routes"]] == [
        [row[name] for name in shown] for row in asked["routes"] if row["requests"]
    ]


def test_the_sliders_start_where_the_table_is(audited: Store) -> None:
    table = reported(audited).summary.table
    known = table["savings"]["what_if"]
    regret, limit, share = known["start"]

    assert (
        known["answers"][known["grid"][regret][limit][share]]["per_month_usd"]
        == table["savings"]["per_month_usd"]
    )


@pytest.mark.parametrize(
    "filling",
    [
        Filling(requests=1, rejects=0),
        Filling(requests=40, models=1),
        Filling(requests=30, model="no-such-model"),
    ],
    ids=["one request", "one model", "nothing priced"],
)
def test_little_traffic_still_makes_sense(store: Store, filling: Filling) -> None:
    fill(store, filling)
    build_table(store, TableOptions(folder=store.path.parent / "tables"))
    page = reported(store).path.read_text("utf-8")

    assert "Do not route yet" in page
    assert "NaN" not in page
    assert "None" not in re.sub(r"<style>.*?</style>|<script>.*?</script>", "", page, flags=re.DOTALL)


def test_an_unreadable_table_is_one_line(store: Store) -> None:
    fill(store, Filling(requests=2))
    folder = store.path.parent / "tables"
    folder.mkdir()
    (folder / "v0001.json").write_text("{}", "utf-8")

    with pytest.raises(InputError, match="not a sound routing table"):
        reported(store)


def test_what_points_at_a_person_or_opens_a_door_is_masked() -> None:
    said = masked_text(
        "Mail ann.lee@example.org or +44 20 7946 0958; key sk_live_ab12cd34ef56gh78, card 4111 1111 1111 1111,\n"
        "see https://example.org/a?token=1\u202e and room 42" + " x" * 400
    )

    assert said.startswith("Mail [e-mail] or [number]; key [key], card [account], see [link] and room ••")
    assert len(said) <= 280


def test_the_canarys_line_rises_after_harm_begins_and_says_when_the_alarm_was(store: Store) -> None:
    fill(store, Filling(requests=20))
    count_canary(store)
    build_table(store, TableOptions(folder=store.path.parent / "tables"))
    harmed, unharmed = reported(store).summary.canary

    assert (harmed.route, unharmed.route) == ("classification", "extraction")
    assert harmed.alarm_at == 40
    assert unharmed.raised is None
    assert harmed.raised is not None
    assert harmed.raised > "2026-10-11"
    crossed = [day.day for day in harmed.days if day.e_value >= harmed.alarm_at]
    assert crossed[0] == harmed.raised


def test_alike_contents_lie_side_by_side() -> None:
    import numpy as np
    import polars as pl

    rng = np.random.default_rng(1)
    centres = np.array([[9.0, 0, 0, 0], [0, 9.0, 0, 0], [0, 0, 9.0, 0]])
    kind = np.repeat([0, 1, 2], 40)
    vectors = centres[kind] + rng.normal(size=(120, 4))
    sample = pl.DataFrame(
        {
            "vector": vectors.tolist(),
            "profile": [("classification", "extraction", "reasoning")[k] for k in kind],
            "template_id": [f"t{k}" for k in kind],
            "requests": [1] * 120,
        }
    )
    found = lay_out(sample, {"t0": "Sort this"}, 500)

    assert found is not None
    at = np.array([[point.x, point.y] for point in found.points])
    middles = np.array([at[kind == k].mean(axis=0) for k in range(3)])
    apart = min(np.linalg.norm(middles[a] - middles[b]) for a, b in ((0, 1), (0, 2), (1, 2)))
    assert apart > 2 * max(np.linalg.norm(at[kind == k] - middles[k], axis=1).mean() for k in range(3))
    assert [mark.name for mark in found.landmarks] == ["Sort this"]
    assert lay_out(sample.head(2), {}, 2) is None


def test_the_terminal_says_it_on_one_screen(audited: Store) -> None:
    from rich.console import Console

    from router_audit.cli.show_run import show_run
    from router_audit.pipeline import RunResult

    result = reported(audited)
    table = build_table(audited, TableOptions(folder=audited.path.parent / "tables"))
    counted = type("Counted", (), {})
    ingest = counted()
    ingest.__dict__.update(records=603, files=1, stored=600, duplicates=0, filtered=0, rejected=3)
    tagged, trained = counted(), counted()
    tagged.__dict__.update(by_profile={"classification": 300, "extraction": 300}, abstained=0, core=None)
    trained.__dict__.update(macro_f1=None, noise=None, drift=None)
    out = io.StringIO()
    console = Console(file=out, width=80)
    show_run(console, RunResult(ingest, tagged, trained, table, result.path, result.summary))
    lines = out.getvalue().splitlines()

    assert "\x1b" not in out.getvalue()
    assert "…" not in out.getvalue()
    assert max(len(line) for line in lines) <= 80
    assert len(lines) <= 40
    assert " ".join(out.getvalue().split()).count(result.summary.verdict) == 1


@pytest.mark.skipif(
    not os.environ.get("ROUTER_AUDIT_SCALE"),
    reason="a million requests: set ROUTER_AUDIT_SCALE=1000000 to run it",
)
@pytest.mark.timeout(1800)
def test_a_million_requests_make_a_small_page_quickly(store: Store) -> None:
    fill(store, Filling(requests=int(os.environ["ROUTER_AUDIT_SCALE"])))
    build_table(store, TableOptions(folder=store.path.parent / "tables"))
    began = time.perf_counter()
    path = reported(store).path
    took_s = time.perf_counter() - began

    assert path.stat().st_size < 3_000_000
    assert took_s < 10
