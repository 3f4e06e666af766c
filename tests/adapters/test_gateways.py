"""Helicone, Portkey, Cloudflare, TensorZero: no real exports were found, so all of this is synthetic.

The rows follow the vendors' schemas and documentation.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime

from router_audit.types import Filtered, LoggedRequest, Merged

REQUEST = {"model": "gpt-4o", "messages": [{"role": "user", "content": "hi"}]}
USAGE = {
    "prompt_tokens": 20,
    "completion_tokens": 5,
    "total_tokens": 25,
    "prompt_tokens_details": {"cached_tokens": 8},
}
REPLY = {
    "id": "chatcmpl-synthetic0000000001",
    "object": "chat.completion",
    "model": "gpt-4o-2024-08-06",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "ho"}}],
    "usage": USAGE,
}


def lines(*records):
    return "".join(json.dumps(record) + "\n" for record in records)


def helicone(**changes):
    row = {
        "request_id": "0d5c8a3e-0000-4000-8000-000000000001",
        "request_created_at": "2026-01-02T03:04:05.678Z",
        "request_path": "https://api.openai.com/v1/chat/completions",
        "request_body": json.dumps(REQUEST),
        "response_body": json.dumps(REPLY),
        "response_status": 200,
        "delay_ms": 900,
        "time_to_first_token": 120,
        "provider": "OPENAI",
        "prompt_tokens": 12,
        "completion_tokens": 5,
        "costUSD": 0.00042,
        "helicone_user": "u-1",
        "request_properties": {"Helicone-Session-Id": "s-1", "feature": "search"},
        "feedback": {"rating": False},
    }
    return row | changes


def test_helicone_believes_the_reply_before_its_columns(logged):
    (call,) = logged(lines(helicone()))

    assert (call.input_tokens, call.cache_read_tokens, call.output_tokens) == (20, 8, 5)
    assert (call.provider, call.user, call.session_id, call.tags) == (
        "openai",
        "u-1",
        "s-1",
        ["feature:search"],
    )
    assert (call.latency_ms, call.time_to_first_token_ms, call.logged_cost_usd) == (900, 120, "0.00042")
    assert (call.resolved, call.outcome_origin) == (False, "feedback")
    assert call.started_at == datetime(2026, 1, 2, 3, 4, 5, 678000, UTC)


def test_helicone_pages_csv_caches_and_errors(logged):
    cached = helicone(cache_reference_id="0d5c8a3e-0000-4000-8000-00000000000f")
    (first, second) = logged(json.dumps({"data": [helicone(), cached], "error": None}), "page.json")
    (bare,) = logged(lines(helicone(request_body="", response_body="", response_status=429)), "bare.jsonl")
    header = "request_id,request_created_at,delay_ms,prompt_tokens,completion_tokens,request_body\n"
    (row,) = logged(header + "r-1,2026-01-02T03:04:05Z,5,7,1,\n", "rows.csv")

    assert isinstance(first, LoggedRequest)
    assert isinstance(second, Filtered)
    assert (bare.status, bare.error_type, bare.input_tokens) == ("error", "429", 12)
    assert (row.input_tokens, row.output_tokens, row.latency_ms) == (7, 1, 5)


def test_portkey_stored_logs(logged):
    record = {
        "_id": "65f0000000000000000000aa",
        "created_at": "2026-01-02T03:04:05.678Z",
        "organisation_id": "org-1",
        "request": {
            "url": "https://api.openai.com/v1/chat/completions",
            "method": "POST",
            "headers": {"cookie": "COOKIE"},
            "body": REQUEST,
            "portkeyHeaders": {
                "x-portkey-provider": "azure-openai",
                "x-portkey-metadata": '{"_user": "u-1", "env": "prod"}',
            },
        },
        "response": {
            "status": 200,
            "headers": {
                "x-portkey-retry-attempt-count": "2",
                "x-portkey-trace-id": "t-1",
                "x-portkey-cache-status": "MISS",
            },
            "body": REPLY,
            "responseTime": 321,
        },
    }
    (call,) = logged(lines(record))

    assert (call.input_tokens, call.output_tokens, call.latency_ms) == (20, 5, 321)
    assert (call.provider, call.user, call.tags, call.trace_id) == ("azure", "u-1", ["env:prod"], "t-1")
    assert call.retry_count == 2
    assert "COOKIE" not in repr(call)


def test_portkey_exports_state_cents(logged):
    row = {
        "created_at": "2026-01-02T03:04:05Z", "request.body": json.dumps(REQUEST), "response.body": "", "is_success": "true",
        "ai_org": "openai", "ai_model": "gpt-4o", "req_units": "12", "res_units": "3", "total_units": "15", "cost": "0.75",
        "cost_currency": "USD", "request_url": "https://api.openai.com/v1/chat/completions", "response_status_code": "200",
        "response_time": "88", "cache_status": "MISS", "trace_id": "t-1", "metadata.key": '["team"]',
        "metadata.value": '["search"]',
    }  # fmt: skip
    call, hit = logged(lines(row, row | {"cache_status": "HIT"}))

    assert (call.input_tokens, call.output_tokens, call.logged_cost_usd) == (12, 3, "0.0075")
    assert (call.latency_ms, call.tags, call.provider) == (88, ["team:search"], "openai")
    assert isinstance(hit, Filtered)


def test_cloudflare_logs_and_encrypted_events(logged):
    row = {
        "id": "01J", "created_at": "2026-01-02 03:04:05", "cached": False, "duration": 700, "model": "gpt-4o",
        "provider": "openai", "path": "chat/completions", "success": True, "tokens_in": 9, "tokens_out": 4, "cost": 0.001,
        "metadata": '{"user_id": "u-1", "env": "prod"}', "status_code": 200, "response_head_complete": False,
    }  # fmt: skip
    call, cached = logged(
        json.dumps({"result": [row, row | {"cached": True}], "result_info": {}}), "page.json"
    )
    locked = {"type": "encrypted", "key": "k", "iv": "i", "data": "d"}
    event = {"Gateway": "g", "Provider": "anthropic", "Model": "claude-haiku-4-5", "StatusCode": 200, "Cached": False,
             "Endpoint": "v1/messages", "RequestBody": locked, "ResponseBody": locked, "Metadata": locked}  # fmt: skip
    (sealed,) = logged(lines(event), "push.jsonl")

    assert (call.input_tokens, call.output_tokens, call.latency_ms, call.user) == (9, 4, 700, "u-1")
    assert "truncated" in call.flags
    assert isinstance(cached, Filtered)
    assert (sealed.flags, sealed.response_model, sealed.input_tokens) == (
        ["body_encrypted"],
        "claude-haiku-4-5",
        None,
    )


INFERENCE = "0194c000-0000-7000-8000-000000000001"


def tensorzero_rows():
    chat = {
        "id": INFERENCE, "function_name": "support", "variant_name": "mini", "episode_id": "0194c000-0000-7000-8000-00000000000e",
        "input": json.dumps({"messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]}),
        "output": json.dumps([{"type": "text", "text": "ho"}]), "inference_params": "{}", "processing_time_ms": 950,
        "tags": {"user_id": "u-1"},
    }  # fmt: skip
    model = {
        "id": "0194c000-0000-7000-8000-000000000002", "inference_id": INFERENCE, "model_name": "gpt-4o",
        "model_provider_name": "openai", "input_tokens": 20, "output_tokens": 5, "response_time_ms": 900, "ttft_ms": None,
        "raw_request": json.dumps(REQUEST), "raw_response": json.dumps(REPLY), "system": None,
        "input_messages": json.dumps([{"role": "user", "content": [{"type": "text", "text": "hi"}]}]),
        "output": json.dumps([{"type": "text", "text": "ho"}]), "finish_reason": "stop",
    }  # fmt: skip
    score = {"id": "f", "target_id": INFERENCE, "metric_name": "task_success", "value": True}
    return chat, model, score


def test_tensorzero_joins_inference_model_call_and_feedback(logged):
    found = logged(lines(*tensorzero_rows()))

    assert sorted(type(one).__name__ for one in found) == ["Filtered", "LoggedRequest", "Merged"]
    (call,) = [one for one in found if isinstance(one, LoggedRequest)]
    assert (call.input_tokens, call.cache_read_tokens, call.output_tokens) == (20, 8, 5)
    assert (call.project, call.user, call.session_id[-1]) == ("support", "u-1", "e")
    assert (call.resolved, call.outcome_origin) == (True, "score:task_success")
    assert call.started_at == datetime.fromtimestamp(0x0194C0000000 / 1e3, UTC)
    assert (call.request_model, call.response_model) == ("gpt-4o", "gpt-4o-2024-08-06")


def test_tensorzero_inference_alone_has_text_and_no_tokens(logged):
    chat, model, _ = tensorzero_rows()
    (call,) = logged(lines(chat))
    (cached,) = logged(lines(model | {"cached": True}), "cached.jsonl")

    assert (call.input_tokens, call.latency_ms, call.output[0].parts[0].content) == (None, 950, "ho")
    assert isinstance(cached, Filtered)
    assert not isinstance(call, Merged)
