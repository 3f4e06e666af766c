"""Azure gateway logs, LLM logs and diagnostics. Synthetic, after the vendor's documentation."""

from __future__ import annotations

import json
from datetime import UTC, datetime

from router_audit.types import Filtered

TICKS = 638481757794854611
"""2024-04-08T12:22:59.4854611Z, seen in a real record."""


def diagnostic(**changes):
    properties = {"modelDeploymentName": "prod-gpt", "modelName": "gpt-4o", "modelVersion": "2024-08-06",
                  "streamType": "Non-Streaming", "requestTime": TICKS, "objectId": "o"}  # fmt: skip
    return {
        "time": "2024-04-08T06:36:20.0000000Z", "category": "RequestResponse", "operationName": "ChatCompletions_Create",
        "correlationId": "c-1", "durationMs": -3, "resultSignature": "429", "location": "swedencentral",
        "properties": json.dumps(properties),
    } | changes  # fmt: skip


def test_diagnostics_have_no_tokens_and_say_so(logged):
    call, other = logged(
        "".join(json.dumps(one) + "\n" for one in (diagnostic(), diagnostic(operationName="Create_Thread")))
    )

    assert call.started_at == datetime(2024, 4, 8, 12, 22, 59, 485461, UTC)
    assert (call.request_model, call.response_model, call.region) == (
        "prod-gpt",
        "gpt-4o-2024-08-06",
        "swedencentral",
    )
    assert (call.latency_ms, call.status, call.error_type) == (None, "error", "429")
    assert "no_tokens" in call.flags
    assert isinstance(other, Filtered)


def test_gateway_logs_hold_one_call_twice(logged):
    reply = {"id": "chatcmpl-synthetic0000000002", "object": "chat.completion", "model": "gpt-4o-2024-08-06", "choices": [],
             "usage": {"prompt_tokens": 6, "completion_tokens": 2, "total_tokens": 8}}  # fmt: skip
    properties = {
        "method": "POST", "url": "https://apim.example/openai/deployments/prod-gpt/chat/completions",
        "backendUrl": "https://x.openai.azure.com/openai/deployments/prod-gpt/chat/completions?api-version=1",
        "requestBody": json.dumps({"messages": [{"role": "user", "content": "hi"}]}), "responseBody": json.dumps(reply),
        "backendRequestBody": json.dumps({"messages": [{"role": "user", "content": "hi"}]}),
        "backendResponseBody": json.dumps(reply), "responseCode": 200,
    }  # fmt: skip
    record = {"time": "2026-01-02T03:04:05Z", "category": "GatewayLogs", "operationName": "x", "durationMs": 44,
              "correlationId": "c-2", "properties": properties}  # fmt: skip
    (call,) = logged(json.dumps({"records": [record]}), "blob.json")

    assert (call.input_tokens, call.output_tokens, call.latency_ms) == (6, 2, 44)
    assert (call.request_model, call.response_model, call.provider) == (
        "prod-gpt",
        "gpt-4o-2024-08-06",
        "azure",
    )


def test_the_llm_log_comes_in_chunks_and_tables(logged):
    names = ["TimeGenerated", "CorrelationId", "SequenceNumber", "DeploymentName", "ModelName", "PromptTokens",
             "CompletionTokens", "TotalTokens", "RequestMessages", "ResponseMessages"]  # fmt: skip
    asked = json.dumps([{"role": "user", "content": "hi"}])
    rows = [
        ["2026-01-02T03:04:05Z", "c-3", 0, "prod-gpt", "gpt-4o", 6, 2, 8, "", ""],
        ["2026-01-02T03:04:05Z", "c-3", 1, "", "", None, None, None, asked[:9], '[{"role": "assistant", '],
        ["2026-01-02T03:04:05Z", "c-3", 2, "", "", None, None, None, asked[9:], '"content": "ho"}]'],
    ]
    table = {"tables": [{"columns": [{"name": name} for name in names], "rows": rows}]}
    found = logged(json.dumps(table), "query.json")

    assert [type(one).__name__ for one in found] == ["Merged", "Merged", "LoggedRequest"]
    call = found[-1]
    assert (call.input_tokens, call.output_tokens, call.request_model) == (6, 2, "prod-gpt")
    assert (call.messages[0].parts[0].content, call.output[0].parts[0].content) == ("hi", "ho")
