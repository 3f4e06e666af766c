"""Routes follow the evidence: never a dearer guess, never a second escalation, never a silent middle."""

from __future__ import annotations

from router_audit.policy import CELLS, Traffic, Verdict, cell_of, next_rung, routes, tier_of
from router_audit.types import Ladder, LadderModel

HAIKU = LadderModel("anthropic", "claude-haiku-4-5", "economy")
SONNET = LadderModel("anthropic", "claude-sonnet-4-6", "standard")
OPUS = LadderModel("anthropic", "claude-opus-4-7", "premium")
FLASH = LadderModel("google", "gemini-2.5-flash", "economy")
LADDER = Ladder(
    name="anthropic",
    tiers=("economy", "standard", "premium"),
    models=(HAIKU, SONNET, OPUS),
    long_context=FLASH,
    assumed={
        "classification": "economy",
        "extraction": "economy",
        "reasoning": "standard",
        "coordination": "premium",
    },
)
BUSY = {cell: Traffic(10, {OPUS.ref: 7, SONNET.ref: 3}) for cell in CELLS}


def test_without_evidence_every_route_keeps_its_incumbent() -> None:
    table = routes(LADDER, BUSY, {})

    assert [route.status for route in table] == ["keep-incumbent"] * len(CELLS)
    assert not any(route.applied or route.assumed or route.escalate_to for route in table)
    assert {route.model for route in table} == {OPUS.ref}


def test_the_assumed_ladder_is_the_documented_one_and_says_so() -> None:
    table = {(route.profile, route.context): route for route in routes(LADDER, BUSY, {}, assume_capable=True)}

    assert all(route.assumed and route.applied for route in table.values())
    assert "certified" not in {route.status for route in table.values()}
    assert table["classification", "standard"].model == HAIKU.ref
    assert table["extraction", "huge"].model == FLASH.ref
    assert table["reasoning", "standard"].model == SONNET.ref
    assert table["coordination", "standard"].model == OPUS.ref
    assert table["classification", "standard"].escalate_to == SONNET.ref
    assert table["coordination", "standard"].escalate_to is None


def test_a_provisional_candidate_is_used_only_where_allowed() -> None:
    verdicts = {("extraction", "standard"): Verdict("provisional", HAIKU.ref, "looks right, 40 trials to go")}
    kept = routes(LADDER, BUSY, verdicts)[1]
    allowed = routes(LADDER, BUSY, verdicts, allow_provisional=True)[1]

    assert (kept.status, kept.applied, kept.model, kept.candidate) == (
        "provisional",
        False,
        OPUS.ref,
        HAIKU.ref,
    )
    assert (allowed.status, allowed.applied, allowed.model) == ("provisional", True, HAIKU.ref)


def test_a_certificate_beats_the_assumption() -> None:
    verdicts = {("classification", "standard"): Verdict("certified", SONNET.ref, "proven", threshold=0.7)}
    route = routes(LADDER, BUSY, verdicts, assume_capable=True)[0]

    assert (route.status, route.model, route.assumed) == ("certified", SONNET.ref, False)
    assert (route.escalate_to, route.threshold) == (OPUS.ref, 0.7)


def test_no_assumption_goes_against_the_evidence() -> None:
    said = Verdict("keep-incumbent", None, f"refuted: {HAIKU.ref}", against=(HAIKU.ref,))
    table = routes(LADDER, BUSY, {("extraction", "standard"): said}, assume_capable=True)

    assert (table[1].assumed, table[1].applied, table[1].model) == (False, False, OPUS.ref)
    assert table[0].assumed


def test_escalation_is_one_rung_up_and_no_further() -> None:
    assert next_rung(LADDER, HAIKU.ref) == SONNET.ref
    assert next_rung(LADDER, FLASH.ref) == SONNET.ref
    assert next_rung(LADDER, OPUS.ref) is None
    assert next_rung(LADDER, "openai/gpt-5") is None
    assert tier_of(LADDER, "openai/gpt-5") is None


def test_huge_reasoning_stays_with_its_standard_row() -> None:
    assert cell_of("extraction", huge=True) == ("extraction", "huge")
    assert cell_of("reasoning", huge=True) == ("reasoning", "standard")
    assert cell_of("classification", huge=False) == ("classification", "standard")


def test_the_incumbent_is_the_most_used_with_ties_by_name() -> None:
    assert Traffic(4, {"b/x": 2, "a/y": 2}).incumbent == "a/y"
    assert Traffic(0, {}).incumbent is None
