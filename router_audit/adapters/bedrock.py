"""Amazon Bedrock: model invocation logs, recorded exchanges, nock recordings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from router_audit.adapters import usage
from router_audit.adapters.blocks import as_record, decoded
from router_audit.adapters.clock import number, utc
from router_audit.adapters.dialects import counted, logged
from router_audit.adapters.exchange import Exchange, bodies_fields, fields_of, from_pair, header_map
from router_audit.adapters.names import bare_model, text_or_none
from router_audit.adapters.protocol import Each
from router_audit.types import Filtered, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router_audit.adapters.protocol import Reader, Record

_NO_TEXT = ("embed", "rerank", "image", "canvas", "stable-", "reel", "sonic")


class _Bedrock:
    """Reads one call a record; the request id is its identity, in the log as in the reply's header."""

    source = "bedrock"
    reads = "model invocation logs (S3, CloudWatch), exchanges with bedrock-runtime, nock recordings"
    ordered = False

    def detects(self, record: Record) -> bool:
        """The log's schema type, plain or in CloudWatch's wrapper, or Bedrock's host."""
        if record.get("schemaType") == "ModelInvocationLog":
            return True
        message = record.get("message")
        if isinstance(message, str):
            return '"ModelInvocationLog"' in message
        request = record.get("request")
        if isinstance(request, dict):
            return "bedrock-runtime." in str(request.get("url"))
        return "bedrock-runtime." in str(record.get("scope"))

    def reader(self, file: str) -> Reader:
        """See `Adapter.reader`."""
        return Each(file, _read)


def _read(record: Record, file: str, line: int) -> Iterator[Outcome]:
    if isinstance(record.get("message"), str):
        record = as_record(record["message"])
    if record.get("schemaType") == "ModelInvocationLog":
        yield _invocation(record, file, line)
        return
    exchange = from_pair(record) or _nock(record)
    fields = fields_of(exchange)
    if isinstance(fields, Filtered):
        yield fields
        return
    identifier = exchange.headers.get("x-amzn-requestid")
    fields["response_id"] = fields.get("response_id") or identifier
    yield logged(fields, source=BEDROCK.source, file=file, line=line, native=record)


def _nock(record: Record) -> Exchange:
    status = record.get("status")
    return Exchange(
        url=f"{record.get('scope')}{record.get('path')}",
        method=str(record.get("method") or "POST"),
        request=record.get("body"),
        response=record.get("response"),
        status=status if isinstance(status, int) else None,
        headers=header_map(record.get("rawHeaders")),
    )


def _invocation(record: Record, file: str, line: int) -> Outcome:
    model = bare_model(record.get("modelId"))
    if any(word in str(model).lower() for word in _NO_TEXT):
        return Filtered(f"no text model: {str(model)[:60]}")
    asked, answered = as_record(record.get("input")), as_record(record.get("output"))
    reply = decoded(answered.get("outputBodyJson"))
    fields = bodies_fields(Exchange(url=_url(record), request=asked.get("inputBodyJson"), response=reply))
    if "input_tokens" not in fields:
        fields |= counted(
            usage.exclusive(
                usage.count(asked.get("inputTokenCount")),
                usage.count(answered.get("outputTokenCount")),
                cache_read=usage.count(asked.get("cacheReadInputTokenCount")),
                cache_write=usage.count(asked.get("cacheWriteInputTokenCount")),
            )
        )
    started, flag = utc(record.get("timestamp"), naive="utc")
    metadata = as_record(record.get("requestMetadata"))
    failure = text_or_none(record.get("errorCode"))
    cut = "inputBodyS3Path" in asked or "outputBodyS3Path" in answered
    metrics = _metrics(reply)
    fields |= {
        "response_id": fields.get("response_id") or text_or_none(record.get("requestId")),
        "started_at": started,
        "latency_ms": number(metrics.get("invocationLatency")) or fields.get("latency_ms"),
        "time_to_first_token_ms": number(metrics.get("firstByteLatency")),
        "provider": "aws",
        "request_model": model,
        "region": text_or_none(record.get("inferenceRegion") or record.get("region")),
        "finish_reason": _end(reply) or fields.get("finish_reason"),
        "status": "error" if failure else fields.get("status"),
        "error_type": failure or fields.get("error_type"),
        "session_id": text_or_none(metadata.get("session_id") or metadata.get("sessionId")),
        "user": text_or_none(as_record(record.get("identity")).get("arn")),
        "project": text_or_none(record.get("accountId")),
        "tags": [f"{name}:{value}" for name, value in metadata.items()],
        "flags": [*fields.get("flags", []), *([flag] if flag else []), *(["truncated"] if cut else [])],
    }
    return logged(fields, source=BEDROCK.source, file=file, line=line, native=record)


def _url(record: Record) -> str:
    """The path that the operation would have had: it tells the dialect."""
    return "/model/x/converse" if str(record.get("operation")).startswith("Converse") else ""


def _metrics(reply: Any) -> dict[str, Any]:
    """A streamed reply ends with the times of the invocation."""
    chunks = reply if isinstance(reply, list) else []
    found = (as_record(chunk).get("amazon-bedrock-invocationMetrics") for chunk in reversed(chunks))
    return next((held for held in found if isinstance(held, dict)), {})


def _end(reply: Any) -> str | None:
    action = as_record(reply).get("amazon-bedrock-guardrailAction")
    return "guardrail_intervened" if action == "INTERVENED" else None


BEDROCK = _Bedrock()
