"""Token counts of every dialect, held to an independent normalisation of real usage objects."""

from __future__ import annotations

import json

import pytest

from router_audit.adapters import usage
from router_audit.adapters.protocol import RecordError

PARTS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")


def _of(counted):
    return {name: getattr(counted, name) or 0 for name in PARTS}


def _raw(body):
    return body.get("usage") or body.get("usageMetadata") or body


@pytest.mark.shared
def test_every_real_usage_object_has_the_counts_of_the_oracle(shared):
    """Cached tokens of Mistral, which the oracle does not know, are the one thing we read beyond it."""
    path = shared / "log_samples" / "usage_oracle" / "genai_prices_usages.jsonl"
    read = 0
    for line in path.read_text().splitlines():
        record = json.loads(line)
        raw = _raw(record["body"])
        ours = _of(usage.any_dialect(raw))
        theirs = [{name: found["usage"].get(name) or 0 for name in PARTS} for found in record["extracted"]]
        if "num_cached_tokens" in raw:
            assert ours.pop("cache_read_tokens") == raw["num_cached_tokens"]
            for found in theirs:
                found.pop("cache_read_tokens")
        read += 1
        assert ours in theirs, raw

    assert read > 70


@pytest.mark.parametrize(
    ("dialect", "raw", "expected"),
    [
        (usage.anthropic, {"input_tokens": 3, "cache_read_input_tokens": 1111, "cache_creation_input_tokens": 418, "output_tokens": 9}, (1532, 9, 1111, 418)),
        (usage.gemini, {"promptTokenCount": 3, "candidatesTokenCount": 29, "thoughtsTokenCount": 901, "totalTokenCount": 933}, (3, 930, None, None)),
        (usage.bedrock, {"inputTokens": 2, "outputTokens": 5, "totalTokens": 1329, "cacheReadInputTokens": 0, "cacheReadInputTokenCount": 0, "cacheWriteInputTokens": 1322, "cacheWriteInputTokenCount": 1322}, (1324, 5, 0, 1322)),
        (usage.openai, {"prompt_tokens": 3000, "completion_tokens": 5, "prompt_cache_hit_tokens": 2000, "prompt_cache_miss_tokens": 1000}, (3000, 5, 2000, None)),
        (usage.cohere, {"billed_units": {"input_tokens": 1, "output_tokens": 2}, "tokens": {"input_tokens": 9, "output_tokens": 4}, "cached_tokens": 8}, (9, 4, 8, None)),
    ],
    ids=["anthropic", "gemini", "bedrock", "deepseek", "cohere"],
)  # fmt: skip
def test_dialects(dialect, raw, expected):
    counted = dialect(raw)

    assert tuple(getattr(counted, name) for name in PARTS) == expected
    assert counted.flags == ()


def test_cached_counts_beyond_the_input_are_cut_and_flagged():
    counted = usage.openai(
        {"prompt_tokens": 2168, "prompt_tokens_details": {"cached_tokens": 2161, "cache_write_tokens": 2161}}
    )

    assert (counted.input_tokens, counted.cache_read_tokens, counted.cache_write_tokens) == (2168, 2161, 7)
    assert counted.flags == (usage.CACHE_EXCEEDS_INPUT,)


@pytest.mark.parametrize("value", [-1, 10**10, 1.5, "x", [], {}, True, float("nan"), float("inf")])
def test_what_is_no_count_is_refused(value):
    with pytest.raises(RecordError):
        usage.count(value)


@pytest.mark.parametrize(("value", "expected"), [(None, None), ("", None), ("12", 12), (12.0, 12), (0, 0)])
def test_counts(value, expected):
    assert usage.count(value) == expected
