"""Claude Code transcripts: the right counts, not the naive ones and not the first ones."""

from __future__ import annotations

import pytest

from router_audit.types import LoggedRequest, Merged

pytestmark = pytest.mark.shared


@pytest.mark.parametrize(
    ("name", "lines", "ids", "output", "cache_read"),
    [
        ("full-session", 27, 10, 833, 185_540),
        ("spotter-tool_heavy", 9, 4, 212, 88_231),
        ("spotter-short", 5, 1, 13, 11_515),
    ],
)
def test_repeated_usage_of_one_reply_counts_once(sample, name, lines, ids, output, cache_read):
    found = sample(f"claude_code/{name}.jsonl")

    calls = [one for one in found if isinstance(one, LoggedRequest)]
    assert len(calls) == ids
    assert len(calls) + sum(isinstance(one, Merged) for one in found) == lines
    assert sum(call.output_tokens or 0 for call in calls) == output
    assert sum(call.cache_read_tokens or 0 for call in calls) == cache_read


def test_a_reply_has_its_question_and_all_its_blocks(calls):
    first, second = calls("claude_code/full-session.jsonl")[:2]

    assert first.messages[0].parts[0].content == "Hey"
    assert [part.type for part in first.output[0].parts] == ["text", "tool_call"]
    assert second.messages[-1].role == "tool"
    assert first.latency_ms is not None
    assert first.session_id == second.session_id


def test_old_lines_without_a_type_keep_their_cost(calls):
    found = calls("claude_code/ccusage-chat.jsonl")

    assert [call.logged_cost_usd for call in found] == ["0.12", "0.34", "0.56"]
    assert [call.input_tokens for call in found] == [135, 270, 340]
    assert found[1].service_tier == "fast"


def test_no_line_is_lost(sample, shared):
    path = shared / "log_samples/claude_code/agent-sessions-small.jsonl"

    assert len(sample("claude_code/agent-sessions-small.jsonl")) == len(path.read_text().splitlines())
