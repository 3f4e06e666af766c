"""OpenAI Batch (and Groq's): input lines and output lines, joined on `custom_id`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from router_audit.adapters import bodies
from router_audit.adapters.messages import mapping
from router_audit.adapters.protocol import Each, Reader, Record, call_id, identity, record_id
from router_audit.types import Filtered, LoggedRequest, Rejected

if TYPE_CHECKING:
    from router_audit.types import Outcome


def _is_input(record: Record) -> bool:
    return "custom_id" in record and "body" in record and "url" in record


def _is_output(record: Record) -> bool:
    return "custom_id" in record and "response" in record and "request" not in record


class _OpenAIBatch:
    """Half a call a line: the store puts the halves together, whichever file they stand in."""

    source = "openai_batch"
    reads = "Batch input and output lines (OpenAI, Groq), joined"
    ordered = False

    def detects(self, record: Record) -> bool:
        """`custom_id` with a request body and its URL, or with a response."""
        return _is_input(record) or _is_output(record)

    def reader(self, file: str) -> Reader:
        """Each record stands alone."""
        return Each(file, _read)


def _read(record: Record, file: str, line: int) -> list[Outcome]:
    return [_asked(record, file, line) if _is_input(record) else _answered(record, file, line)]


def _joined(record: Record) -> str:
    return identity("openai_batch", record["custom_id"])


def _asked(record: Record, file: str, line: int) -> Outcome:
    url = str(record.get("url") or "")
    if not bodies.is_inference(url):
        return Filtered(f"no text generation: {url}")
    fields = bodies.call(record.get("body"), None, url=url)
    if fields is None:
        return Rejected(file, line, "a batch line without messages or input", source="openai_batch")
    fields["provider"] = _provider(fields.get("request_model"))
    fields["service_tier"] = "batch"
    return LoggedRequest(
        request_id=identity("openai_batch", record["custom_id"], record_id(None, record)),
        source="openai_batch",
        file=file,
        line=line,
        half="request",
        join_key=_joined(record),
        flags=["request_only"],
        **fields,
    )


def _answered(record: Record, file: str, line: int) -> Outcome:
    response = record.get("response")
    outer = response if isinstance(response, dict) else {}
    body = mapping(outer.get("body"))
    error = record.get("error") or body.get("error")
    if body.get("object") == "list":
        return Filtered("no text generation: embeddings")
    if not body or "error" in body:
        body = {**body, "object": "chat.completion", "error": error or "no response"}
    status = outer.get("status_code")
    fields = bodies.call(None, body, status=status if isinstance(status, int) else None)
    if fields is None:
        return Filtered("no text generation")
    fields["provider"] = "groq" if "x_groq" in body else _provider(fields.get("response_model"))
    fields["service_tier"] = "batch"
    flags = [*fields.pop("flags", ()), "response_only"]
    seconds = (body.get("usage") or {}).get("total_time") if isinstance(body.get("usage"), dict) else None
    if isinstance(seconds, (int, float)):
        fields["latency_ms"] = seconds * 1e3
    return LoggedRequest(
        request_id=call_id(fields.get("response_id"), "openai_batch", record.get("id"), record["custom_id"]),
        source="openai_batch",
        file=file,
        line=line,
        half="response",
        join_key=_joined(record),
        flags=flags,
        **fields,
    )


def _provider(model: Any) -> str | None:
    return (
        "openai" if isinstance(model, str) and model.startswith(("gpt-", "o1", "o3", "o4", "ft:")) else None
    )


OPENAI_BATCH = _OpenAIBatch()
