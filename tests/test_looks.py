"""Looking again: inside the same delta however often, kept in the store, and free where nothing is new."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import beta, binom

from router_audit.certify import (
    FIRST,
    Counts,
    FirstLook,
    Plan,
    Step,
    certify,
    evidence_block,
    exact,
    looks,
    verify_evidence,
)
from router_audit.files.tables import schema
from router_audit.proof.verification import table_problems
from router_audit.stages.build_table import TableOptions, build_table
from router_audit.stages.looks import standing
from router_audit.stages.trials import import_trials
from router_audit.stages.verify import verify
from tests.audited import HAIKU, SONNET, Said, audited_store, request_ids, trial_line

if TYPE_CHECKING:
    from pathlib import Path

    from router_audit.stages.build_table import TableResult
    from router_audit.store import Store

FOUR = Plan().level / 4
"""What a route of four starts with."""


def first_look(trials: int, regrets: int, look: int = 1) -> FirstLook:
    return FirstLook(look, 1.0, trials, regrets)


class TestArithmetic:
    def test_the_first_look_is_the_exact_test(self) -> None:
        assert looks.p_value(86, 1, 0.05, first_look(86, 1)) == exact.p_value(86, 1, 0.05)
        assert exact.trials_needed(0.05, Plan().level) == 59
        assert exact.trials_needed(0.05, FOUR) == 86

    def test_the_mixture_by_quadrature(self) -> None:
        prior = beta(0.5, 0.5 / 0.01 - 0.5)
        for trials, regrets in ((60, 0), (200, 3), (90, 9)):

            def weighted(theta: float, x: int = regrets, n: int = trials) -> float:
                return float(prior.pdf(theta)) * (theta / 0.05) ** x * ((1 - theta) / 0.95) ** (n - x)

            mixed = quad(weighted, 0, 0.05, points=[1e-4, 0.01], limit=400)[0] / prior.cdf(0.05)
            assert looks.anytime_p_value(trials, regrets, 0.05) == pytest.approx(
                min(1.0, 1 / mixed), rel=1e-6
            )

    @pytest.mark.parametrize("epsilon", [0.02, 0.05, 0.2])
    @pytest.mark.parametrize("extra", [0, 1, 40])
    def test_the_chance_that_any_look_ever_rejects_stays_below_the_level(
        self, epsilon: float, extra: int
    ) -> None:
        """Exactly, by recursion over all paths of a candidate on epsilon, looked at after every single trial."""
        for alpha in (0.05, 0.0125):
            start = exact.trials_needed(epsilon, FIRST * alpha) + extra
            assert 0 < ever_rejected(epsilon, FIRST * alpha, start, 8 * start) <= alpha

    def test_a_second_look_at_the_whole_level_would_not(self) -> None:
        """The same recursion finds the hole it is there to find."""
        start = exact.trials_needed(0.05, 0.05)
        assert ever_rejected(0.05, 0.05, start, 8 * start, naive=True) > 0.15

    def test_refuting_keeps_its_level_too(self) -> None:
        chance, state = 0.0, np.ones(1)
        for n in range(1, 400):
            state = np.convolve(state, [0.95, 0.05])
            over = [x for x in range(n + 1) if looks.anytime_p_value_above(n, x, 0.05) <= 0.05]
            chance += float(state[over].sum())
            state[over] = 0.0
        assert 0 < chance <= 0.05

    @given(st.integers(0, 400), st.integers(0, 400), st.data())
    def test_more_regrets_never_help(self, now: int, then: int, data: st.DataObject) -> None:
        now = max(now, then)
        x1 = data.draw(st.integers(0, then))
        x = data.draw(st.integers(x1, x1 + now - then))
        worse = data.draw(st.integers(x, now))
        p = looks.p_value(now, x, 0.05, first_look(then, x1))

        assert looks.p_value(now, worse, 0.05, first_look(then, x1)) >= p * (1 - 1e-9)
        worse_then = data.draw(st.integers(x1, min(then, x)))
        assert looks.p_value(now, x, 0.05, first_look(then, worse_then)) >= p * (1 - 1e-9)
        assert looks.p_value(now, x, 0.05, first_look(then, x1)) >= FIRST * exact.p_value(now, x, 0.05)

    @given(st.integers(1, 600), st.integers(1, 600), st.data())
    @settings(max_examples=60, deadline=None)
    def test_the_bound_is_below_epsilon_exactly_when_rejected(
        self, now: int, then: int, data: st.DataObject
    ) -> None:
        now = max(now, then)
        x1 = data.draw(st.integers(0, min(then, 12)))
        x = data.draw(st.integers(x1, min(x1 + now - then, 30)))
        first = first_look(then, x1)
        p, bound = looks.p_value(now, x, 0.05, first), looks.upper_bound(now, x, FOUR, first)
        if abs(p / FOUR - 1) > 1e-6:
            assert (bound < 0.05) == (p < FOUR)

    @given(st.integers(59, 300), st.integers(0, 9))
    @settings(max_examples=40, deadline=None)
    def test_further_trials_are_the_fewest(self, trials: int, regrets: int) -> None:
        first = first_look(trials, regrets)
        more = looks.further_trials(trials, regrets, 0.05, FOUR, first)

        assert looks.p_value(trials + more, regrets, 0.05, first) <= FOUR
        assert more == 0 or looks.p_value(trials + more - 1, regrets, 0.05, first) > FOUR

    @given(st.integers(59, 200), st.integers(0, 6), st.integers(0, 300), st.data())
    @settings(max_examples=60, deadline=None)
    def test_a_replay_that_stops_has_decided(
        self, trials: int, regrets: int, left: int, data: st.DataObject
    ) -> None:
        """Whatever the rest of the sample shows: no verdict but the one it stopped on, or an earlier certificate."""
        first = first_look(trials, regrets)
        said = looks.decided(trials, regrets, trials + left, 0.05, FOUR, first)
        more = data.draw(st.integers(0, left))
        end = looks.p_value(trials + left, regrets + more, 0.05, first) <= FOUR

        assert said != "futile" or not end
        assert said != "reject" or looks.p_value(trials, regrets, 0.05, first) <= FOUR

    def test_what_a_later_look_wants_has_the_power_it_promises(self) -> None:
        first = first_look(181, 4)
        least, wanted = looks.trials_wanted(181, 4, 0.05, FOUR, first, 0.8)
        most = max(x for x in range(wanted) if looks.p_value(wanted, x, 0.05, first) <= FOUR)

        assert least == 181 + looks.further_trials(181, 4, 0.05, FOUR, first) < wanted
        assert float(binom.cdf(most - 4, wanted - 181, 0.01)) >= 0.8


def ever_rejected(epsilon: float, level: float, start: int, end: int, *, naive: bool = False) -> float:
    """The chance that a candidate on epsilon is rejected at any of the looks after trials start, start + 1, …, end."""
    chance = 0.0
    beginning = binom.pmf(np.arange(start + 1), start, epsilon)
    for x1, weight in enumerate(beginning):
        first = first_look(start, x1)
        state, most = np.array([weight]), -1
        for n in range(start, end + 1):
            while (
                most + 1 < state.size
                and (
                    exact.p_value(n, x1 + most + 1, epsilon)
                    if naive
                    else looks.p_value(n, x1 + most + 1, epsilon, first)
                )
                <= level
            ):
                most += 1
            chance += float(state[: most + 1].sum())
            state[: most + 1] = 0.0
            if not state.any() or weight < 1e-9:
                break
            state = np.convolve(state, [1 - epsilon, epsilon])
    return chance


def counted(trials: int, regrets: int, **more: Any) -> Counts:
    return Counts(trials, regrets, graders=(("exact", trials),) if trials else (), **more)


DEAR, CHEAP = Step("dear", 0.0, 2.0), Step("cheap", 0.0, 1.0)


class TestProcedure:
    def test_a_step_that_joins_later_stands_behind_those_that_were_looked_at(self) -> None:
        """Even a dearer one, and it cannot get past a cheaper one that fails."""
        counts = {DEAR.key: counted(200, 0), CHEAP.key: counted(200, 40)}
        first = {CHEAP.key: first_look(100, 20)}
        proof = certify({"r": [DEAR, CHEAP]}, {"r": counts}, Plan(look=2), {"r": first})["r"]

        assert [t.step.candidate for t in proof.steps] == ["cheap", "dear"]
        assert [t.alpha is None for t in proof.steps] == [False, True]
        assert proof.status == "provisional"
        assert certify({"r": [DEAR, CHEAP]}, {"r": counts}, Plan())["r"].status == "certified"

    def test_of_what_is_proven_the_cheapest_of_today_wins(self) -> None:
        counts = {DEAR.key: counted(200, 0), CHEAP.key: counted(200, 0)}
        first = {CHEAP.key: FirstLook(1, 3.0, 100, 0), DEAR.key: FirstLook(1, 2.0, 100, 0)}
        proof = certify({"r": [DEAR, CHEAP]}, {"r": counts}, Plan(look=2), {"r": first})["r"]

        assert [t.step.candidate for t in proof.steps] == ["cheap", "dear"]
        assert proof.choice is not None
        assert proof.choice.step == CHEAP

    def test_a_certificate_stands_while_more_trials_agree_and_falls_when_they_do_not(self) -> None:
        first = {"r": {CHEAP.key: first_look(90, 0)}}
        for trials, regrets, status in (
            (90, 0, "certified"),
            (110, 0, "certified"),
            (130, 9, "keep-incumbent"),
        ):
            found = {"r": {CHEAP.key: counted(trials, regrets)}}
            proof = certify({"r": [CHEAP]}, found, Plan(look=2), first)["r"]
            assert (trials, proof.status) == (trials, status)

    def test_a_first_look_cannot_come_after_the_look(self) -> None:
        first = {"r": {CHEAP.key: first_look(90, 0, look=3)}}
        with pytest.raises(ValueError, match="look 3 is not among the looks 1 to 2"):
            certify({"r": [CHEAP]}, {"r": {CHEAP.key: counted(90, 0)}}, Plan(look=2), first)

    def test_the_bound_of_the_whole_route_is_never_below_that_of_its_parts(self) -> None:
        step = Step("cheap", 0.5, 1.0, "mid")
        now = counted(300, 1, escalated=40, rung_trials=40, rung_regrets=0)
        first = {"r": {step.key: first_look(200, 1)}}
        tested = certify({"r": [step]}, {"r": {step.key: now}}, Plan(look=2), first)["r"].steps[0]
        alone = exact.upper_bound(340, 1, Plan().level)

        assert tested.total_upper_bound > alone

    @pytest.fixture
    def second(self) -> dict[str, Any]:
        paths = {"r": [DEAR, CHEAP], "q": [CHEAP]}
        counts = {
            "r": {DEAR.key: counted(300, 2), CHEAP.key: counted(120, 0)},
            "q": {CHEAP.key: counted(40, 0)},
        }
        first = {"r": {DEAR.key: first_look(100, 2)}}
        return evidence_block(certify(paths, counts, Plan(look=2), first))

    def test_a_later_look_verifies(self, second: dict[str, Any]) -> None:
        rows = second["routes"][1]["hypotheses"]

        assert verify_evidence(json.loads(json.dumps(second))) == []
        assert [row["first_look"]["look"] for row in rows] == [1, 2]
        assert second["routes"][0]["hypotheses"][0]["first_look"] is None

    @pytest.mark.parametrize(
        ("place", "value"),
        [
            ((1, "hypotheses", 0, "first_look", "regrets"), 0),
            ((1, "hypotheses", 0, "first_look", "trials"), 101),
            ((1, "hypotheses", 0, "first_look", "look"), 2),
            ((1, "hypotheses", 0, "first_look", "look"), 3),
            ((1, "hypotheses", 0, "first_look", "p_value"), 0.001),
            ((1, "hypotheses", 0, "first_look"), None),
            ((1, "hypotheses", 1, "first_look", "look"), 1),
            ((1, "hypotheses", 1, "first_look", "trials"), 119),
            ((1, "hypotheses", 1, "first_look", "trials"), 121),
            ((1, "hypotheses", 0, "p_value"), 0.001),
            ((0, "hypotheses", 0, "first_look"), {"look": 1, "trials": 40, "regrets": 0}),
        ],
    )
    def test_an_edited_look_is_caught(
        self, second: dict[str, Any], place: tuple[Any, ...], value: Any
    ) -> None:
        edited = copy.deepcopy(second)
        at: Any = edited["routes"]
        for step in place[:-1]:
            at = at[step]
        assert at[place[-1]] != value
        at[place[-1]] = value

        assert verify_evidence(edited)


CALLS = [Said(f"Is message {n} spam?", "no") for n in range(400)]


class Month:
    """A store that is given trials bit by bit, and a table after each."""

    def __init__(self, store: Store, folder: Path) -> None:
        self.store, self.folder, self.given = audited_store(store, folder, CALLS), folder, 0
        self.ids = request_ids(store)

    def add(self, *numbers: int, regrets: int = 0, candidate: str = HAIKU, origin: str = "import") -> None:
        lines = [
            trial_line(self.ids[n], ok=at >= regrets, candidate=candidate) for at, n in enumerate(numbers)
        ]
        self.given += 1
        path = self.folder / f"t{self.given}.jsonl"
        path.write_text("".join(lines), "utf-8")
        assert import_trials(self.store, path, origin=origin).stored == len(lines)

    def build(self, **more: Any) -> TableResult:
        result = build_table(self.store, replace(TableOptions(folder=self.folder / "tables"), **more))
        assert table_problems(result.document, schema()) == []
        return result

    def looked(self) -> list[tuple[Any, ...]]:
        return self.store.connection.sql("SELECT * FROM looks ORDER BY ALL").fetchall()


@pytest.fixture
def month(store: Store, tmp_path: Path) -> Month:
    return Month(store, tmp_path)


def test_the_same_data_is_the_same_look_and_the_same_bytes(month: Month) -> None:
    month.add(*range(60))
    one = month.build()
    before, bytes_before = month.looked(), one.path.read_bytes()
    two = month.build()
    dry = month.build(write=False)

    assert (one.written, two.written, dry.written) == (True, False, False)
    assert month.looked() == before
    assert two.document == dry.document == one.document
    assert two.path.read_bytes() == bytes_before
    assert (one.document["evidence"]["audit"], one.document["evidence"]["look"]) == (1, 1)
    assert one.document["routes"][0]["status"] == "certified"


def test_trials_that_have_grown_are_another_look_and_get_no_second_exact_test(month: Month) -> None:
    """One regret in 95 is a certificate to who looks for the first time, and none to who looked at 60 before."""
    month.add(*range(60), regrets=1)
    month.build()
    month.add(*range(60, 95))
    second = month.build().document
    row = second["evidence"]["routes"][0]["hypotheses"][0]

    assert second["evidence"]["look"] == 2
    assert (row["trials"], row["regrets"]) == (95, 1)
    assert (row["first_look"]["look"], row["first_look"]["trials"]) == (1, 60)
    assert exact.p_value(95, 1, 0.05) <= Plan().level < row["p_value"]
    assert second["routes"][0]["status"] == "provisional"
    wanted = second["routes"][0]["evidence"]["trials_needed"]
    month.add(*range(95, 95 + wanted))
    assert month.build().document["routes"][0]["status"] == "certified"
    assert verify(month.folder / "tables" / "v0003.json").sound


def test_too_few_trials_to_reject_are_no_look(month: Month) -> None:
    month.add(*range(40))
    month.build()

    assert standing(month.store, 0.05, 0.05, [("classification", HAIKU)]).audit is None
    month.add(*range(40, 95), regrets=1)
    assert month.build().document["routes"][0]["status"] == "certified"
    assert month.build().document["evidence"]["look"] == 1


def test_canary_trials_and_dry_runs_are_looks_like_any_other(month: Month) -> None:
    month.add(*range(60), regrets=1)
    month.build(write=False)
    month.add(*range(60, 95), origin="canary")
    found = month.build().document

    assert (found["evidence"]["look"], found["routes"][0]["status"]) == (2, "provisional")


def test_another_candidate_is_another_audit_and_the_table_says_so(month: Month) -> None:
    month.add(*range(60), regrets=1)
    month.build()
    month.add(*range(60, 95))
    month.add(*range(95), candidate=SONNET)
    result = month.build()
    of = {
        row["candidate"]: row
        for row in result.document["evidence"]["routes"][0]["hypotheses"]
        if not row["tau"]
    }

    assert (result.document["evidence"]["audit"], result.document["evidence"]["look"]) == (2, 1)
    assert any("Audit 2 of this store" in note for note in result.notes)
    assert (of[SONNET]["first_look"]["trials"], of[SONNET]["verdict"]) == (95, "rejected")
    # It buys the other one no second exact test.
    assert (of[HAIKU]["first_look"]["trials"], of[HAIKU]["verdict"]) == (60, "provisional")
    assert exact.p_value(95, 1, 0.05) <= Plan().level


def test_what_the_sliders_show_is_a_look_at_those_audits(month: Month) -> None:
    """Else a reader could watch another epsilon grow sure and then ask for it, as if for the first time."""
    month.add(*range(60), regrets=1)
    month.build()
    epsilons = month.store.connection.sql("SELECT DISTINCT epsilon FROM audits").fetchall()

    assert len(epsilons) > 1
    assert standing(month.store, 0.1, 0.05, [("classification", HAIKU)]).look == 1
    month.build(epsilon=0.1)
    assert standing(month.store, 0.1, 0.05, [("classification", HAIKU)]).look == 1


def test_other_prices_change_no_order_that_a_look_has_fixed(month: Month, tmp_path: Path) -> None:
    month.add(*range(100))
    month.add(*range(100), candidate=SONNET)
    first = month.build().document
    prices = tmp_path / "prices.toml"
    prices.write_text(
        '[[price]]\nprovider = "anthropic"\nmodel = "claude-haiku-4-5"\nfrom = 2026-01-01\ninput_mtok = 4\noutput_mtok = 20\n'
    )
    second = month.build(prices=prices).document

    def order(document: dict[str, Any]) -> list[tuple[str, float]]:
        rows = document["evidence"]["routes"][0]["hypotheses"]
        return [(row["candidate"], row["tau"]) for row in rows if row["first_look"]]

    assert order(first) == order(second) == [(SONNET, 0.0), (HAIKU, 0.0)]
    assert (first["routes"][0]["model"], second["routes"][0]["model"]) == (HAIKU, SONNET)
    assert second["evidence"]["look"] == 1


def test_the_trial_of_a_session_that_came_first_is_counted_for_good(store: Store, tmp_path: Path) -> None:
    """Whichever of its requests has the smaller hash: a look at a growing sample counts what it counted before."""
    calls = [Said(f"Is message {n} spam?", "no", session=f"s{n // 2}") for n in range(160)]
    audited_store(store, tmp_path, calls)
    ids = request_ids(store)
    for name, numbers, ok in (("one", range(0, 160, 2), True), ("two", range(1, 160, 2), False)):
        path = tmp_path / f"{name}.jsonl"
        path.write_text("".join(trial_line(ids[n], ok=ok) for n in numbers), "utf-8")
        import_trials(store, path)
    row = build_table(store, TableOptions(folder=tmp_path / "tables")).document["evidence"]["routes"][0]

    assert (row["hypotheses"][0]["trials"], row["hypotheses"][0]["regrets"]) == (80, 0)
