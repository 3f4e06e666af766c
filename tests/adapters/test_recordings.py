"""promptfoo evaluations, HAR recordings, the database of `llm`."""

from __future__ import annotations

import base64
import gzip
import json
import shutil
from datetime import UTC, datetime

import pytest

from router_audit.types import Rejected


@pytest.mark.shared
def test_promptfoo_states_outcomes_and_keeps_judges_apart(calls):
    (call,) = calls("promptfoo/french-greeting-output.json")

    assert (call.input_tokens, call.output_tokens, call.reasoning_tokens) == (14, 10, 0)
    assert (call.resolved, call.outcome_origin, call.outcome_score) == (False, "flag", 0.8203000664800403)
    assert (call.status, call.latency_ms, call.logged_cost_usd) == ("ok", 1352, "8.1e-06")
    assert (call.provider, call.request_model) == ("openai", "gpt-4o-mini")
    assert call.messages[0].parts[0].content == "Greet the user in French."


@pytest.mark.shared
def test_har_entries(calls):
    (anthropic,) = calls("har/anthropic_messages.har")
    (chat,) = calls("har/openai_chat.har")
    (stream,) = calls("har/openai_stream.har")

    assert (anthropic.input_tokens, anthropic.output_tokens, anthropic.latency_ms) == (17, 137, 6280)
    assert anthropic.started_at == datetime(2025, 6, 9, 21, 46, 34, 311000, UTC)
    assert (chat.input_tokens, chat.output_tokens, chat.latency_ms) == (15, 20, 953)
    assert (stream.input_tokens, stream.output_tokens, stream.params["stream"]) == (None, None, True)
    assert stream.output[0].parts[0].content.endswith("!")
    assert stream.time_to_first_token_ms is None


def har(entry):
    return json.dumps({"log": {"entries": [entry]}})


def entry(text, encoding, **headers):
    return {
        "startedDateTime": "2026-01-01T00:00:00Z",
        "time": 10,
        "request": {
            "method": "POST",
            "url": "https://api.openai.com/v1/chat/completions",
            "headers": [{"name": "authorization", "value": "Bearer sk-SECRET"}],
            "cookies": [{"name": "session", "value": "COOKIE"}],
            "postData": {"text": json.dumps({"model": "gpt-4o", "messages": []})},
        },
        "response": {
            "status": 200,
            "headers": [{"name": name, "value": value} for name, value in headers.items()],
            "content": {"encoding": encoding, "text": text},
        },
    }


def test_keys_and_cookies_are_not_kept_and_lists_of_models_are_no_calls(logged):
    body = {"id": "chatcmpl-0123456789abcdef", "object": "chat.completion", "choices": [], "model": "gpt-4o"}
    packed = base64.b64encode(gzip.compress(json.dumps(body).encode())).decode()
    (call,) = logged(har(entry(packed, "base64")), "one.har")
    models = entry("{}", None)
    models["request"] |= {"method": "GET", "url": "https://api.openai.com/v1/models"}
    (other,) = logged(har(models), "two.har")

    assert call.response_id == "chatcmpl-0123456789abcdef"
    assert "SECRET" not in repr(call)
    assert "COOKIE" not in repr(call)
    assert type(other).__name__ == "Filtered"


def test_a_reply_that_cannot_be_unpacked_is_rejected(logged):
    (found,) = logged(har(entry(base64.b64encode(b"\x1f\x8bnope").decode(), "base64")), "bad.har")

    assert isinstance(found, Rejected)
    assert found.reason.startswith("reply cannot be unpacked")


@pytest.mark.shared
@pytest.mark.parametrize(
    ("version", "tokens"),
    [
        ("0.27.1", [(8, 10), (71, 12), (92, 15), (12, 5), (7, 87), (104, 16), (129, 9)]),
        ("0.32", [(8, 10), (71, 12), (92, 15), (12, 5), (7, 87)]),
    ],
)
def test_both_layouts_of_the_llm_database(calls, version, tokens):
    found = calls(f"simonw_llm/logs-{version}.db")

    assert [(call.input_tokens, call.output_tokens) for call in found] == tokens
    assert found[4].reasoning_tokens == 64
    assert found[0].system == "You are a helpful assistant"
    assert found[0].response_id == "chatcmpl-BFfJeRdAVFPUVWxV3OYH1tSR5KvrI"
    assert (found[0].request_model, found[0].response_model) == ("gpt-4o", "gpt-4o-2024-08-06")
    assert found[1].output[0].parts[0].name == "get_user_country"
    assert found[1].response_format["type"] == "json_schema"
    assert found[2].params == {"temperature": 0.2, "max_tokens": 100}
    assert len(found[2].messages) >= 3
    assert found[3].output[0].parts[0].content == '"This is a test."'
    assert len({call.session_id for call in found}) == {"0.27.1": 5, "0.32": 4}[version]


@pytest.mark.shared
def test_the_database_is_left_as_it_was(shared, tmp_path, logged):
    from tests.adapters.conftest import outcomes_of

    copy = tmp_path / "logs.db"
    shutil.copy(shared / "log_samples" / "simonw_llm" / "logs-0.27.1.db", copy)
    before = copy.read_bytes()
    copy.chmod(0o444)
    outcomes_of(copy)

    assert copy.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["logs.db"]
