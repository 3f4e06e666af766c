"""The proof: exact arithmetic, one trial per session, fixed sequences, one error over all routes."""

from __future__ import annotations

import copy
import itertools
import json
import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binom, binomtest

from router_audit.certify import (
    Candidate,
    Counts,
    HumanPairs,
    Plan,
    Step,
    certify,
    corrected_regret,
    critical_regrets,
    evidence_block,
    further_trials,
    looks,
    lower_bound,
    p_value,
    path_of,
    power,
    tally,
    trials_needed,
    upper_bound,
    verify_evidence,
)
from router_audit.certify.exact import decided
from router_audit.certify.procedure import hand_over
from router_audit.types import Trial

LEVEL = Plan().level
"""What the p-values of a single route are held against."""


def trial(request="r", session="", candidate="cheap", ok=True, incumbent=True, confidence=None):
    return Trial(
        request_id=request,
        session_id=session,
        profile="classification",
        context="standard",
        candidate=candidate,
        candidate_ok=ok,
        incumbent_ok=incumbent,
        grader="exact",
        confidence=confidence,
    )


def counted(trials, regrets, **more):
    return Counts(trials, regrets, graders=(("exact", trials),) if trials else (), **more)


def one_step(candidate="cheap", cost=1.0):
    return Step(candidate, 0.0, cost)


def audit_of(*routes, plan=None):
    """Each route a list of (trials, regrets), safest first."""
    paths, counts = {}, {}
    for k, pairs in enumerate(routes):
        path = [one_step(f"m{i}", float(len(pairs) - i)) for i in range(len(pairs))]
        paths[f"route{k}"] = path
        counts[f"route{k}"] = {s.key: counted(*pair) for s, pair in zip(path, pairs, strict=True)}
    return certify(paths, counts, plan or Plan())


class TestExact:
    def test_p_value_by_hand(self):
        """(1 - 0.05)^59 = 0.0485..., the first power of 0.95 below 5%."""
        assert p_value(59, 0, 0.05) == pytest.approx(0.95**59, rel=1e-13)
        assert p_value(3, 1, 0.5) == pytest.approx(0.5, rel=1e-13)
        assert p_value(0, 0, 0.05) == 1.0

    @given(st.integers(1, 400), st.data())
    def test_p_value_is_scipys(self, n, data):
        x = data.draw(st.integers(0, n))
        eps = data.draw(st.floats(0.01, 0.5))
        assert p_value(n, x, eps) == pytest.approx(binom.cdf(x, n, eps), rel=1e-9, abs=1e-300)

    @pytest.mark.parametrize(
        ("n", "x", "low", "high"),
        [
            # Clopper-Pearson 95% two-sided limits, of which each side is at 2.5%: Newcombe 1998,
            # Statistics in Medicine 17:857-872, table I, method 5 ("Clopper-Pearson").
            (263, 81, 0.2527, 0.3676),
            (148, 15, 0.0578, 0.1617),
            (20, 0, 0.0000, 0.1684),
            (29, 1, 0.0009, 0.1776),
        ],
    )
    def test_published_clopper_pearson_limits(self, n, x, low, high):
        assert lower_bound(n, x, 0.025) == pytest.approx(low, abs=5e-5)
        assert upper_bound(n, x, 0.025) == pytest.approx(high, abs=5e-5)

    @given(st.integers(1, 300), st.data())
    def test_the_bound_is_scipys(self, n, data):
        x = data.draw(st.integers(0, n))
        ci = binomtest(x, n, alternative="less").proportion_ci(0.95, method="exact")
        assert upper_bound(n, x, 0.05) == pytest.approx(ci.high, rel=1e-9)

    @given(st.integers(1, 300), st.data(), st.floats(0.005, 0.2))
    def test_bound_below_epsilon_exactly_when_rejected(self, n, data, alpha):
        x = data.draw(st.integers(0, n))
        p = p_value(n, x, 0.05)
        if abs(p - alpha) > 1e-9:
            assert (upper_bound(n, x, alpha) < 0.05) == (p < alpha)

    def test_the_trials_of_the_design(self):
        assert trials_needed(0.05, 0.05) == 59
        assert trials_needed(0.05, 0.05 / 4) == 86

    @pytest.mark.parametrize(("regrets", "n"), [(0, 59), (1, 93), (2, 124), (3, 153), (4, 181), (5, 208)])
    def test_wilks_sample_sizes(self, regrets, n):
        """The 95%/95% sample sizes of Wilks' formula (59, 93, 124, 153, 181, 208): the same inequality."""
        assert trials_needed(0.05, 0.05, regrets) == n

    @given(st.floats(0.01, 0.3), st.floats(0.001, 0.2), st.integers(0, 20))
    def test_trials_needed_is_the_smallest(self, eps, alpha, x):
        n = trials_needed(eps, alpha, x)
        assert p_value(n, x, eps) <= alpha
        assert n == max(x, 1) or p_value(n - 1, min(x, n - 1), eps) > alpha

    def test_further_trials(self):
        assert further_trials(40, 0, 0.05, 0.05) == 19
        assert further_trials(59, 0, 0.05, 0.05) == 0
        assert further_trials(59, 1, 0.05, 0.05) == 93 - 59

    def test_power_by_hand(self):
        assert critical_regrets(59, 0.05, 0.05) == 0
        assert critical_regrets(58, 0.05, 0.05) == -1
        assert power(59, 0.01, 0.05, 0.05) == pytest.approx(0.99**59)
        assert power(58, 0.0, 0.05, 0.05) == 0.0

    def test_power_at_epsilon_is_the_size(self):
        for n in range(59, 600, 37):
            assert power(n, 0.05, 0.05, 0.05) <= 0.05

    @given(st.integers(1, 300), st.data())
    def test_curtailment_never_changes_a_verdict(self, planned, data):
        most = critical_regrets(planned, 0.05, 0.05)
        n = data.draw(st.integers(0, planned))
        x = data.draw(st.integers(0, n))
        answer = decided(n, x, planned, 0.05, 0.05)
        for more in range(planned - n + 1):
            rejected = x + more <= most
            assert answer != ("futile" if rejected else "reject")

    @pytest.mark.parametrize("bad", [(3, 4, 0.05), (-1, 0, 0.05), (3, 1, 0.0), (3, 1, 1.0)])
    def test_impossible_counts(self, bad):
        with pytest.raises(ValueError, match=r"cannot be|strictly between"):
            p_value(*bad)


