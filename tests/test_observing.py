"""What the log alone may say: at most provisional, and `not identifiable` where models do not overlap."""

from __future__ import annotations

import json
import random
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

from router_audit.files.document import content_digest, digest
from router_audit.files.tables import schema
from router_audit.policy import NO_EVIDENCE, Verdict
from router_audit.proof.observing import Observation, with_observations
from router_audit.proof.proving import Gap
from router_audit.proof.verification import table_problems
from router_audit.savings.verdict import controls_verdict
from router_audit.stages.build_table import TableOptions, build_table
from router_audit.stages.trials import import_trials
from router_audit.stages.verify import verify
from router_audit.types.money import Control
from tests.audited import HAIKU, OPUS, SONNET, Said, audited_store, request_ids, trial_line

if TYPE_CHECKING:
    from pathlib import Path

    from router_audit.store import Store

CELL = ("extraction", "standard")
BARE = "claude-haiku-4-5"


def log(
    count: int, *, cheap_share: float, cheap_right: float, right: float = 0.97, seed: int = 1
) -> list[Said]:
    """Requests that went to either model by chance, with stated outcomes."""
    rng = random.Random(seed)
    calls = []
    for n in range(count):
        cheap = rng.random() < cheap_share
        good = rng.random() < (cheap_right if cheap else right)
        calls.append(
            Said(
                f"Extract the total of bill {n}.",
                f"{n}",
                "extraction",
                model=BARE if cheap else OPUS,
                resolved=good,
            )
        )
    return calls


def built(store: Store, folder: Path, calls: list[Said], **more: Any) -> dict[str, Any]:
    audited_store(store, folder, calls)
    result = build_table(store, TableOptions(folder=folder / "tables", **more))
    assert verify(result.path).sound
    document: dict[str, Any] = result.document
    return document


def test_overlapping_outcomes_make_a_route_provisional_and_no_more(store: Store, tmp_path: Path) -> None:
    table = built(store, tmp_path, log(1600, cheap_share=0.4, cheap_right=0.99), allow_provisional=True)
    route = table["routes"][1]

    assert (route["status"], route["model"], route["applied"]) == ("provisional", HAIKU, True)
    assert route["evidence"] is None
    assert "no unmeasured reason" in route["reason"]
    seen = table["observational"][0]
    assert seen["identified"]
    assert seen["harm_high"] < 0.05
    assert min(seen["effective"]) > 50


def test_it_is_used_only_where_allowed(store: Store, tmp_path: Path) -> None:
    route = built(store, tmp_path, log(1600, cheap_share=0.4, cheap_right=0.99))["routes"][1]

    assert (route["status"], route["applied"], route["candidate"]) == ("provisional", False, HAIKU)


def test_a_model_that_does_worse_is_not_even_provisional(store: Store, tmp_path: Path) -> None:
    route = built(store, tmp_path, log(1600, cheap_share=0.4, cheap_right=0.8), allow_provisional=True)[
        "routes"
    ][1]

    assert (route["status"], route["applied"]) == ("keep-incumbent", False)
    assert "worse than" in route["reason"]


def test_without_overlap_it_is_not_identifiable(store: Store, tmp_path: Path) -> None:
    table = built(store, tmp_path, log(600, cheap_share=0.02, cheap_right=1.0), allow_provisional=True)
    route = table["routes"][1]

    assert (route["status"], route["applied"]) == ("keep-incumbent", False)
    assert "not identifiable" in route["reason"]
    assert table["observational"][0]["harm"] is None


def test_outcomes_nobody_stated_count_for_nothing(store: Store, tmp_path: Path) -> None:
    audited_store(store, tmp_path, log(1600, cheap_share=0.4, cheap_right=0.99))
    store.connection.execute("UPDATE requests SET outcome_origin = 're-ask'")
    table = build_table(store, TableOptions(folder=tmp_path / "tables")).document

    assert table["observational"][0]["requests"] == 0
    assert not table["observational"][0]["identified"]


def seen(
    candidate: str, *, cost: float = 1.0, high: float | None = 0.01, identified: bool = True
) -> Observation:
    return Observation(
        "extraction", "standard", candidate, OPUS, cost, identified, "" if identified else "not identifiable: few",
        0.0, -0.01, high, 500, (200.0, 200.0), 1.0,
    )  # fmt: skip


def test_trials_come_first() -> None:
    tested = Verdict("provisional", SONNET, "trials")
    against = Verdict("keep-incumbent", None, "refuted", against=(HAIKU,))

    assert with_observations({CELL: tested}, [seen(HAIKU)], 0.05)[CELL] is tested
    assert with_observations({CELL: against}, [seen(HAIKU)], 0.05)[CELL].status == "keep-incumbent"
    assert with_observations({}, [seen(HAIKU, cost=2), seen(SONNET, cost=1)], 0.05)[CELL].candidate == SONNET
    assert with_observations({}, [seen(HAIKU, identified=False)], 0.05)[CELL].reason.startswith(
        NO_EVIDENCE.reason
    )


