"""A logged exchange, `{"request": ..., "response": ...}`, with or without the HTTP around the bodies."""

from __future__ import annotations

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec

from router_audit.adapters import bodies, clock
from router_audit.adapters.messages import mapping, parsed
from router_audit.adapters.outcome import STATED, outcome
from router_audit.adapters.protocol import Record, record_id
from router_audit.types import Filtered, LoggedRequest, Outcome

_STARTED = ("started_at", "start_time", "startTime", "timestamp", "created_at", "time", "ts", "request_time")
_ENDED = ("ended_at", "end_time", "endTime", "completed_at")
_LATENCY_MS = ("latency_ms", "duration_ms", "elapsed_ms", "response_time_ms")
_NAMES = {
    "session_id": ("session_id", "sessionId", "conversation_id", "thread_id"),
    "trace_id": ("trace_id", "traceId"),
    "parent_id": ("parent_id", "parent_request_id"),
    "user": ("user", "user_id", "end_user"),
    "team": ("team", "team_id", "tenant"),
    "project": ("project", "project_id", "app", "application", "feature"),
    "region": ("region",),
}


_FIRST_TOKEN_MS = ("time_to_first_token_ms", "ttft_ms")
_FIELD_OF = {spelling: field for field, spellings in _NAMES.items() for spelling in spellings}
_SPELLINGS = frozenset(_FIELD_OF)
_BESIDE = _SPELLINGS.union(
    _STARTED,
    _ENDED,
    _LATENCY_MS,
    _FIRST_TOKEN_MS,
    STATED,
    ("tags", "metadata", "cost_usd", "cost", "retry_count", "retries", "router_audit", "routing"),
)
"""Every name that `around` reads, so that a record without any costs one look."""


class Exchange(msgspec.Struct, frozen=True):
    """The parts of one exchange."""

    url: str
    asked: Any
    """The request body: an object, JSON text, or None."""
    answered: Any
    """The response body: an object, JSON text, a stream, or None."""
    status: int | None
    headers: dict[str, str]
    """Response headers, names in lower case."""


def exchange(record: Record) -> Exchange:
    """The exchange in a record whose `request` and `response` are bodies, or HTTP messages with a `body`."""
    request = parsed(record.get("request"))
    response = parsed(record.get("response"))
    url = record.get("url") or record.get("endpoint") or record.get("path")
    status = record.get("status_code", record.get("status"))
    headers: dict[str, str] = {}
    if isinstance(request, dict) and ("body" in request or "url" in request):
        url = request.get("url") or url
        request = request.get("body", request.get("json"))
    if isinstance(response, dict) and ("body" in response or "status_code" in response):
        status = response.get("status", response.get("status_code", status))
        headers = header_map(response.get("headers"))
        response = response.get("body", response.get("json"))
    if not isinstance(status, int) or isinstance(status, bool):
        status = int(status) if isinstance(status, str) and status.isdecimal() else None
    return Exchange(url if isinstance(url, str) else "", request, response, status, headers)


def header_map(raw: Any) -> dict[str, str]:
    """Headers by lower-case name, the first value of each; {} for what is no object."""
    if not isinstance(raw, dict):
        return {}
    return {
        str(name).lower(): str(value[0] if isinstance(value, list) and value else value)
        for name, value in raw.items()
    }


def is_pair(record: Record) -> bool:
    """Whether the record holds both halves of an exchange."""
    return "request" in record and "response" in record


def around(record: Record, fields: bodies.Fields, headers: dict[str, str]) -> None:
    """Add to `fields` what stands beside the bodies: times, latency, session, user, team, tags, outcome."""
    beside = record.keys() & _BESIDE
    for field in {_FIELD_OF[name] for name in beside & _SPELLINGS}:
        for name in _NAMES[field]:
            value = record.get(name)
            if isinstance(value, (str, int)) and not isinstance(value, bool) and value != "":
                fields[field] = str(value)
                break
    _times(record, beside, fields, headers)
    if not beside:
        return
    tags = record.get("tags")
    if isinstance(tags, list) and tags:
        fields["tags"] = [*fields.get("tags", ()), *(str(tag) for tag in tags)]
    metadata = record.get("metadata")
    if isinstance(metadata, dict):
        around_metadata(metadata, fields)
    for name in ("cost_usd", "cost"):
        if name in beside and clock.number(record[name]) is not None:
            fields["logged_cost_usd"] = str(record[name])
            break
    retries = record.get("retry_count", record.get("retries"))
    if retries.__class__ is int and retries > 0:
        fields["retry_count"] = retries
    stated = beside & STATED and outcome(record, fields)
    if not stated and isinstance(metadata, dict):
        outcome(metadata, fields)
    routing = record.get("router_audit") or record.get("routing")
    if isinstance(routing, dict):
        fields["routing"] = routing