class TestPath:
    def test_from_the_dearest_to_the_cheapest(self):
        path = path_of([Candidate("e", 1, "s", 3), Candidate("s", 3, None, 15)], taus=(0, 0.5))
        assert [s.key for s in path] == [("s", 0.5), ("s", 0.0), ("e", 0.5), ("e", 0.0)]
        assert [s.expected_cost_usd for s in path] == [10.5, 3.0, 2.5, 1.0]
        assert [s.worst_cost_usd for s in path] == [18.0, 18.0, 4.0, 4.0]

    def test_no_step_dearer_than_the_incumbent(self):
        path = path_of([Candidate("s", 3, None, 15)], incumbent_cost_usd=15)
        assert [s.tau for s in path] == [0.7, 0.5, 0.0]

    def test_the_order_is_a_function_of_costs_alone(self):
        candidates = [Candidate(f"m{i}", c, "r", 9.0) for i, c in enumerate((3.0, 1.0, 1.0, 2.0))]
        for shuffled in itertools.permutations(candidates):
            assert path_of(shuffled) == path_of(candidates)

    def test_a_candidate_stands_once(self):
        with pytest.raises(ValueError, match="twice"):
            path_of([Candidate("a", 1), Candidate("a", 2)])


class TestTally:
    PATH = (Step("cheap", 0.5, 2.0, "mid"), Step("cheap", 0.0, 1.0, "mid"))

    def test_what_stays_and_what_goes_up(self):
        trials = [
            trial("a", confidence=0.9),
            trial("b", confidence=0.6, ok=False),
            trial("c", confidence=0.5, ok=False, incumbent=False),
            trial("d", confidence=0.4, ok=False),
            trial("e", incumbent=False),
            trial("d", candidate="mid", ok=False),
        ]
        found = tally(trials, self.PATH)
        assert found["cheap", 0.0] == counted(5, 2, shared_failures=1, gains=1)
        assert found["cheap", 0.5] == counted(
            3, 1, shared_failures=1, escalated=2, rung_trials=1, rung_regrets=1
        )

    def test_without_confidence_only_tau_zero_has_trials(self):
        found = tally([trial(str(i)) for i in range(80)], self.PATH)
        assert found["cheap", 0.0].trials == 80
        assert found["cheap", 0.5] == Counts(0, 0, escalated=80)

    def test_one_trial_per_session(self):
        trials = [trial(f"{s}-{i}", session=s, ok=i % 2 == 0) for s in "abc" for i in range(9)]
        assert tally(trials, self.PATH)["cheap", 0.0].trials == 3

    def test_requests_without_a_session_stand_alone(self):
        assert tally([trial("a"), trial("b")], self.PATH)["cheap", 0.0].trials == 2

    def test_the_choice_ignores_outcome_and_confidence(self):
        """Whichever way every trial of a session turns out, the same request speaks for it."""
        requests = [f"r{i}" for i in range(20)]
        speaking = set()
        for bad in requests:
            found = tally([trial(r, session="s", ok=r != bad) for r in requests], self.PATH)
            if found["cheap", 0.0].regrets:
                speaking.add(bad)
        assert len(speaking) == 1

    def test_another_key_chooses_another_request(self):
        trials = [trial(f"{s}-{i}", session=str(s), ok=i > 0) for s in range(40) for i in range(4)]
        found = {tally(trials, self.PATH, key=str(k))["cheap", 0.0].regrets for k in range(6)}
        assert len(found) > 1

    def test_records_that_differ_are_settled_against_the_candidate(self):
        trials = [trial("a", ok=True), trial("a", ok=False)]
        for order in (trials, trials[::-1]):
            assert tally(order, self.PATH)["cheap", 0.0] == counted(1, 1)

    def test_human_grades_are_crossed_with_the_judges(self):
        trials = [trial(str(i), ok=i not in {0, 1}) for i in range(6)]
        human = [trial(str(i), ok=i not in {1, 2}) for i in range(5)]
        assert tally(trials, self.PATH, human=human)["cheap", 0.0].human == HumanPairs(1, 1, 1, 2)


