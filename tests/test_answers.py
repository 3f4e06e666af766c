"""Signals read from answers in the wire formats of the providers."""

from __future__ import annotations

import pytest

from router_audit.answers import read_answer
from router_audit.types import AnswerSignal

SCHEMA = {"type": "object", "required": ["total"], "properties": {"total": {"type": "number"}}}
JSON = {"response_format": {"type": "json_schema", "json_schema": {"name": "x", "schema": SCHEMA}}}
TOOLS = {"tools": [{"type": "function", "function": {"name": "pay", "parameters": SCHEMA}}]}


def chat(content: object, finish: str = "stop", **message: object) -> dict[str, object]:
    return {"choices": [{"finish_reason": finish, "message": {"content": content, **message}}]}


def claude(*blocks: dict[str, object], stop: str = "end_turn") -> dict[str, object]:
    return {"type": "message", "content": list(blocks), "stop_reason": stop}


def responses(*parts: dict[str, object], **more: object) -> dict[str, object]:
    return {"object": "response", "output": [{"type": "message", "content": list(parts)}], **more}


def call(arguments: str, name: str = "pay") -> dict[str, object]:
    return {"tool_calls": [{"type": "function", "function": {"name": name, "arguments": arguments}}]}


SOUND = [
    ({}, chat("Blue.")),
    (JSON, chat('{"total": 3}')),
    (JSON, chat('```json\n{"total": 3}\n```')),
    (TOOLS, chat(None, "tool_calls", **call('{"total": 3}'))),
    ({"tools": [{"name": "pay", "input_schema": SCHEMA}]}, claude({"type": "tool_use", "name": "pay", "input": {"total": 1}}, stop="tool_use")),
    ({"text": {"format": {"type": "json_schema", "schema": SCHEMA}}}, responses({"type": "output_text", "text": '{"total": 1}'}, status="completed")),
    ({}, chat("I'm sorry, but I can't see the file in the list above, so here is what the other nineteen contain: " + "x" * 400)),
    ({"response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "nonsense"}}}}, chat('{"a": 1}')),
    ({"response_format": {"type": "json_schema", "json_schema": {"schema": {"$ref": "#/nowhere"}}}}, chat('{"a": 1}')),
]  # fmt: skip
WEAK = [
    ({}, chat(""), {"empty": True}),
    ({}, chat(None), {"empty": True}),
    ({}, {"choices": []}, {"empty": True}),
    ({}, claude(), {"empty": True}),
    ({}, chat("Bl", "length"), {"truncated": True}),
    ({}, claude({"type": "text", "text": "Bl"}, stop="max_tokens"), {"truncated": True}),
    ({}, responses({"type": "output_text", "text": "B"}, incomplete_details={"reason": "max_output_tokens"}), {"truncated": True}),
    ({}, chat(None, "content_filter"), {"refused": True}),
    ({}, chat(None, refusal="No."), {"refused": True}),
    ({}, chat("I'm sorry, but I can't help with that."), {"refused": True}),
    ({}, claude({"type": "text", "text": ""}, stop="refusal"), {"refused": True}),
    ({}, responses({"type": "refusal", "refusal": "No."}), {"refused": True}),
    (JSON, chat("The total is 3."), {"schema_failed": True}),
    (JSON, chat('{"total": "three"}'), {"schema_failed": True}),
    (JSON, chat('{"total": 3'), {"schema_failed": True}),
    ({"response_format": {"type": "json_object"}}, chat("total: 3"), {"schema_failed": True}),
    (TOOLS, chat(None, **call('{"total": ')), {"schema_failed": True}),
    (TOOLS, chat(None, **call('{"sum": 3}')), {"schema_failed": True}),
]  # fmt: skip


@pytest.mark.parametrize(("request_", "answer"), SOUND)
def test_a_sound_answer_signals_nothing(request_: dict[str, object], answer: dict[str, object]) -> None:
    assert read_answer(request_, answer) == AnswerSignal()


@pytest.mark.parametrize(("request_", "answer", "signal"), WEAK)
def test_a_weak_answer_signals_its_weakness(
    request_: dict[str, object], answer: dict[str, object], signal: dict[str, bool]
) -> None:
    assert read_answer(request_, answer) == AnswerSignal(**signal)  # type: ignore[arg-type]


def test_confidence_is_the_lower_of_what_is_stated_and_what_the_tokens_say() -> None:
    answer = chat('{"label": "spam", "confidence": 0.9}')
    tokens = [{"token": "a", "logprob": -0.1}, {"token": "b", "logprob": -0.3}]
    answer["choices"][0]["logprobs"] = {"content": tokens}  # type: ignore[index]
    signal = read_answer({}, answer)

    assert (signal.stated_confidence, signal.mean_logprob) == (0.9, pytest.approx(-0.2))
    assert signal.confidence == pytest.approx(0.8187, abs=1e-4)


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {"choices": None},
        {"choices": ["x"]},
        {"content": "x"},
        {"output": 3},
        {"choices": [{"message": "x"}]},
    ],
)
def test_a_shape_nobody_writes_is_an_empty_answer_not_a_crash(answer: dict[str, object]) -> None:
    assert read_answer({}, answer).empty
