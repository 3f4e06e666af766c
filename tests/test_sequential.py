"""The canary's statistics: false alarms under daily looks, exact states, what can be seen when."""

from __future__ import annotations

import json
from dataclasses import asdict
from math import exp, log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router_audit.sequential import (
    EProcess,
    Pairs,
    canary_plan,
    days_needed,
    discordant_share,
    e_bh,
    e_process,
    judge_drift,
    minimum_detectable_effect,
    pairs_needed,
)
from router_audit.sequential.eprocess import BETS, FIRST_DAY, HAZARD, log_growth

pairs = st.builds(Pairs, st.integers(0, 30), st.integers(0, 200), st.integers(0, 30))
margins = st.sampled_from([-0.01, 0.0, 0.02, 0.05])


class TestEProcess:
    def test_one_harm_by_hand(self):
        """Half the money spread over the bets, each worth 1 + bet after one harm at margin 0."""
        by_hand = 1 - FIRST_DAY + FIRST_DAY * np.mean([1 + b for b in BETS])
        assert e_process([Pairs(harms=1)], 0.0).e_value == pytest.approx(by_hand, rel=1e-12)

    def test_two_days_by_hand(self):
        """What was bet on day 1 grows on both days; a sixtieth of the reserve joins on day 2."""
        bets = np.array(BETS) / 1.02
        day1 = (1 + bets * 0.98) ** 2 * (1 - bets * 0.02) ** 7
        day2 = (1 + bets * 0.98) * (1 - bets * 1.02)
        by_hand = 0.5 * (1 - HAZARD) + np.mean(0.5 * day1 * day2) + np.mean(0.5 * HAZARD * day2)
        state = e_process([Pairs(2, 7, 0), Pairs(1, 0, 1)], 0.02)
        assert state.e_value == pytest.approx(by_hand, rel=1e-12)
        assert state.seen == (3, 7, 1)

    def test_without_pairs_it_stands_at_one(self):
        for days in ([], [Pairs()] * 5):
            state = e_process(days, 0.02)
            assert (state.e_value, state.days, state.alarm(0.05)) == (1.0, 0, False)

    @given(st.lists(pairs, max_size=8), margins)
    def test_running_daily_is_running_at_once(self, days, margin):
        state = EProcess(margin)
        for day in days:
            stored = json.loads(json.dumps(asdict(state)))
            stored["seen"], stored["log_capital"] = tuple(stored["seen"]), tuple(stored["log_capital"])
            state = EProcess(**stored).next_day(day)
        assert state == e_process(days, margin)

    @given(margins)
    def test_every_bet_is_fair_at_the_margin(self, margin):
        """E[1 + b (d - margin)] = 1 when E[d] = margin, so the mixture is a martingale on the boundary."""
        harm, gain = 0.06 + margin, 0.06
        after = (
            harm * np.exp(log_growth(Pairs(harms=1), margin))
            + (1 - harm - gain) * np.exp(log_growth(Pairs(ties=1), margin))
            + gain * np.exp(log_growth(Pairs(gains=1), margin))
        )
        assert after == pytest.approx(np.ones(len(BETS)), abs=1e-12)

    def test_a_single_bet_is_a_likelihood_ratio(self):
        """Betting b on a coin of 1/2 is the ratio of a coin of (1 + b)/2 to it: a Wald test's own number."""
        b = BETS[7]
        ratio = 9 * log((1 + b) / 2) + 3 * log((1 - b) / 2) - 12 * log(0.5)
        assert log_growth(Pairs(9, 0, 3), 0.0)[7] == pytest.approx(ratio, rel=1e-12)

    @given(st.lists(pairs, min_size=1, max_size=6), margins, st.data())
    def test_one_more_harm_is_more_evidence(self, days, margin, data):
        at = data.draw(st.integers(0, len(days) - 1))
        worse = [d + Pairs(harms=1) if i == at else d for i, d in enumerate(days)]
        if days[at].total:  # else the day itself would be new
            assert e_process(worse, margin).log_e >= e_process(days, margin).log_e

    def test_no_harm_seldom_alarms_at_daily_looks(self):
        rng = np.random.default_rng(1)
        runs = 400
        for margin, p in ((0.0, [0.05, 0.9, 0.05]), (0.02, [0.05, 0.92, 0.03])):
            alarms = sum(
                e_process([Pairs(*map(int, day)) for day in rng.multinomial(100, p, size=90)], margin).alarm(
                    0.05
                )
                for _ in range(runs)
            )
            assert alarms / runs <= 0.05 + 2 * (0.05 * 0.95 / runs) ** 0.5

    def test_a_late_degradation_is_found(self):
        rng = np.random.default_rng(2)
        quiet = [Pairs(*map(int, d)) for d in rng.multinomial(100, [0.02, 0.95, 0.03], size=60)]
        assert not e_process(quiet, 0.03).alarm(0.05)
        worse = [Pairs(*map(int, d)) for d in rng.multinomial(100, [0.12, 0.85, 0.03], size=14)]
        assert e_process(quiet + worse, 0.03).alarm(0.05)

    def test_evidence_once_there_stays(self):
        days = [Pairs(harms=30), *[Pairs(gains=30)] * 20]
        state = e_process(days, 0.0)
        assert state.alarm(0.05)
        assert state.e_value < 20

    def test_it_keeps_up_with_a_library(self):
        """Days to alarm within a quarter either way of `ville` 0.1.0's betting test, over 40 streams."""
        ville = pytest.importorskip("ville")
        rng = np.random.default_rng(3)
        ours, theirs = [], []
        for _ in range(40):
            draws = rng.choice([1, 0, -1], p=[0.10, 0.86, 0.04], size=6000)
            days = [
                Pairs(int((d == 1).sum()), int((d == 0).sum()), int((d == -1).sum()))
                for d in draws.reshape(-1, 50)
            ]
            state, first = EProcess(0.02), None
            for i, day in enumerate(days):
                state = state.next_day(day)
                if state.alarm(0.05):
                    first = i
                    break
            ours.append(len(days) if first is None else first)
            test = ville.BettingTest(0.02, bounds=(-1, 1), alternative="greater", alpha=0.05)
            logs = np.asarray(test.fit(draws.astype(float)).log_e_values_)[49::50]
            crossed = np.flatnonzero(logs >= log(20))
            theirs.append(int(crossed[0]) if crossed.size else len(days))
        assert np.median(ours) <= 1.25 * np.median(theirs)

    @pytest.mark.parametrize("margin", [1.0, -1.0, 2.0])
    def test_impossible_margins(self, margin):
        with pytest.raises(ValueError, match="margin"):
            e_process([], margin)

    def test_impossible_counts(self):
        with pytest.raises(ValueError, match="not negative"):
            e_process([Pairs(harms=-1, ties=5)], 0.0)


