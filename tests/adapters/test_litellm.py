"""LiteLLM payloads and spend logs."""

from __future__ import annotations

import csv
import json

import pytest

from router_audit.types import Filtered

pytestmark = pytest.mark.shared


def test_payloads_of_a_real_proxy(calls):
    openai, streamed, cached, thinking = calls("litellm/standard_logging_payloads_v1.106.2.jsonl")

    assert (openai.input_tokens, openai.output_tokens, openai.logged_cost_usd) == (8, 10, "0.00012")
    assert openai.system == "Be brief"
    assert (openai.user, openai.tags, openai.session_id) == ("user-123", ["prod", "team-a"], "sess-1")
    assert streamed.params["stream"] is True
    assert streamed.time_to_first_token_ms == pytest.approx(415.9, abs=0.1)
    assert (cached.provider, cached.input_tokens, cached.cache_read_tokens) == ("anthropic", 1114, 1111)
    assert (thinking.output_tokens, thinking.reasoning_tokens) == (155, 80)


def test_a_model_without_a_price_has_no_cost(calls):
    thinking = calls("litellm/standard_logging_payloads_v1.106.2.jsonl")[3]

    assert thinking.logged_cost_usd is None


def test_a_spend_log_row_as_json_and_as_csv_is_one_call(calls, logged, tmp_path, shared):
    (row,) = calls("litellm/spend_logs_payload.json")
    raw = json.loads((shared / "log_samples/litellm/spend_logs_payload.json").read_text())
    path = tmp_path / "spend.csv"
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(raw))
        writer.writeheader()
        writer.writerow(raw)
    (from_csv,) = logged(path.read_text(), "again.csv")

    assert (row.input_tokens, row.output_tokens, row.session_id) == (10, 20, "1234567890")
    assert row.started_at is not None
    assert from_csv.request_id == row.request_id
    assert (from_csv.input_tokens, from_csv.output_tokens, from_csv.started_at) == (10, 20, row.started_at)


def test_the_gateways_own_cache_is_no_call_of_a_model(logged, shared):
    raw = json.loads((shared / "log_samples/litellm/spend_logs_payload.json").read_text())
    (found,) = logged(json.dumps({**raw, "cache_hit": "True"}))

    assert isinstance(found, Filtered)


def test_a_failure_is_kept_with_its_class(logged, shared):
    raw = json.loads((shared / "log_samples/litellm/standard_logging_payload.json").read_text())
    failed = {
        **raw,
        "status": "failure",
        "prompt_tokens": 0,
        "completion_tokens": 0,
        "total_tokens": 0,
        "response": None,
        "error_information": {"error_code": "429", "error_class": "RateLimitError"},
    }
    (call,) = logged(json.dumps(failed))

    assert (call.status, call.error_type) == ("error", "RateLimitError")


def test_embeddings_are_filtered(logged, shared):
    raw = json.loads((shared / "log_samples/litellm/standard_logging_payload.json").read_text())
    (found,) = logged(json.dumps({**raw, "call_type": "aembedding"}))

    assert isinstance(found, Filtered)
