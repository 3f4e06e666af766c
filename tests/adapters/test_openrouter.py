"""OpenRouter exchanges, generation metadata, activity exports."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from router_audit.types import Rejected

CSV = (  # synthetic: the documented header with made-up rows
    "generation_id,created_at,cost_total,tokens_prompt,tokens_completion,tokens_reasoning,tokens_cached,"
    "model_permaslug,provider_name,variant,cancelled,streamed,user,finish_reason_normalized,"
    "generation_time_ms,time_to_first_token_ms,api_key_name,app_name\n"
    "gen-1771967973-abcdefghijklm,2026-02-24 21:19:33.705,0.0123,1000,200,50,600,"
    "anthropic/claude-4.6-sonnet-20260217,Anthropic,standard,false,true,u-1,stop,2940,1016,ci,shop\n"
    "gen-1771967974-abcdefghijklm,2026-02-24 21:19:34.000,0,10,0,0,0,"
    "openai/gpt-5-mini,OpenAI,free,true,false,,,12,,ci,shop\n"
)


@pytest.mark.shared
def test_caches_are_inside_the_prompt(calls):
    found = calls("openrouter/chat_cache_all.jsonl")

    tokens = [(c.input_tokens, c.cache_read_tokens, c.cache_write_tokens, c.output_tokens) for c in found]
    assert tokens == [(2572, 0, 2569, 63), (2649, 2569, 79, 100), (2572, 2240, 329, 100)]
    assert [call.logged_cost_usd for call in found] == ["0.01058775", "0.00256995", "0.00341475"]
    assert found[0].request_model == "anthropic/claude-sonnet-4.6"
    assert found[0].response_model == "anthropic/claude-4.6-sonnet-20260217"
    assert found[0].tags == ["upstream:Anthropic"]
    assert {call.provider for call in found} == {"openrouter"}


@pytest.mark.shared
def test_a_stream_with_comment_lines(calls):
    (call,) = calls("openrouter/chat_reasoning_stream.jsonl")

    assert (call.input_tokens, call.output_tokens, call.reasoning_tokens) == (43, 36, 13)
    assert call.logged_cost_usd == "0.000669"
    assert call.response_id == "gen-1765226419-AGrwjunAftQIAgweibL8"
    assert [part.type for part in call.output[0].parts] == ["reasoning", "text"]


@pytest.mark.shared
def test_replies_without_cost_have_none(calls):
    venus, mars = calls("openrouter/chat_usage_cost.jsonl")

    assert (venus.output_tokens, venus.reasoning_tokens, venus.logged_cost_usd) == (1515, 704, None)
    assert (mars.output_tokens, mars.reasoning_tokens, mars.logged_cost_usd) == (2177, 960, "0.00435825")


@pytest.mark.shared
def test_generation_metadata_counts_native_tokens(calls):
    (call,) = calls("openrouter/generation_real.json")

    assert (call.input_tokens, call.output_tokens, call.logged_cost_usd) == (64, 98, "3.452e-05")
    assert (call.time_to_first_token_ms, call.latency_ms) == (1016, 2940)
    assert call.started_at == datetime(2026, 2, 24, 21, 19, 33, 705000, UTC)
    assert (call.finish_reason, call.flags, call.retry_count) == ("cancelled", ["cancelled"], 0)


def test_activity_rows_are_calls(logged):
    first, second = logged(CSV, "activity.csv")

    assert (first.input_tokens, first.cache_read_tokens, first.output_tokens) == (1000, 600, 200)
    assert (first.reasoning_tokens, first.logged_cost_usd, first.user) == (50, "0.0123", "u-1")
    assert first.started_at == datetime(2026, 2, 24, 21, 19, 33, 705000, UTC)
    assert first.flags == []
    assert second.flags == ["cancelled"]


def test_daily_sums_are_refused_with_a_reason(logged):
    (found,) = logged('Date,Model,Spend\n2026-02-24,openai/gpt-5,"$1,234.50"\n', "daily.csv")

    assert isinstance(found, Rejected)
    assert "sums, not requests" in found.reason