class TestProcedure:
    def test_the_cheapest_proven_step_wins(self):
        proof = audit_of([(100, 0), (100, 1), (100, 4)])["route0"]
        assert proof.status == "certified"
        assert proof.choice.step.candidate == "m1"
        assert [t.alpha for t in proof.steps] == [LEVEL] * 3
        assert proof.steps[2].verdict == "provisional"

    def test_the_path_stops_at_the_first_that_is_not_rejected(self):
        proof = audit_of([(100, 2), (100, 0)])["route0"]
        assert proof.status == "provisional"
        assert [t.alpha for t in proof.steps] == [LEVEL, None]
        assert proof.choice.step.candidate == "m1"
        # By itself it would pass; the one before it stands in the way, and needs a later look.
        assert proof.choice.evidence.trials_needed == 0
        first = proof.steps[0].first
        more = proof.trials_needed
        assert more > 124 - 100
        assert looks.p_value(100 + more, 2, 0.05, first) <= LEVEL < looks.p_value(99 + more, 2, 0.05, first)

    def test_a_step_that_could_never_reject_does_not_stop_the_path(self):
        proof = audit_of([(58, 0), (100, 0)])["route0"]
        assert [t.step.candidate for t in proof.steps if t.testable] == ["m1"]
        assert proof.choice.step.candidate == "m1"

    def test_a_high_threshold_with_few_trials_does_not_stop_the_path(self):
        """Seventy trials above tau could reject, but one regret in a hundred would more likely stop them."""
        high, low = Step("m", 0.9, 2.0), Step("m", 0.0, 1.0)
        counts = {high.key: counted(70, 1, escalated=230), low.key: counted(300, 3)}
        proof = certify({"r": [high, low]}, {"r": counts}, Plan())["r"]
        assert [(t.step, t.testable) for t in proof.steps] == [(low, True), (high, False)]
        assert proof.choice.step == low

    def test_four_profiles_need_86(self):
        assert {r.status for r in audit_of(*[[(86, 0)]] * 4).routes} == {"certified"}
        assert {r.status for r in audit_of(*[[(85, 0)]] * 4).routes} == {"provisional"}

    def test_a_finished_route_hands_its_share_over(self):
        """One regret of 120 has p = 0.0154: above 0.05/4, below 0.05/3."""
        audit = audit_of([(200, 0)], [(120, 1)], [(120, 9)], [(120, 9)])
        assert audit["route0"].level == pytest.approx(LEVEL / 4)
        assert audit["route1"].status == "certified"
        assert audit["route1"].level == pytest.approx(LEVEL / 3)
        assert audit["route2"].level == pytest.approx(LEVEL / 2)

    def test_refuted_candidates_are_named(self):
        proof = audit_of([(100, 30), (100, 6)])["route0"]
        assert proof.status == "keep-incumbent"
        assert proof.refuted == ("m0",)
        assert [t.verdict for t in proof.steps] == ["refuted", "unsupported"]

    def test_provisional_says_how_many_more(self):
        choice = audit_of([(40, 0)])["route0"].choice
        assert choice.evidence.trials_needed == 19
        assert choice.evidence.upper_bound == pytest.approx(1 - LEVEL ** (1 / 40))

    def test_stays_plus_escalated_share(self):
        step = Step("cheap", 0.5, 1.0, "mid")
        found = counted(80, 1, escalated=20, rung_trials=10, rung_regrets=1)
        choice = certify({"r": [step]}, {"r": {step.key: found}}, Plan())["r"].choice
        assert choice.total_regret == pytest.approx((1 + 20 * 0.1) / 100)
        assert choice.total_upper_bound == pytest.approx(upper_bound(100, 12, LEVEL))

    def test_human_grades_withdraw_but_never_grant(self):
        step = one_step()
        misses = counted(200, 2, human=HumanPairs(0, 8, 0, 32))
        proof = certify({"r": [step]}, {"r": {step.key: misses}}, Plan())["r"]
        assert (proof.status, proof.steps[0].verdict) == ("keep-incumbent", "withdrawn")
        unproven = counted(50, 0, human=HumanPairs(0, 0, 0, 50))
        assert certify({"r": [step]}, {"r": {step.key: unproven}}, Plan())["r"].status == "provisional"

    def test_what_the_certificate_is_about(self):
        step = one_step()
        for human, claim in [
            (None, "as-graded"),
            (HumanPairs(1, 0, 0, 39), "judge-corrected"),
            (HumanPairs(0, 0, 0, 80), "human-graded"),
        ]:
            found = {"r": {step.key: counted(200, 2, human=human)}}
            proof = certify({"r": [step]}, found, Plan())["r"]
            assert (proof.status, proof.choice.claim) == ("certified", claim)

    def test_no_routes(self):
        assert certify({}, {}, Plan()).routes == ()

    @given(st.lists(st.lists(st.floats(0, 0.2), max_size=4), min_size=1, max_size=5))
    def test_hand_over_is_the_graphical_procedure(self, p_values):
        """Against algorithm 1 of Bretz et al. 2009, run hypothesis by hypothesis on the whole graph."""
        named = {str(i): ps for i, ps in enumerate(p_values)}
        levels = hand_over(named, 0.05)
        ours = set()
        for route, ps in named.items():
            for i, p in enumerate(ps):
                if p > levels[route]:
                    break
                ours.add((route, i))
        assert ours == bretz(named, 0.05)


