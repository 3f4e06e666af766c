"""OpenAI pairs, bare responses and streams."""

from __future__ import annotations

import json

import pytest

from router_audit.types import Filtered, LoggedRequest, Merged

pytestmark = pytest.mark.shared


def test_a_pair_with_tools_keeps_calls_and_answers_linked(calls):
    first, second = (
        call for call in calls("openai_pairs/chat_multi_turn_tools.jsonl") if call.source == "openai"
    )

    assert (first.provider, first.request_model, first.response_model) == (
        "openai",
        "gpt-4o-mini",
        "gpt-4o-mini-2024-07-18",
    )
    assert (first.input_tokens, first.output_tokens, first.finish_reason) == (104, 16, "tool_calls")
    assert [tool["name"] for tool in first.tools] == ["get_capital"]
    asked = first.output[0].parts[0]
    assert (asked.type, asked.name, asked.arguments) == ("tool_call", "get_capital", {"country": "England"})
    heard = second.messages[-1]
    assert (heard.role, heard.parts[0].id, heard.parts[0].response) == ("tool", asked.id, "London")


def test_cached_and_written_tokens_are_inside_the_input(calls):
    written, read = calls("openai_pairs/chat_prompt_cache.jsonl")

    assert (written.input_tokens, written.cache_write_tokens) == (4020, 4012)
    assert (read.input_tokens, read.cache_read_tokens) == (4020, 4012)


def test_a_stream_gives_what_its_last_chunk_counts(calls):
    (call,) = calls("openai_pairs/chat_stream_sse.jsonl")

    assert (call.input_tokens, call.output_tokens, call.params["stream"]) == (12, 5, True)
    assert call.output[0].parts[0].content == '"This is a test."'
    assert call.response_id == "chatcmpl-ASYMZ4oSykiIFK4lXLReDiKyAjsQl"
    assert call.latency_ms == 207


def test_azure_names_the_deployment_and_the_served_model(calls):
    first = calls("openai_pairs/chat_azure.jsonl")[0]

    assert first.provider == "azure"
    assert first.request_model == "openllmetry-testing"


def test_a_responses_pair_has_its_instructions_and_reasoning(calls):
    first = calls("openai_pairs/responses_thinking.jsonl")[0]

    assert first.params["effort"] == "high"
    assert [part.type for message in first.output for part in message.parts] == ["reasoning", "text"]
    assert first.reasoning_tokens is not None
    assert first.reasoning_tokens <= (first.output_tokens or 0)


def test_a_json_schema_is_kept(calls):
    first = calls("openai_pairs/chat_native_json_schema.jsonl")[0]

    assert first.response_format is not None
    assert first.response_format["schema"]["required"] == ["city", "country"]


def test_chunks_on_lines_are_one_call(sample):
    found = sample("responses_only/openai-chat-azure-model-router.chunks.txt")

    (call,) = (one for one in found if isinstance(one, LoggedRequest))
    assert sum(isinstance(one, Merged) for one in found) == len(found) - 1
    assert (call.input_tokens, call.output_tokens, call.response_model) == (15, 78, "gpt-5-nano-2025-08-07")


def test_a_response_alone_says_so(calls):
    (call,) = calls("responses_only/openai-chat-text.json")

    assert call.flags == ["response_only"]
    assert (call.input_tokens, call.output_tokens) == (16, 363)


def test_xai_counts_reasoning_beside_the_output(logged):
    usage = {
        "prompt_tokens": 12,
        "completion_tokens": 2,
        "total_tokens": 334,
        "completion_tokens_details": {"reasoning_tokens": 320},
    }
    (call,) = logged(json.dumps(_pair(usage, url="https://api.x.ai/v1/chat/completions")))

    assert (call.input_tokens, call.output_tokens, call.reasoning_tokens, call.provider) == (
        12,
        322,
        320,
        "x-ai",
    )


def test_a_total_that_fits_no_reading_is_flagged(logged):
    (call,) = logged(json.dumps(_pair({"prompt_tokens": 10, "completion_tokens": 5, "total_tokens": 99})))

    assert (call.input_tokens, call.output_tokens) == (10, 5)
    assert call.flags == ["total_mismatch"]


@pytest.mark.parametrize("count", [-1, 2_000_000_000, 1.5, "many", True])
def test_an_impossible_count_is_a_reject_with_its_reason(logged, count):
    (rejected,) = logged(json.dumps(_pair({"prompt_tokens": count, "completion_tokens": 5})))

    assert rejected.reason.startswith("prompt_tokens is ")


def test_an_image_is_kept_as_kind_size_and_hash(logged):
    content = [
        {"type": "text", "text": "what is it"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}},
    ]
    (call,) = logged(json.dumps(_pair({}, content=content)))

    image = call.messages[0].parts[1]
    assert (image.type, image.modality, image.mime_type, image.bytes) == ("blob", "image", "image/png", 3)
    assert "AAAA" not in repr(call)


def test_an_error_keeps_its_type(calls):
    failed = [call for call in calls("other_providers/groq_tool_use_failed.jsonl") if call.status == "error"]

    assert [call.error_type for call in failed] == ["tool_use_failed"]
    assert failed[0].provider == "groq"


def test_embeddings_are_filtered(logged):
    record = {
        "request": {"url": "https://api.openai.com/v1/embeddings", "body": {"model": "m", "input": "x"}},
        "response": {"status": 200, "body": {"object": "list", "data": []}},
    }
    (found,) = logged(json.dumps(record))

    assert isinstance(found, Filtered)


def _pair(
    usage: dict, *, url: str = "https://api.openai.com/v1/chat/completions", content: object = "hi"
) -> dict:
    return {
        "request": {"url": url, "body": {"model": "m-1", "messages": [{"role": "user", "content": content}]}},
        "response": {
            "status": 200,
            "body": {
                "id": "chatcmpl-0123456789abcdef",
                "object": "chat.completion",
                "created": 1_760_000_000,
                "model": "m-1",
                "choices": [{"finish_reason": "stop", "message": {"role": "assistant", "content": "ok"}}],
                "usage": usage,
            },
        },
    }
