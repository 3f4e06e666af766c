"""Decisions are pure: never a dearer model, never a second rung, and the canary is the hash's own."""

from __future__ import annotations

from dataclasses import fields, replace
from math import sqrt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router_audit.errors import InputError
from router_audit.files.document import sealed
from router_audit.routing import Facts, canary_draw, decide, escalate, fall_back, in_canary, rules_of
from router_audit.types import PROFILES, AnswerSignal, Decision, Escalation, Ladder
from tests.routed import PRICES, content
from tests.test_policy import FLASH, HAIKU, LADDER, OPUS, SONNET

RULES = rules_of(sealed(content("none"), version="v0007", parent=None))
TWO_ON_A_TIER = Ladder("two", LADDER.tiers, (FLASH, HAIKU, SONNET, OPUS), assumed=LADDER.assumed)
FACTS = Facts("classification", 0.9, 1_000, "r1", asked=OPUS.ref)

signals = st.builds(
    AnswerSignal,
    schema_failed=st.booleans(),
    refused=st.booleans(),
    empty=st.booleans(),
    truncated=st.booleans(),
    mean_logprob=st.none() | st.floats(-9, 0),
    stated_confidence=st.none() | st.floats(0, 1),
    provider_error=st.none() | st.just("529"),
)
facts = st.builds(
    Facts,
    profile=st.none() | st.sampled_from(PROFILES),
    probability=st.floats(0, 1),
    input_tokens=st.integers(0, 2_000_000),
    request_id=st.text(max_size=12),
    asked=st.none() | st.sampled_from([*PRICES, "openai/gpt-5", "nobody/knows"]),
    asked_mtok=st.none() | st.floats(0.01, 100),
    output_tokens=st.integers(0, 200_000),
    held=st.none() | st.sampled_from([*PRICES]),
)


def mtok(model: str) -> float:
    return (3 * PRICES[model][0] + PRICES[model][1]) / 4


def test_a_row_that_applies_moves_a_dearer_request_and_names_one_rung() -> None:
    decision = decide(RULES, FACTS, canary_share=0.0)

    assert (decision.model, decision.provider, decision.tier) == (HAIKU.ref, "anthropic", "economy")
    assert (decision.escalate_to, decision.moved, decision.asked) == (SONNET.ref, True, OPUS.ref)
    assert (decision.table_version, decision.status, decision.served_by) == (
        "v0007",
        "provisional",
        HAIKU.ref,
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"asked": FLASH.ref}, "not cheaper"),
        ({"asked": HAIKU.ref}, "own model"),
        ({"asked": "nobody/knows"}, "no price"),
        ({"asked": "openai/gpt-5-nano", "asked_mtok": 0.1}, "not cheaper"),
        ({"profile": None, "abstained": "low probability"}, "low probability"),
        ({"input_tokens": 190_000}, "do not fit"),
        ({"input_tokens": 150_000, "output_tokens": 64_000}, "do not fit"),
    ],
)
def test_a_request_stays_where_moving_is_not_proven_cheaper_or_does_not_fit(
    change: dict[str, object], said: str
) -> None:
    decision = decide(RULES, replace(FACTS, **change), canary_share=1.0)  # type: ignore[arg-type]

    assert decision.model == change.get("asked", OPUS.ref)
    assert said in decision.reason
    assert (decision.moved, decision.canary, decision.propensity) == (False, False, 0.0)
    assert decision.escalate_to is None


def test_an_exact_count_may_fill_the_window_where_an_estimate_may_not() -> None:
    assert decide(RULES, replace(FACTS, input_tokens=190_000, estimated=False)).model == HAIKU.ref
    assert decide(RULES, replace(FACTS, input_tokens=190_000)).model == OPUS.ref


def test_huge_context_has_its_own_row_unless_it_must_be_reasoned_about() -> None:
    flash = decide(RULES, replace(FACTS, profile="extraction", input_tokens=400_000))
    sonnet = decide(RULES, replace(FACTS, profile="reasoning", input_tokens=400_000))

    assert (flash.model, flash.huge_context, flash.context) == (FLASH.ref, True, "huge")
    assert (sonnet.model, sonnet.huge_context, sonnet.context) == (SONNET.ref, True, "standard")


def test_a_caller_that_names_no_model_is_compared_with_the_incumbent_of_its_row() -> None:
    free = decide(RULES, replace(FACTS, asked=None), canary_share=0.0)
    lost = decide(RULES, replace(FACTS, asked=None, profile=None))

    assert (free.model, free.asked, free.moved) == (HAIKU.ref, OPUS.ref, True)
    assert (lost.model, lost.asked, lost.moved) == (OPUS.ref, OPUS.ref, False)


