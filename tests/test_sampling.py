"""Sampling: one request of a session, in an order of ids alone, every beginning stratified."""

from __future__ import annotations

import random
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from router_audit.certify import power, tally, trials_needed
from router_audit.certify.path import Step
from router_audit.proof.sampling import Sampled, order, trials_wanted
from router_audit.types import Trial

requests = st.lists(
    st.tuples(st.integers(0, 300), st.integers(0, 40), st.sampled_from("abcd")),
    max_size=120,
    unique_by=lambda it: it[0],
).map(lambda rows: [Sampled(f"r{n}", f"s{session}", template) for n, session, template in rows])


@settings(max_examples=100, deadline=None)
@given(rows=requests, seed=st.integers(0, 9))
def test_one_of_each_session_whatever_the_order_they_come_in(rows: list[Sampled], seed: int) -> None:
    shuffled = list(rows)
    random.Random(seed).shuffle(shuffled)
    found = order(rows)

    assert found == order(shuffled)
    assert {each.session_id for each in found} == {each.session_id for each in rows}
    assert len({each.session_id for each in found}) == len(found)


@settings(max_examples=50, deadline=None)
@given(rows=requests)
def test_the_certificate_counts_the_very_requests_that_were_sampled(rows: list[Sampled]) -> None:
    trials = [
        Trial(each.request_id, each.session_id, "extraction", "standard", "a/b", ok, True, "exact")
        for each in rows
        for ok in [each in order(rows)]
    ]
    counts = tally(trials, [Step("a/b", 0.0, 1.0)])["a/b", 0.0]

    assert counts.trials == len(order(rows))
    assert counts.regrets == 0


@settings(max_examples=60, deadline=None)
@given(sizes=st.lists(st.integers(1, 200), min_size=1, max_size=6), part=st.floats(0.05, 1))
def test_every_beginning_has_its_share_of_each_template(sizes: list[int], part: float) -> None:
    rows = [Sampled(f"r{t}-{n}", f"s{t}-{n}", f"t{t}") for t, size in enumerate(sizes) for n in range(size)]
    taken = order(rows)[: max(1, round(part * len(rows)))]
    found = Counter(each.template_id for each in taken)

    for t, size in enumerate(sizes):
        assert abs(found[f"t{t}"] - size * len(taken) / len(rows)) <= len(sizes) + 1


def test_the_planned_number_certifies_four_times_in_five() -> None:
    least, planned = trials_wanted(0.05, 0.0125)

    assert least == trials_needed(0.05, 0.0125) == 86
    assert power(planned, 0.01, 0.05, 0.0125) >= 0.8
    assert planned > least