def bretz(named, delta):
    """Algorithm 1 of Bretz et al. 2009 with chains whose ends point at every other chain's head."""
    nodes = [(r, i) for r, ps in named.items() for i in range(len(ps))]
    p = {(r, i): ps[i] for r, ps in named.items() for i in range(len(ps))}
    heads = [(r, 0) for r, ps in named.items() if ps]
    alpha = {n: delta / len(named) if n in heads else 0.0 for n in nodes}
    g = {(a, b): 0.0 for a in nodes for b in nodes}
    for r, i in nodes:
        if (r, i + 1) in p:
            g[(r, i), (r, i + 1)] = 1.0
        else:
            # A chain without a hypothesis keeps its share: it is a node that can never be rejected.
            for h in heads:
                if h[0] != r:
                    g[(r, i), h] = 1.0 / (len(named) - 1)
    rejected = set()
    while True:
        ready = [n for n in nodes if p[n] <= alpha[n] and alpha[n] > 0]
        if not ready:
            return rejected
        j = ready[0]
        rejected.add(j)
        nodes.remove(j)
        alpha = {n: alpha[n] + alpha[j] * g[j, n] for n in nodes}
        g = {
            (a, b): (g[a, b] + g[a, j] * g[j, b]) / (1 - g[a, j] * g[j, a])
            if a != b and g[a, j] * g[j, a] < 1
            else 0.0
            for a in nodes
            for b in nodes
        }


trials_of_one_route = st.lists(
    st.builds(
        trial,
        request=st.sampled_from([f"r{i}" for i in range(12)]),
        session=st.sampled_from(["", "s1", "s2", "s3"]),
        candidate=st.sampled_from(["cheap", "mid"]),
        ok=st.booleans(),
        incumbent=st.booleans(),
        confidence=st.sampled_from([None, 0.2, 0.6, 0.97]),
    ),
    max_size=30,
)
PATH = path_of([Candidate("cheap", 1, "mid", 3), Candidate("mid", 3, None, 15)], incumbent_cost_usd=15)
LAX = Plan(epsilon=0.4, delta=0.3)
"""So lax that a handful of trials certify: the properties are about the procedure, not its strictness."""