def test_a_session_keeps_a_model_of_its_tier_or_above_and_never_one_below() -> None:
    up = decide(RULES, replace(FACTS, held=SONNET.ref), canary_share=0.0)
    down = decide(RULES, replace(FACTS, profile="reasoning", held=HAIKU.ref), canary_share=0.0)

    assert (up.model, up.escalate_to) == (SONNET.ref, OPUS.ref)
    assert down.model == SONNET.ref


@given(facts, st.floats(0, 1))
def test_no_route_is_dearer_than_the_request_s_own_model(given_facts: Facts, share: float) -> None:
    decision = decide(RULES, given_facts, canary_share=share)

    if decision.moved:
        assert decision.model is not None
        own = PRICES.get(decision.asked or "")
        most = given_facts.asked_mtok if own is None else mtok(str(decision.asked))
        assert most is not None
        assert mtok(decision.model) < most
    else:
        assert decision.model == decision.asked
    assert decision.served_by == (OPUS.ref if decision.canary else decision.model)


@given(facts, st.lists(signals, max_size=6))
def test_no_sequence_of_signals_leads_two_tiers_up(given_facts: Facts, heard: list[AnswerSignal]) -> None:
    decision: Decision | None = decide(RULES, given_facts)
    assert decision is not None
    start = decision.tier
    rungs = set()
    for signal in heard:
        if signal.provider_error and (other := fall_back(decision)) is not None:
            decision = other
            assert decision.tier == start
        step = escalate(RULES, decision, signal)
        if step is not None:
            assert start is not None
            assert step.tier is not None
            assert LADDER.tiers.index(step.tier) == LADDER.tiers.index(start) + 1
            rungs.add(step.model)

    assert len(rungs) <= 1


def test_an_escalation_has_no_way_up() -> None:
    assert not any(
        "escalate" in field.name and field.name != "escalated_from" for field in fields(Escalation)
    )


@pytest.mark.parametrize(
    ("signal", "said"),
    [
        (AnswerSignal(refused=True), "refused"),
        (AnswerSignal(empty=True), "empty"),
        (AnswerSignal(truncated=True), "truncated"),
        (AnswerSignal(schema_failed=True), "schema"),
        (AnswerSignal(mean_logprob=-0.7), "confidence 0.50 below 0.60"),
        (AnswerSignal(stated_confidence=0.3), "confidence 0.30 below 0.60"),
        (AnswerSignal(), "confidence unknown"),
        (AnswerSignal(stated_confidence=0.9, mean_logprob=-0.7), "confidence 0.50 below 0.60"),
    ],
)
def test_each_weak_answer_goes_one_rung_up_and_says_why(signal: AnswerSignal, said: str) -> None:
    decision = replace(decide(RULES, FACTS, canary_share=0.0), threshold=0.6)
    step = escalate(RULES, decision, signal)

    assert step is not None
    assert (step.model, step.tier, step.escalated_from, step.signal) == (
        SONNET.ref,
        "standard",
        HAIKU.ref,
        said,
    )


def test_a_sound_answer_stays_and_a_provider_error_goes_sideways_not_up() -> None:
    rules = rules_of(sealed(content("none", ladder=TWO_ON_A_TIER), version="v0001", parent=None))
    decision = decide(rules, FACTS, canary_share=0.0)

    assert decision.model == FLASH.ref
    assert escalate(rules, decision, AnswerSignal(stated_confidence=0.1)) is None
    assert escalate(rules, decision, AnswerSignal(provider_error="529")) is None
    other = fall_back(decision)
    assert other is not None
    assert (other.model, other.tier, other.fallen_from) == (HAIKU.ref, "economy", (FLASH.ref,))
    assert other.escalate_to == decision.escalate_to
    assert fall_back(other) is None
    last = escalate(rules, other, AnswerSignal(provider_error="529"))
    assert last is not None
    assert (last.model, last.signal) == (SONNET.ref, "provider error: 529")


def test_a_table_that_escalates_two_tiers_is_refused() -> None:
    document = content("none")
    document["routes"][0]["escalate_to"] = OPUS.ref

    with pytest.raises(InputError, match="not one tier up"):
        rules_of(sealed(document, version="v0001", parent=None))


def test_the_canary_is_a_keyed_hash_near_its_share() -> None:
    names = [f"request-{number}" for number in range(20_000)]
    chosen = [name for name in names if in_canary(name, b"key", 0.01)]

    assert abs(len(chosen) - 200) < 3.3 * sqrt(200 * 0.99)
    assert chosen == [name for name in names if canary_draw(name, b"key") < 0.01]
    assert chosen != [name for name in names if in_canary(name, b"another", 0.01)]
    # Frozen: past assignments must stay auditable.
    assert canary_draw("request-0", b"key") == pytest.approx(0.8050285870067083)


def test_a_canary_is_served_by_the_top_and_keeps_its_routed_model() -> None:
    decision = decide(RULES, FACTS, canary_share=1.0)

    assert (decision.canary, decision.propensity) == (True, 1.0)
    assert (decision.model, decision.served_by) == (HAIKU.ref, OPUS.ref)
