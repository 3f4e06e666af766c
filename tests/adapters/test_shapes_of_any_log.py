"""What every adapter promises, and the shared pieces that tell shapes apart."""

from __future__ import annotations

import base64
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router_audit.adapters import ADAPTERS
from router_audit.adapters.blocks import decoded
from router_audit.adapters.conversation import messages_in, split_system
from router_audit.adapters.dialects import tools_in
from router_audit.adapters.leaves import Leaves
from router_audit.adapters.reading import FileReader
from router_audit.adapters.scores import from_scores
from router_audit.types import LoggedRequest, Merged, Rejected
from tests.adapters.conftest import outcomes_of


@pytest.mark.shared
def test_every_sample_yields_a_call_and_rejects_nothing(shared):
    files = sorted(path for path in (shared / "log_samples").glob("*/*") if path.is_file())
    assert len(files) >= 97 - 4
    for path in files:
        kinds = {type(one).__name__ for one in outcomes_of(path)}
        assert "LoggedRequest" in kinds, path.name
        assert "Rejected" not in kinds, path.name


def test_every_adapter_says_what_it_reads_in_one_line():
    for adapter in ADAPTERS:
        assert 10 < len(adapter.reads) < 120
        assert "\n" not in adapter.reads


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 10**18) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)
MARKS = [
    {"observations": [], "trace": {}}, {"batch": [{"type": "generation-create"}]}, {"run_type": "llm", "trace_id": "t"},
    {"root_span_id": "r", "span_attributes": {"type": "llm"}}, {"request_id": "r", "request_created_at": "x"},
    {"ai_model": "m", "req_units": "1"}, {"generation_id": "g"}, {"inference_id": "i", "model_provider_name": "p"},
    {"tokens_in": 1, "tokens_out": 1, "cached": False}, {"schemaType": "ModelInvocationLog"}, {"candidates": []},
    {"category": "RequestResponse", "properties": {}, "operationName": "ChatCompletions_Create"},
    {"timestamp": "x", "type": "event_msg", "payload": {"type": "token_count"}}, {"type": "turn.completed"},
    {"type": "gemini", "id": "i", "timestamp": "x"}, {"type": "message", "message": {"role": "assistant", "timestamp": 1}},
    {"sessionID": "s", "role": "assistant"}, {"model": "m", "created_at": "x", "done": True, "message": {}},
    {"attributes": {"ai.operationId": "ai.generateText.doGenerate"}}, {"openinference.span.kind": "LLM"},
    {"info": {}, "data": {"spans": []}}, {"results": {"results": []}}, {"log": {"entries": []}},
    {"request": {"url": "https://openrouter.ai/api/v1/chat/completions"}, "response": {}}, {"request_model": "m"},
    {"question": "q", "answer": "a"}, {"usage": {}}, {"text": "TO LLM 2025-01-31T11:21:36\nUSER hi"},
]  # fmt: skip
FIELDS = [
    "usage", "usage_details", "output", "input", "messages", "metadata", "metrics", "tags", "scores", "prompt_tokens",
    "observations", "batch", "payload", "message", "tokens", "response", "request", "choices", "candidates", "properties",
    "usageMetadata", "entries", "spans", "attributes", "content", "type", "results", "id", "events", "start_time",
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(MARKS), st.dictionaries(st.sampled_from(FIELDS), json_values, max_size=5))
def test_no_record_raises_vanishes_or_counts_below_zero(mark, noise):
    reader = FileReader("f")
    found = [*reader.feed(1, {**mark, **noise}), *reader.close()]

    assert found
    for one in found:
        if isinstance(one, LoggedRequest):
            counts = (one.input_tokens, one.output_tokens, one.cache_read_tokens, one.reasoning_tokens)
            assert all(count is None or count >= 0 for count in counts)


def test_an_image_becomes_kind_size_and_hash():
    raw = b"not really a picture"
    url = "data:image/png;base64," + base64.b64encode(raw).decode()
    shapes = [
        {"type": "image_url", "image_url": {"url": url}},
        {
            "type": "image",
            "source": {"type": "base64", "media_type": "image/png", "data": url.partition(",")[2]},
        },
        {"inlineData": {"mimeType": "image/png", "data": url.partition(",")[2]}},
        {"image": {"format": "png", "source": {"bytes": url.partition(",")[2]}}},
    ]
    for shape in shapes:
        (message,) = messages_in([{"role": "user", "content": [shape]}])
        (part,) = message.parts
        assert (part.type, part.modality, part.bytes) == ("blob", "image", len(raw))
        assert part.sha256 == sha256(raw).hexdigest()
        assert url.partition(",")[2] not in repr(part)