def block_of(trials, plan=LAX):
    return evidence_block(certify({"r": PATH}, {"r": tally(trials, PATH)}, plan))


class TestProperties:
    @given(trials_of_one_route, st.randoms())
    def test_the_order_of_trials_does_not_matter(self, trials, rng):
        shuffled = list(trials)
        rng.shuffle(shuffled)
        assert json.dumps(block_of(trials)) == json.dumps(block_of(shuffled))

    @given(trials_of_one_route)
    def test_the_same_trial_twice_counts_once(self, trials):
        assert block_of(trials + trials) == block_of(trials)

    @given(trials_of_one_route)
    def test_no_more_trials_than_sessions(self, trials):
        for (candidate, _), found in tally(trials, PATH).items():
            mine = [t for t in trials if t.candidate == candidate]
            assert found.trials + found.escalated <= len({t.session_id or t.request_id for t in mine})

    @given(
        st.lists(
            st.lists(st.tuples(st.integers(0, 300), st.integers(0, 6)), min_size=1, max_size=3),
            min_size=1,
            max_size=4,
        ),
        st.data(),
    )
    @settings(max_examples=200)
    def test_more_regrets_never_certify(self, routes, data):
        routes = [[(n, min(x, n)) for n, x in route] for route in routes]
        before = audit_of(*routes)
        r = data.draw(st.integers(0, len(routes) - 1))
        i = data.draw(st.integers(0, len(routes[r]) - 1))
        n, x = routes[r][i]
        worse = copy.deepcopy(routes)
        worse[r][i] = (n, min(n, x + data.draw(st.integers(1, 5))))
        after = audit_of(*worse)
        for old, new in zip(before.routes, after.routes, strict=True):
            proven = {t.step.candidate for t in old.steps if t.rejected}
            assert {t.step.candidate for t in new.steps if t.rejected} <= proven
            assert new.status != "certified" or old.status == "certified"

    @given(trials_of_one_route, st.data())
    @settings(max_examples=200)
    def test_a_trial_turned_into_a_regret_never_certifies(self, trials, data):
        if not trials:
            return
        i = data.draw(st.integers(0, len(trials) - 1))
        worse = [
            replace(t, candidate_ok=False, incumbent_ok=True) if j == i else t for j, t in enumerate(trials)
        ]
        before, after = block_of(trials)["routes"][0], block_of(worse)["routes"][0]
        proven = {(h["candidate"], h["tau"]) for h in before["hypotheses"] if h["rejected"]}
        assert {(h["candidate"], h["tau"]) for h in after["hypotheses"] if h["rejected"]} <= proven

    @given(trials_of_one_route)
    def test_every_block_verifies(self, trials):
        block = block_of(trials)
        assert verify_evidence(block) == []
        assert verify_evidence(json.loads(json.dumps(block))) == []

    def test_routes_in_any_order_same_bytes(self):
        routes = {f"route{k}": (100 + 20 * k, k % 3) for k in range(5)}
        blocks = set()
        for order in itertools.permutations(routes):
            counts = {r: {one_step().key: counted(*routes[r])} for r in order}
            blocks.add(json.dumps(evidence_block(certify({r: [one_step()] for r in order}, counts, Plan()))))
        assert len(blocks) == 1

    def test_family_wise_error_under_strong_dependence(self):
        """All routes see the very same trials, at epsilon: the share of false audits stays below delta."""
        rng = random.Random(6)
        false = 0
        for _ in range(1500):
            x = sum(rng.random() < 0.05 for _ in range(150))
            false += any(r.status == "certified" for r in audit_of(*[[(150, x)] * 2] * 3).routes)
        assert false / 1500 <= 0.05 + 2 * (0.05 * 0.95 / 1500) ** 0.5