class TestEBH:
    def test_by_hand(self):
        """K = 4 at 5%: the largest must reach 80, the two largest 40, all four 20."""
        assert e_bh({"a": 79, "b": 1, "c": 1, "d": 1}, 0.05) == ()
        assert e_bh({"a": 80, "b": 1, "c": 1, "d": 1}, 0.05) == ("a",)
        assert e_bh({"a": 50, "b": 41, "c": 1, "d": 1}, 0.05) == ("a", "b")
        assert e_bh({"d": 20, "c": 20, "b": 20, "a": 20}, 0.05) == ("a", "b", "c", "d")
        assert e_bh({}, 0.05) == ()

    @given(st.dictionaries(st.text(max_size=3), st.floats(0, 1000), max_size=8))
    def test_it_is_a_librarys(self, e_values):
        ville = pytest.importorskip("ville")
        mask = ville.evalues.ebh(list(e_values.values()), alpha=0.05) if e_values else []
        theirs = {name for name, hit in zip(e_values, mask, strict=True) if hit}
        ours = set(e_bh(e_values, 0.05))
        # On a tie at the edge both sets are e-BH's; the number is what is defined.
        assert len(ours) == len(theirs)


class TestPlanning:
    @pytest.mark.parametrize(
        ("harm", "margin", "differ"), [(0.05, 0.0, 0.10), (0.05, 0.02, 0.12), (0.1, 0.02, 0.15)]
    )
    def test_the_power_is_what_simulation_finds(self, harm, margin, differ):
        """With the pairs it asks for, 80% of streams have alarmed; between 70% and 92% will do."""
        n = pairs_needed(harm, differ, margin=margin, power=0.8)
        rng = np.random.default_rng(4)
        p = [(differ + harm) / 2, 1 - differ, (differ - harm) / 2]
        runs = 300
        per_day = max(1, n // 20)
        hits = sum(
            e_process([Pairs(*map(int, d)) for d in rng.multinomial(per_day, p, size=20)], margin).alarm(0.05)
            for _ in range(runs)
        )
        assert 0.70 <= hits / runs <= 0.92

    def test_a_harm_within_the_margin_is_never_found(self):
        assert pairs_needed(0.02, 0.1, margin=0.02) is None
        assert canary_plan(0.02, 30, 1000, 0.1, margin=0.02) is None
        assert days_needed(None, 10) is None

    @given(st.floats(0.03, 0.3), st.floats(0.0, 0.02), st.floats(0.02, 0.4))
    def test_effect_and_pairs_are_each_others_inverse(self, harm, margin, differ):
        n = pairs_needed(harm, differ, margin=margin)
        assert minimum_detectable_effect(n, differ, margin=margin) == pytest.approx(harm, rel=0.02, abs=1e-3)

    def test_more_traffic_sees_smaller_harm(self):
        seen = [minimum_detectable_effect(n, 0.1, margin=0.0) for n in (100, 1000, 10_000)]
        assert seen == sorted(seen, reverse=True)
        assert minimum_detectable_effect(1, 0.1, margin=0.0) is None
        assert minimum_detectable_effect(0, 0.1, margin=0.0) is None

    def test_a_plan_keeps_its_days(self):
        plan = canary_plan(0.05, 30, 10_000, 0.1, margin=0.02)
        assert plan.days == pytest.approx(30)
        assert plan.share * 10_000 * 30 == pytest.approx(plan.pairs)
        tight = canary_plan(0.05, 1, 100, 0.1, margin=0.02)
        assert (tight.share, tight.reachable) == (1.0, False)
        assert tight.days == pytest.approx(tight.pairs / 100)

    def test_no_pairs_is_not_no_difference(self):
        assert discordant_share(Pairs()) == 0.5
        assert discordant_share(Pairs(1, 97, 0)) == pytest.approx(0.02)


class TestJudgeDrift:
    def grades(self, **by):
        return {f"{name}{i}": ok for name, (n, ok) in by.items() for i in range(n)}

    def test_exact_mcnemar_by_hand(self):
        """10 harsher, 2 milder: 2 * P(Bin(12, 1/2) <= 2) = 2 * 79/4096."""
        before = self.grades(same=(80, True), harsh=(10, True), mild=(2, False))
        after = self.grades(same=(80, True), harsh=(10, False), mild=(2, True))
        drift = judge_drift(before, after)
        assert (drift.items, drift.harsher, drift.milder) == (92, 10, 2)
        assert drift.p_value == pytest.approx(2 * 79 / 4096)
        assert drift.level == pytest.approx(0.025)
        assert not drift.drifted
        assert judge_drift(before, after, alpha=0.1).drifted

    def test_a_judge_that_contradicts_itself_more(self):
        before = self.grades(same=(80, True), a=(10, True), b=(10, False))
        after = self.grades(same=(80, True), a=(10, False), b=(10, True))
        assert not judge_drift(before, after).drifted
        drift = judge_drift(before, after, baseline=0.05)
        assert drift.p_value == 1.0
        assert drift.drifted

    def test_unmoved_and_missing(self):
        before = self.grades(x=(20, True))
        assert not judge_drift(before, before, baseline=0.01).drifted
        assert judge_drift(before, {}).items == 0

    def test_all_checks_together_spend_alpha(self):
        levels = [judge_drift({}, {}, check=k).level for k in range(1, 2000)]
        assert sum(levels) <= 0.05
        with pytest.raises(ValueError, match="checks"):
            judge_drift({}, {}, check=0)


def test_e_value_does_not_overflow():
    assert e_process([Pairs(harms=100_000)], 0.0).e_value == pytest.approx(exp(700))