def around_metadata(metadata: dict[str, Any], fields: bodies.Fields) -> None:
    """The names of `around`, where a logger keeps them under `metadata`."""
    for name, spellings in _NAMES.items():
        if name not in fields:
            for spelling in spellings:
                value = metadata.get(spelling)
                if isinstance(value, str) and value:
                    fields[name] = value
                    break


def _first(record: Record, beside: set[str], names: tuple[str, ...]) -> Any:
    for name in names:
        if name in beside and record[name] is not None:
            return record[name]
    return None


def _times(record: Record, beside: set[str], fields: bodies.Fields, headers: dict[str, str]) -> None:
    flag: str | None = None
    started = _first(record, beside, _STARTED)
    if started is not None:
        started, flag = clock.utc(started)
    latency = clock.number(_first(record, beside, _LATENCY_MS))
    if latency is None and started is not None:
        latency = clock.between_ms(started, clock.utc(_first(record, beside, _ENDED))[0])
    if latency is None and headers:
        latency = clock.number(headers.get("openai-processing-ms"))
    if latency is not None:
        fields["latency_ms"] = latency
    first = clock.number(_first(record, beside, _FIRST_TOKEN_MS))
    if first is not None:
        fields["time_to_first_token_ms"] = first
    if started is not None:
        fields["started_at"] = started
    elif fields.get("started_at") is None and "date" in headers:
        fields["started_at"] = _answered_at(headers["date"], latency)
    if flag:
        fields["flags"] = [*fields.get("flags", ()), flag]


def _answered_at(date: str, latency_ms: float | None) -> datetime | None:
    """The start, from the second in which the answer was sent."""
    try:
        return parsedate_to_datetime(date) - timedelta(milliseconds=latency_ms or 0)
    except (TypeError, ValueError, OverflowError):
        return None


def read(record: Record, file: str, line: int, *, source: str, provider: str | None = None) -> list[Outcome]:
    """The outcome of an exchange record of OpenAI's or Anthropic's dialect; may raise RecordError.

    `provider` is taken where the URL names none.
    """
    both = exchange(record)
    path = both.url.split("?", 1)[0]
    if both.url and path.count("/") > 2 and not bodies.is_inference(both.url):
        return [Filtered(f"no text generation: {path.rsplit('/', 2)[-2]}/{path.rsplit('/', 1)[-1]}")]
    fields = bodies.call(both.asked, both.answered, url=both.url, status=both.status)
    if fields is None:
        return [Filtered("no text generation")]
    fields["provider"] = fields["provider"] or provider
    if "request_model" not in fields and "/deployments/" in both.url:
        fields["request_model"] = both.url.split("/deployments/", 1)[1].split("/", 1)[0]
    around(record, fields, both.headers)
    if "resolved" not in fields:
        outcome(mapping(mapping(both.asked).get("metadata")), fields)
    identity = record_id(fields.get("response_id"), record)
    return [LoggedRequest(request_id=identity, source=source, file=file, line=line, **fields)]


def body_of(record: Record, name: str) -> dict[str, Any]:
    """The request or response body of a pair, as a dict; {} where it is none."""
    value = parsed(record.get(name))
    if isinstance(value, dict) and "body" in value:
        value = value["body"]
    return mapping(value)


def url_of(record: Record) -> str:
    """The URL of a pair, or ""."""
    request = record.get("request")
    url = request.get("url") if isinstance(request, dict) else None
    url = url or record.get("url") or record.get("endpoint")
    return url if isinstance(url, str) else ""