class TestVerify:
    @pytest.fixture
    def block(self):
        rng = random.Random(3)
        trials = [
            trial(f"r{i}", session=f"s{i}", candidate=c, ok=rng.random() > 0.002, confidence=rng.random())
            for i in range(400)
            for c in ("cheap", "mid")
        ]
        human = [replace(t, grader="human") for t in trials[:50]]
        counts = {"r": tally(trials, PATH, human=human), "q": tally(trials[:200], PATH)}
        return evidence_block(certify({"r": PATH, "q": PATH}, counts, Plan()))

    def test_it_holds(self, block):
        assert block["routes"][0]["status"] == "certified"
        assert verify_evidence(block) == []

    def test_every_single_edited_figure_is_caught(self, block):
        """Each number, flag and word of the block in turn, so that no field is left unguarded."""
        # Descriptions, of which only the order is evidence, and what the store counts.
        free = {"rung", "expected_cost_usd", "worst_cost_usd", "candidate", "tau"}
        for route in range(len(block["routes"])):
            hypotheses = block["routes"][route]["hypotheses"]
            for i, row in enumerate(hypotheses):
                for field, value in row.items():
                    if field in free or isinstance(value, dict):
                        continue
                    edited = copy.deepcopy(block)
                    edited["routes"][route]["hypotheses"][i][field] = other(value)
                    assert verify_evidence(edited), (i, field)
            for field in ("share", "level", "status", "chosen", "trials_needed", "refuted"):
                edited = copy.deepcopy(block)
                edited["routes"][route][field] = other(block["routes"][route][field])
                assert verify_evidence(edited), field
        human = block["routes"][1]["hypotheses"][-1]["human"]
        for field in human:
            edited = copy.deepcopy(block)
            edited["routes"][1]["hypotheses"][-1]["human"][field] = other(human[field])
            assert verify_evidence(edited), field
        for field in ("method", "epsilon", "delta", "first_look_share"):
            edited = copy.deepcopy(block)
            edited[field] = other(block[field])
            assert verify_evidence(edited), field

    def test_an_edited_p_value_is_named(self, block):
        block["routes"][1]["hypotheses"][2]["p_value"] = 1e-9
        assert any("routes[1].hypotheses[2].p_value: says 1e-09" in it for it in verify_evidence(block))

    def test_a_dropped_route_hypothesis_and_an_unknown_field(self, block):
        fewer = copy.deepcopy(block)
        del fewer["routes"][0]
        assert verify_evidence(fewer)
        swapped = copy.deepcopy(block)
        swapped["routes"][0]["hypotheses"].reverse()
        assert verify_evidence(swapped)
        block["routes"][0]["hypotheses"][0]["note"] = "trust me"
        assert any("note: unknown field" in it for it in verify_evidence(block))

    @given(
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.text(),
            lambda c: st.lists(c) | st.dictionaries(st.text(), c),
            max_leaves=10,
        )
    )
    def test_whatever_is_given_it_answers(self, junk):
        assert verify_evidence(junk)

    @pytest.mark.parametrize("junk", [True, -1, 1.5, "3", None, [], {}])
    def test_a_count_that_is_none(self, block, junk):
        block["routes"][0]["hypotheses"][0]["trials"] = junk
        assert verify_evidence(block)


def other(value):
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value * 1.01 + 1e-4
    if value is None:
        return 0.01
    return value[:-1] if value else ["x"]


class TestCorrection:
    @pytest.mark.parametrize(
        ("trials", "regrets", "pairs", "estimate", "upper", "tuning"),
        [
            (400, 20, (6, 2, 3, 89), 0.035648, 0.072634957029, 0.8316),
            (1000, 15, (1, 3, 0, 146), 0.03032284264, 0.05043868275, 0.372929949239),
            (200, 2, (0, 8, 0, 32), 0.2, 0.304029677575, 0.0),
            (500, 30, (9, 0, 0, 91), 0.0525, 0.070842837648, 1.0),
            (300, 60, (5, 4, 12, 39), 0.128803530093, 0.202612135038, 0.203486111111),
        ],
    )
    def test_it_is_ppi_pythons(self, trials, regrets, pairs, estimate, upper, tuning):
        """Figures of `ppi-python` 0.2.3: `ppi_mean_ci(..., lam=tuning, alternative="smaller")`, the same trials.

        Without `lam` that function forgets the alternative and answers two-sided.
        """
        found = corrected_regret(trials, regrets, HumanPairs(*pairs), 0.05)
        assert found.estimate == pytest.approx(estimate, abs=1e-9)
        assert found.upper_bound == pytest.approx(upper, abs=1e-9)
        assert found.tuning == pytest.approx(tuning, abs=1e-9)

    def test_all_trials_graded_by_hand_is_the_humans_own_mean(self):
        assert corrected_regret(50, 4, HumanPairs(2, 1, 2, 45), 0.05).estimate == pytest.approx(3 / 50)

    def test_grades_that_do_not_fit(self):
        with pytest.raises(ValueError, match="not among"):
            corrected_regret(50, 1, HumanPairs(2, 0, 0, 8), 0.05)
