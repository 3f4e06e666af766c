"""Local servers and other providers: Ollama, LM Studio, DeepSeek, Groq, Mistral."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest


@pytest.mark.shared
def test_ollama_writes_nanoseconds(calls):
    (call,) = calls("ollama/chat_native.jsonl")

    assert (call.input_tokens, call.output_tokens, call.finish_reason) == (17, 66, "stop")
    assert call.latency_ms == pytest.approx(10386.172208)
    assert call.time_to_first_token_ms == pytest.approx(8078.85075 + 175.861)
    assert call.started_at == datetime(2024, 5, 24, 20, 1, 31, 15580, UTC)


@pytest.mark.shared
def test_ollama_cloud_speaks_openai(calls):
    (call,) = calls("ollama/cloud_openai_compat.jsonl")

    assert (call.input_tokens, call.output_tokens, call.provider) == (172, 88, "ollama")
    assert call.response_format == {"type": "json_object"}


def test_ollama_streams_are_one_call(logged):
    head = {"model": "llama3", "created_at": "2026-01-01T00:00:00.123456789Z", "done": False}
    lines = [head | {"message": {"role": "assistant", "content": text}} for text in ("Hel", "lo")]
    lines.append(head | {"message": {"role": "assistant", "content": ""}, "done": True, "eval_count": 2})
    found = logged("".join(json.dumps(line) + "\n" for line in lines))

    assert [type(one).__name__ for one in found] == ["Merged", "Merged", "LoggedRequest"]
    assert found[-1].output[0].parts[0].content == "Hello"
    assert (found[-1].input_tokens, found[-1].output_tokens) == (None, 2)


@pytest.mark.shared
def test_lm_studio_reply(calls):
    (call,) = calls("lmstudio/lmstudio-basic.1.json")

    assert (call.input_tokens, call.output_tokens, call.reasoning_tokens) == (136, 3677, 2456)
    assert (call.latency_ms, call.source) == (113_000, "lmstudio")


@pytest.mark.shared
def test_groq_error_and_retry(calls):
    failed, second, third = calls("other_providers/groq_tool_use_failed.jsonl")

    assert (failed.status, failed.error_type, failed.input_tokens) == ("error", "tool_use_failed", None)
    assert (second.input_tokens, second.output_tokens, second.reasoning_tokens) == (301, 52, 22)
    assert (third.input_tokens, third.cache_read_tokens, third.output_tokens) == (336, 256, 96)
    assert second.latency_ms == pytest.approx(124.763501)


@pytest.mark.shared
def test_mistral_and_deepseek_caches_are_inside(calls):
    (mistral,) = calls("other_providers/mistral_cache.jsonl")
    (deepseek,) = calls("other_providers/deepseek-reasoning.json")

    assert (mistral.input_tokens, mistral.cache_read_tokens, mistral.output_tokens) == (20, 10, 18)
    assert (deepseek.input_tokens, deepseek.cache_read_tokens) == (18, 0)
    assert (deepseek.output_tokens, deepseek.reasoning_tokens, deepseek.provider) == (345, 315, "deepseek")


def test_xai_reasoning_stands_beside_the_output(logged):
    usage = {"prompt_tokens": 12, "completion_tokens": 2, "total_tokens": 334,
             "completion_tokens_details": {"reasoning_tokens": 320}}  # fmt: skip
    body = {"id": "5f3e8a4c-0000-4000-8000-000000000000", "object": "chat.completion", "model": "grok-4", "usage": usage,
            "choices": [{"message": {"role": "assistant", "content": "4"}, "finish_reason": "stop"}]}  # fmt: skip
    request = {"method": "POST", "url": "https://api.x.ai/v1/chat/completions", "body": {"model": "grok-4"}}
    (call,) = logged(json.dumps({"request": request, "response": {"status": 200, "body": body}}) + "\n")

    assert (call.input_tokens, call.output_tokens, call.reasoning_tokens) == (12, 322, 320)
    assert (call.provider, call.source) == ("x-ai", "providers")


def test_cohere_bills_its_own_units(logged):
    usage = {
        "billed_units": {"input_tokens": 5, "output_tokens": 7},
        "tokens": {"input_tokens": 71, "output_tokens": 9},
    }
    body = {"id": "c14c80c3-18eb-4519-9460-6c92edd8cfb4", "finish_reason": "COMPLETE", "usage": usage,
            "message": {"role": "assistant", "content": [{"type": "text", "text": "LLMs"}]}}  # fmt: skip
    request = {"method": "POST", "url": "https://api.cohere.com/v2/chat",
               "body": {"model": "command-a", "messages": [{"role": "user", "content": "hi"}]}}  # fmt: skip
    (call,) = logged(json.dumps({"request": request, "response": {"status": 200, "body": body}}) + "\n")

    assert (call.input_tokens, call.output_tokens, call.finish_reason) == (5, 7, "COMPLETE")
    assert call.output[0].parts[0].content == "LLMs"