def test_what_nobody_graded_may_undo_a_certificate(store: Store, tmp_path: Path) -> None:
    audited_store(
        store, tmp_path, [Said(f"Extract the total of bill {n}.", f"{n}", "extraction") for n in range(200)]
    )
    ids = request_ids(store)
    (tmp_path / "t.jsonl").write_text("".join(trial_line(name) for name in ids[:100]))
    import_trials(store, tmp_path / "t.jsonl")
    before = build_table(store, TableOptions(folder=tmp_path / "one")).document["routes"][1]
    for name in ids[100:105]:
        store.connection.execute(
            "INSERT INTO replays VALUES (?, ?, 's', 'extraction', false, NULL, 'nobody')", [name, HAIKU]
        )
    result = build_table(store, TableOptions(folder=tmp_path / "two"))
    after = result.document["routes"][1]

    assert (before["status"], before["applied"]) == ("certified", True)
    assert (after["status"], after["applied"]) == ("provisional", False)
    assert "5 of 105 sampled requests have no grade" in after["reason"]
    assert result.document["gaps"] == [
        {"profile": "extraction", "context": "standard", "candidate": HAIKU, "ungraded": 5}
    ]
    assert verify(result.path).sound
    assert Gap("extraction", "standard", HAIKU, 5)


def test_a_route_beyond_the_observations_does_not_verify(store: Store, tmp_path: Path) -> None:
    table = built(store, tmp_path, log(600, cheap_share=0.02, cheap_right=1.0), allow_provisional=True)
    edited = json.loads(json.dumps(table))
    edited["routes"][1] |= {"status": "provisional", "model": HAIKU, "candidate": HAIKU, "applied": True}
    edited["content_digest"] = content_digest(edited)
    edited["digest"] = digest(edited)

    assert any("routes/1" in problem for problem in table_problems(edited, schema()))


def control(name: str, cost: str, regret: float | None, incumbent: str = "100") -> Control:
    return Control(name, None, Decimal(cost), Decimal(0), Decimal(incumbent) - Decimal(cost), 0.5, regret)


@pytest.mark.parametrize(
    ("table", "single", "cheapest", "split", "beats", "do_not"),
    [
        (("40", 0.01), ("120", 0.0), ("10", 0.2), ("40", 0.13), (True, True, True, True), False),
        (("101", 0.01), ("120", 0.0), ("10", 0.2), ("101", 0.0), (False, True, True, False), True),
        (("40", 0.2), ("30", 0.0), ("10", 0.1), ("40", 0.1), (True, False, False, False), False),
        (("40", None), ("120", None), ("10", None), ("40", None), (True, True, None, None), False),
        (("100", 0.0), ("120", 0.0), ("10", 0.2), ("100", 0.0), (False, True, True, False), False),
    ],
)  # fmt: skip
def test_the_controls_decide_whether_to_route(
    table: Any, single: Any, cheapest: Any, split: Any, beats: tuple[bool | None, ...], do_not: bool
) -> None:
    said = controls_verdict(
        [
            control("table", *table), control("incumbent", "100", 0.0), control("best-single", *single),
            control("all-cheapest", *cheapest), control("random-split", *split),
        ]
    )  # fmt: skip

    assert tuple(better for _, better in said.beats) == beats
    assert bool(said.do_not_route) == do_not


def test_a_table_that_costs_more_than_it_saves_keeps_every_incumbent(store: Store, tmp_path: Path) -> None:
    """Sonnet for requests that a canary of Opus and the confidence check make dearer than they were."""
    calls = [
        Said(
            f"Extract the total of bill {n}.",
            f"{n}",
            "extraction",
            model="claude-sonnet-4-6",
            input_tokens=12,
            output_tokens=1,
        )
        for n in range(150)
    ]
    audited_store(store, tmp_path, calls)
    prices = tmp_path / "prices.toml"
    prices.write_text(
        '[[price]]\nprovider = "anthropic"\nmodel = "claude-haiku-4-5"\ninput_mtok = 2.99\noutput_mtok = 14.99\nfrom = 2025-01-01\n'
    )
    (tmp_path / "t.jsonl").write_text("".join(trial_line(name) for name in request_ids(store)))
    import_trials(store, tmp_path / "t.jsonl")
    result = build_table(store, TableOptions(folder=tmp_path / "tables", prices=prices))
    route = result.document["routes"][1]

    assert result.document["savings"]["verdict"]["do_not_route"]
    assert (route["applied"], route["status"]) == (False, "keep-incumbent")
    assert route["reason"].startswith("controls: ")
    assert any(note.startswith("Do not route") for note in result.notes)
    assert verify(result.path).sound
