"""Braintrust log and experiment rows."""

from __future__ import annotations

from collections import Counter

import pytest

pytestmark = pytest.mark.shared


def test_gemini_rows_of_type_llm(calls):
    found = calls("braintrust/google-genai.log-payloads.json")

    tokens = [(call.input_tokens, call.output_tokens) for call in found]
    assert tokens == [(6, 2), (268, 14), (16, 28), (7, 2), (65, 17)]
    assert {call.request_model for call in found} == {"gemini-2.5-flash-lite"}
    assert found[0].params == {"max_tokens": 16, "temperature": 0}
    assert found[0].finish_reason == "STOP"


def test_an_attachment_is_a_blob_and_a_function_call_a_tool_call(calls):
    found = calls("braintrust/google-genai.log-payloads.json")

    image = found[1].messages[0].parts[0]
    assert (image.type, image.modality, image.mime_type) == ("blob", "image", "image/png")
    call = found[4].output[0].parts[0]
    assert (call.type, call.name, call.arguments) == (
        "tool_call",
        "get_weather",
        {"location": "Paris, France"},
    )


def test_patches_complete_rows_and_placeholders_are_no_numbers(sample):
    found = sample("braintrust/langchain-js.log-payloads.json")

    kinds = Counter(type(one).__name__ for one in found)
    assert kinds == {"Merged": 26, "Filtered": 8, "LoggedRequest": 6}
    calls = [one for one in found if type(one).__name__ == "LoggedRequest"]
    assert {call.response_model for call in calls} == {"gpt-4o-mini-2024-07-18"}
    assert {call.input_tokens for call in calls} == {None}
    assert calls[3].finish_reason == "tool_calls"
    assert calls[3].output[0].parts[0].name == "get_weather"


def test_an_experiment_without_model_spans_gives_its_outcomes(calls):
    found = calls("braintrust/evals-vitest.log-payloads.json")

    assert [call.resolved for call in found] == [True, True, True, True, False]
    assert found[1].outcome_origin == "score:correctness"
    assert all("no_llm_span" in call.flags for call in found)