@pytest.mark.parametrize(
    "call",
    [
        {
            "role": "assistant",
            "tool_calls": [{"id": "1", "function": {"name": "f", "arguments": '{"a": 1}'}}],
        },
        {"role": "assistant", "content": [{"type": "tool_use", "id": "1", "name": "f", "input": {"a": 1}}]},
        {"role": "assistant", "content": [{"toolUse": {"toolUseId": "1", "name": "f", "input": {"a": 1}}}]},
        {"role": "model", "parts": [{"functionCall": {"id": "1", "name": "f", "args": {"a": 1}}}]},
        {
            "role": "assistant",
            "content": [{"type": "tool-call", "toolCallId": "1", "toolName": "f", "input": '{"a": 1}'}],
        },
        {
            "role": "assistant",
            "parts": [{"type": "tool_call", "id": "1", "name": "f", "arguments": {"a": 1}}],
        },
        {
            "lc": 1,
            "id": ["x", "AIMessage"],
            "kwargs": {"content": "", "tool_calls": [{"id": "1", "name": "f", "args": {"a": 1}}]},
        },
    ],
)
def test_tool_calls_of_every_shape_are_one(call):
    (message,) = messages_in([call])

    assert message.role == "assistant"
    assert [(part.type, part.id, part.name, part.arguments) for part in message.parts] == [
        ("tool_call", "1", "f", {"a": 1})
    ]


def test_system_text_leaves_the_conversation():
    system, rest = split_system(
        messages_in({"systemInstruction": {"parts": [{"text": "Be kind."}]}, "contents": "hi"})
    )

    assert (system, [message.role for message in rest]) == ("Be kind.", ["user"])


def test_an_answer_that_is_json_keeps_its_own_words():
    text = '{"city":  "Paris"}'

    assert messages_in(text, "assistant")[0].parts[0].content == text
    assert decoded('"quoted"') == '"quoted"'
    assert decoded('"{\\"a\\": 1}"') == {"a": 1}


def test_tools_of_every_provider():
    parameters = {"type": "object"}
    shapes = [
        [{"type": "function", "function": {"name": "f", "parameters": parameters}}],
        [{"name": "f", "input_schema": parameters}],
        [
            {"toolSpec": {"name": "f", "inputSchema": {"json": parameters}}},
            {"cachePoint": {"type": "default"}},
        ],
        [{"functionDeclarations": [{"name": "f", "parameters": parameters}]}],
    ]

    assert [tools_in(shape) for shape in shapes] == [[{"name": "f", "parameters": parameters}]] * 4


def test_only_names_that_mean_success_are_judged():
    assert from_scores([("toxicity", 1), ("correctness", 0)]) == {
        "resolved": False,
        "outcome_origin": "score:correctness",
        "outcome_score": 0.0,
    }
    assert from_scores([("toxicity", 0.8)]) == {"outcome_origin": "score:toxicity", "outcome_score": 0.8}
    assert from_scores([("thumbs", True)])["resolved"] is True
    assert from_scores([]) == {}


def call(name):
    return LoggedRequest(request_id=name, source="s")


def test_calls_above_others_are_merged_across_other_spans_and_circles():
    leaves = Leaves()
    list(leaves.hold("t", "a", None, call("a")))
    leaves.link("t", "between", "a")
    list(leaves.hold("t", "b", "between", call("b")))
    list(leaves.hold("u", "c", "d", call("c")))
    leaves.link("u", "d", "c")

    assert list(leaves.close()) == [Merged(), call("b"), Merged()]


def span(name, tokens):
    return {
        "span_id": name,
        "attributes": {"mlflow.spanType": '"LLM"', "mlflow.chat.tokenUsage": {"input_tokens": tokens}},
    }


def braintrust(name, tokens):
    return {"id": name, "root_span_id": "r", "span_id": name, "span_attributes": {"type": "llm"},
            "metrics": {"prompt_tokens": tokens}}  # fmt: skip


@pytest.mark.parametrize(
    "records",
    [
        [{"info": {"trace_id": "t"}, "data": {"spans": [span("a", 1), span("b", -1), span("c", 3)]}}],
        [braintrust("a", 1), braintrust("b", -1), braintrust("c", 3)],
        [{"trace": {"id": "t"}, "observations": [
            {"id": str(n), "traceId": "t", "type": "GENERATION", "usageDetails": {"input": n}} for n in (1, -1, 3)]}],
        [{"data": [{"request_id": str(n), "request_created_at": "", "prompt_tokens": n} for n in (1, -1, 3)]}],
        [{"results": {"results": [{"response": {"tokenUsage": {"prompt": n}}} for n in (1, -1, 3)]}}],
    ],
)  # fmt: skip
def test_one_bad_unit_leaves_the_others(records):
    reader = FileReader("f")
    found = [one for line, record in enumerate(records, 1) for one in reader.feed(line, record)]
    found += reader.close()

    assert [one.input_tokens for one in found if isinstance(one, LoggedRequest)] == [1, 3]
    (bad,) = [one for one in found if isinstance(one, Rejected)]
    assert bad.reason.endswith("is negative: -1")
    assert "-1" in bad.excerpt


def test_open_traces_are_bounded():
    leaves = Leaves(open_traces=2)
    let_go = [one for n in range(5) for one in leaves.hold(f"t{n}", "a", None, call(str(n)))]

    assert let_go == [call("0"), call("1"), call("2")]
    assert list(leaves.close()) == [call("3"), call("4")]
