"""Sessions of coding agents: Codex CLI, Gemini CLI, pi, opencode, Aider."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime

import pytest

pytestmark = pytest.mark.shared


def test_codex_counts_each_report_once(calls):
    found = calls("codex_cli/ccusage-session-alpha.jsonl")

    tokens = [
        (c.request_model, c.input_tokens, c.cache_read_tokens, c.output_tokens, c.reasoning_tokens)
        for c in found
    ]
    assert tokens == [("gpt-5.2-codex", 1000, 250, 125, 75), ("gpt-5.3-codex", 2500, 500, 300, 200)]
    assert all("total_mismatch" in call.flags for call in found)


def test_codex_reads_every_event_type(sample):
    found = sample("codex_cli/agent-sessions-small.jsonl")

    assert len(found) == 118
    (call,) = [one for one in found if type(one).__name__ == "LoggedRequest"]
    assert (call.input_tokens, call.cache_read_tokens, call.output_tokens, call.reasoning_tokens) == (
        16341,
        3584,
        81,
        63,
    )
    assert (call.request_model, call.params, call.provider) == (
        "gpt-5.6-luna",
        {"effort": "medium"},
        "openai",
    )
    assert call.session_id == "019fc8be-3658-7ca3-9e29-000000000000"
    assert call.messages[0].parts[0].content == "List the files"


@pytest.mark.parametrize(
    ("number", "tokens"), [(2, (6040, 4992, 129)), (4, (6087, 5120, 204)), (5, (6086, 2944, 223))]
)
def test_codex_exec_prints_turns(calls, number, tokens):
    (call,) = calls(f"codex_cli/exec-json-stream-output-{number}.jsonl")

    assert (call.input_tokens, call.cache_read_tokens, call.output_tokens) == tokens
    assert (call.request_model, call.started_at) == (None, None)
    assert call.session_id.startswith("019a2d7")


def test_codex_turns_without_counts_stand_for_their_calls(calls):
    (call,) = calls("codex_cli/multi-turn-one-exportable.jsonl")

    assert (call.session_id, call.request_model, call.input_tokens) == ("sess-multi", "gpt-5.5", None)
    assert call.messages[0].parts[0].content == "Export only this completed turn"
    assert call.output[0].parts[0].content == "Only the completed turn is exportable."
    assert "no_tokens" in call.flags


def test_pi_keeps_caches_beside_the_input(calls):
    found = calls("other_agents/pi-large-session.head80.jsonl")

    assert len(found) == 35
    assert sum(call.input_tokens or 0 for call in found) == 1_229_411
    assert sum(call.output_tokens or 0 for call in found) == 9_900
    assert sum(call.cache_read_tokens or 0 for call in found) == 1_100_005
    assert sum(call.cache_write_tokens or 0 for call in found) == 129_295
    assert sum(float(call.logged_cost_usd or 0) for call in found) == pytest.approx(0.96369075)
    assert Counter(call.error_type for call in found) == {None: 33, "aborted": 1, "error": 1}
    assert (found[0].input_tokens, found[0].request_model) == (None, "gpt-5.1-codex")


def test_gemini_cli_counts_replies_with_tokens(sample):
    found = sample("other_agents/gemini-cli-small.json")

    assert len(found) == 7
    (call,) = [one for one in found if type(one).__name__ == "LoggedRequest"]
    assert (call.input_tokens, call.output_tokens, call.request_model) == (100, 10, "gemini-3-flash-preview")
    assert call.started_at == datetime(2025, 12, 16, 23, 47, 2, tzinfo=UTC)
    assert [part.type for part in call.output[0].parts] == ["reasoning", "tool_call"]


def test_opencode_message_file(calls):
    (call,) = calls("other_agents/opencode-msg.json")

    assert (call.input_tokens, call.cache_read_tokens, call.cache_write_tokens) == (1300, 200, 100)
    assert (call.output_tokens, call.latency_ms, call.session_id) == (500, 60_000, "ses_test001")
    assert call.started_at == datetime(2024, 12, 1, tzinfo=UTC)


def test_aider_blocks(sample):
    found = sample("aider/aider.llm.history")

    first, second, cut = found
    assert type(cut).__name__ == "Filtered"
    assert (first.line, second.line) == (1, 148)
    assert (first.latency_ms, second.latency_ms) == (5000, 7000)
    assert first.system.startswith("Act as an expert code analyst.\nAnswer questions")
    assert [message.role for message in first.messages] == ["user", "assistant", "user", "assistant", "user"]
    assert first.messages[-1].parts[0].content.startswith("This project is a super simple")
    assert first.output[0].parts[0].content.startswith("I notice that while")
    assert "timezone_assumed" in first.flags
