"""Graders: what each decides, when it abstains, and that abstaining never depends on the candidate."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router_audit.graders import Undecided, by_rule, grade
from router_audit.graders.label import closed_set
from router_audit.graders.normal import normal, quantity, same_value
from router_audit.types.grading import EVIDENCE_LADDER, Grade, Reply, Task, rung_of

SCHEMA = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "total": {"type": "number"}},
    "required": ["name", "total"],
    "additionalProperties": False,
}
TASK = Task("r", "classification")
EXTRACTION = Task("r", "extraction", schema=SCHEMA)
REASONING = Task("r", "reasoning")
LABELS = Task("r", "classification", labels=frozenset({"spam", "not spam"}))


def said(text: str = "", **more: object) -> Reply:
    return Reply(text, **more)  # type: ignore[arg-type]


def calls(*named: tuple[str, object]) -> Reply:
    return Reply(tool_calls=tuple({"name": name, "arguments": arguments} for name, arguments in named))


def verdict(task: Task, incumbent: Reply, candidate: Reply) -> tuple[str, bool, bool]:
    found = grade(task, incumbent, candidate)
    assert isinstance(found, Grade), found
    return found.grader, found.candidate_ok, found.incumbent_ok


@pytest.mark.parametrize(
    ("task", "incumbent", "candidate", "expected"),
    [
        (TASK, said("Positive"), said(' "positive". '), ("exact", True, True)),
        (TASK, said("Positive"), said("Negative"), ("exact", False, True)),
        (TASK, said("Positive"), said("I would say positive"), ("exact", False, True)),
        (LABELS, said("spam"), said("Spam."), ("label", True, True)),
        (LABELS, said("spam"), said("not spam"), ("label", False, True)),
        (LABELS, said("spam"), said("It is spam, clearly"), ("label", False, True)),
        (REASONING, said("1,250.00 EUR"), said("€1250"), ("numeric", True, True)),
        (REASONING, said("1,250.00 EUR"), said("€1205"), ("numeric", False, True)),
        (REASONING, said("5 kg"), said("5 g"), ("numeric", False, True)),
        (REASONING, said("5 kg"), said("5"), ("numeric", True, True)),
        (REASONING, said("So we add.\n\nAnswer: 42"), said("Because…\n**Answer: 42.0**"), ("numeric", True, True)),
        (REASONING, said("so \\boxed{7}"), said("about seven"), ("numeric", False, True)),
        (EXTRACTION, said('{"name": "Ada", "total": 3}'), said('```json\n{"total": 3.0, "name": "ada"}\n```'), ("json", True, True)),
        (EXTRACTION, said('{"name": "Ada", "total": 3}'), said('{"name": "Ada", "total": 4}'), ("json", False, True)),
        (EXTRACTION, said('{"name": "Ada", "total": 3}'), said('{"name": "Ada"}'), ("json", False, True)),
        (EXTRACTION, said('{"name": "Ada", "total": 3}'), said("Ada, 3"), ("json", False, True)),
        (EXTRACTION, said('{"name": "Ada"}'), said('{"name": "Ada", "total": 3}'), ("json", False, False)),
        (TASK, calls(("f", {"a": 1, "b": "X"})), calls(("f", {"b": "x ", "a": 1.0})), ("tool-calls", True, True)),
        (TASK, calls(("f", {}), ("g", {})), calls(("g", {}), ("f", {})), ("tool-calls", True, True)),
        (TASK, calls(("f", {})), calls(("f", {}), ("f", {})), ("tool-calls", False, True)),
        (TASK, calls(("f", {"a": 1})), calls(("f", {"a": 2})), ("tool-calls", False, True)),
        (TASK, calls(("f", {"a": True})), calls(("f", {"a": 1})), ("tool-calls", False, True)),
        (TASK, calls(("f", {})), said("I would call f"), ("tool-calls", False, True)),
        (TASK, said("Positive"), said("", status="refused"), ("form", False, True)),
        (TASK, said("Positive"), said("Positive", status="truncated"), ("form", False, True)),
        (TASK, said("Positive"), said(" "), ("form", False, True)),
        (Task("r", "classification", resolved=False), said("Positive"), said("Negative"), ("outcome", False, False)),
    ],
)  # fmt: skip
def test_a_rule_decides(
    task: Task, incumbent: Reply, candidate: Reply, expected: tuple[str, bool, bool]
) -> None:
    assert verdict(task, incumbent, candidate) == expected


LONG = "The customer asks for a refund because the parcel came late and the box was open."


@pytest.mark.parametrize(
    ("task", "incumbent"),
    [
        (REASONING, said("Yes")),
        (TASK, said(LONG)),
        (REASONING, said(LONG)),
        (Task("r", "extraction", schema={}), said(json.dumps({"summary": LONG}))),
        (Task("r", "reasoning", resolved=False), said(LONG)),
        (REASONING, said("", status="refused")),
    ],
)
def test_prose_is_left_to_those_who_read(task: Task, incumbent: Reply) -> None:
    assert isinstance(grade(task, incumbent, said(LONG + " Really.")), Undecided)
    assert not by_rule(task, incumbent)


def test_what_settles_a_pair_counts_only_beside_a_judge() -> None:
    broken = grade(REASONING, said(LONG), said("", status="refused"))
    failed = grade(Task("r", "reasoning", resolved=False), said(LONG), said(LONG))

    assert isinstance(broken, Undecided)
    assert isinstance(failed, Undecided)
    assert broken.settled == Grade(candidate_ok=False, incumbent_ok=True, grader="form")
    assert failed.settled == Grade(candidate_ok=False, incumbent_ok=False, grader="outcome")
    assert [name for name, _ in broken.reasons] == ["tool-calls", "json", "label", "numeric", "exact"]


replies = st.builds(
    Reply,
    text=st.one_of(st.text(max_size=40), st.sampled_from(["spam", "not spam", "42", '{"name": "a", "total": 1}', LONG, "Answer: 3"])),
    tool_calls=st.sampled_from([(), ({"name": "f", "arguments": {"a": 1}},), ({"name": None, "arguments": None},)]),
    status=st.sampled_from(["ok", "refused", "truncated", "malformed", "error"]),
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    incumbent=replies,
    candidates=st.lists(replies, min_size=2, max_size=4),
    task=st.sampled_from([TASK, EXTRACTION, REASONING, LABELS, Task("r", "coordination", resolved=True)]),
)
def test_whether_a_pair_is_graded_never_depends_on_the_candidate(
    incumbent: Reply, candidates: list[Reply], task: Task
) -> None:
    kinds = {type(grade(task, incumbent, candidate)) for candidate in candidates}

    assert len(kinds) == 1
    assert (kinds == {Grade}) == by_rule(task, incumbent)


@settings(max_examples=200, deadline=None)
@given(incumbent=replies, task=st.sampled_from([TASK, EXTRACTION, REASONING, LABELS]))
def test_the_same_answer_is_never_a_regret(incumbent: Reply, task: Task) -> None:
    found = grade(task, incumbent, incumbent)
    if isinstance(found, Grade):
        assert found.candidate_ok == found.incumbent_ok


def test_a_schema_from_a_log_fetches_nothing_and_breaks_nothing() -> None:
    for schema in (
        {"$ref": "http://127.0.0.1:9/x.json"},
        {"type": "nonsense"},
        {"pattern": "("},
        {"$ref": "#/nowhere"},
    ):
        task = Task("r", "extraction", schema=schema)

        assert verdict(task, said('{"a": 1}'), said('{"a": 1}')) == ("json", True, True)


def test_a_closed_set_is_few_labels_said_often() -> None:
    assert closed_set(["Spam", "not spam", "spam "] * 10) == {"spam", "not spam"}
    assert closed_set(["spam"] * 19) == frozenset()
    assert closed_set([f"label {n}" for n in range(40)]) == frozenset()
    assert closed_set(["spam"] * 20 + [LONG] * 5) == frozenset()


@pytest.mark.parametrize(
    ("text", "value"),
    [("42", "42"), ("-3.5 %", "-3.5"), ("$1,234.50", "1234.50"), ("1 200 kg", "1200"), ("−7", "-7"), ("1e3", "1000"), ("4 apples and 2 pears", None), ("v1.2.3", None), ("", None), ("12 May 2026", None)],
)  # fmt: skip
def test_a_number_is_read_as_a_person_would(text: str, value: str | None) -> None:
    found = quantity(text)

    assert (None if found is None else float(found[0])) == (None if value is None else float(value))


def test_values_are_the_same_whatever_their_spelling() -> None:
    assert same_value({"a": [1, "B "], "c": None}, {"a": [1.0, "b"]})
    assert not same_value([1, 2], [2, 1])
    assert not same_value({"a": "1"}, {"a": 1})
    assert normal(" “Yes”. ") == "yes"


def test_the_ladder_knows_every_grader_and_takes_a_stranger_for_a_judge() -> None:
    assert rung_of("human") == "human"
    assert rung_of("judge:openai/gpt-5.1") == "judge"
    assert rung_of("my own grader") == "judge"
    assert EVIDENCE_LADDER.index(rung_of("exact")) < EVIDENCE_LADDER.index(rung_of("human"))
