"""A provider on loopback that speaks OpenAI chat and Responses and Anthropic Messages, streamed or not.

A request is known by `mark-N` anywhere in it. What it answers stands in the prompt: `[weak MODEL]` makes that model answer with nothing, `[down MODEL]` makes it
fail with 503. It keeps a ledger of every call.
"""

from __future__ import annotations

import json
import re
import threading
from collections import defaultdict
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

MARK = re.compile(r"\bmark-(\w+)")


class Upstream:
    """The server and its ledger: request mark to the models that were asked, in order of arrival."""

    def __init__(self) -> None:
        self.asked: dict[str, list[str]] = defaultdict(list)
        self.lock = threading.Lock()
        self.serial = 0
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                pass

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                outer.answer(self, body)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def answer(self, http: BaseHTTPRequestHandler, body: dict[str, Any]) -> None:
        prompt, model = json.dumps(body), body["model"]
        found = MARK.findall(prompt)
        with self.lock:
            self.serial += 1
            number = self.serial
            if found:
                self.asked[found[-1]].append(model)
        if f"[down {model}]" in prompt:
            return _send(http, 503, {"error": {"type": "overloaded_error", "message": "down"}})
        text = "" if f"[weak {model}]" in prompt else f"{model} answers."
        kind = (
            "chat"
            if http.path.endswith("/chat/completions")
            else "responses"
            if http.path.endswith("/responses")
            else "messages"
        )
        if body.get("stream"):
            return _stream(http, [*_events(kind, f"{number:024d}", model, text)], done=kind == "chat")
        return _send(http, 200, _whole(kind, f"{number:024d}", model, text))


def _send(http: BaseHTTPRequestHandler, status: int, body: dict[str, Any]) -> None:
    sent = json.dumps(body).encode()
    http.send_response(status)
    http.send_header("content-type", "application/json")
    http.send_header("content-length", str(len(sent)))
    http.end_headers()
    http.wfile.write(sent)


def _stream(http: BaseHTTPRequestHandler, events: list[tuple[str, dict[str, Any]]], *, done: bool) -> None:
    http.send_response(200)
    http.send_header("content-type", "text/event-stream")
    http.send_header("connection", "close")
    http.end_headers()
    for name, event in events:
        http.wfile.write(f"event: {name}\n".encode() if name else b"")
        http.wfile.write(f"data: {json.dumps(event)}\n\n".encode())
    if done:
        http.wfile.write(b"data: [DONE]\n\n")
    http.close_connection = True


def _whole(kind: str, number: str, model: str, text: str) -> dict[str, Any]:
    if kind == "chat":
        return {
            "id": f"chatcmpl-{number}", "object": "chat.completion", "created": 1_790_000_000, "model": model,
            "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": text}}],
            "usage": {"prompt_tokens": 40, "completion_tokens": 5, "total_tokens": 45},
        }  # fmt: skip
    if kind == "responses":
        part = {"type": "output_text", "text": text, "annotations": []}
        return {
            "id": f"resp_{number}", "object": "response", "created_at": 1_790_000_000, "model": model, "status": "completed",
            "output": [{"id": f"msg_{number}", "type": "message", "role": "assistant", "status": "completed", "content": [part]}],
            "parallel_tool_calls": True, "tool_choice": "auto", "tools": [], "error": None, "incomplete_details": None,
            "instructions": None, "metadata": {}, "temperature": 1.0, "top_p": 1.0,
            "usage": {
                "input_tokens": 40, "output_tokens": 5, "total_tokens": 45,
                "input_tokens_details": {"cached_tokens": 0}, "output_tokens_details": {"reasoning_tokens": 0},
            },
        }  # fmt: skip
    return {
        "id": f"msg_{number}", "type": "message", "role": "assistant", "model": model, "stop_reason": "end_turn",
        "stop_sequence": None, "content": [{"type": "text", "text": text}] if text else [],
        "usage": {"input_tokens": 40, "output_tokens": 5},
    }  # fmt: skip


def _events(kind: str, number: str, model: str, text: str) -> list[tuple[str, dict[str, Any]]]:
    words = text.split(" ") if text else []
    if kind == "chat":
        head = {
            "id": f"chatcmpl-{number}",
            "object": "chat.completion.chunk",
            "created": 1_790_000_000,
            "model": model,
        }
        deltas = [{"role": "assistant", "content": ""}, *({"content": word + " "} for word in words)]
        chunks = [
            {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in deltas
        ]
        last = {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
        return [("", chunk) for chunk in [*chunks, last]]
    start = {
        **_whole(kind, number, model, ""),
        "content": [],
        "stop_reason": None,
        "usage": {"input_tokens": 40, "output_tokens": 1},
    }
    events = [("message_start", {"type": "message_start", "message": start})]
    if words:
        block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
        events.append(("content_block_start", block))
        for word in words:
            delta = {"type": "text_delta", "text": word + " "}
            events.append(
                ("content_block_delta", {"type": "content_block_delta", "index": 0, "delta": delta})
            )
        events.append(("content_block_stop", {"type": "content_block_stop", "index": 0}))
    ending = {"stop_reason": "end_turn", "stop_sequence": None}
    events.append(
        ("message_delta", {"type": "message_delta", "delta": ending, "usage": {"output_tokens": 5}})
    )
    return [*events, ("message_stop", {"type": "message_stop"})]
