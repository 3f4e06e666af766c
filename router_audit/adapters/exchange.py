"""One HTTP exchange with a provider, told by its URL, as fields of a LoggedRequest."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import unquote, urlsplit

import msgspec

from router_audit.adapters import bodies, sse
from router_audit.adapters.blocks import as_record, decoded
from router_audit.adapters.clock import number, utc
from router_audit.adapters.dialects import request_fields, response_fields
from router_audit.adapters.messages import mapping
from router_audit.types import Filtered

_CALLS = re.compile(
    r"/(chat/completions|completions|responses|messages|complete|converse|converse-stream|invoke|"
    r"invoke-with-response-stream|api/chat|api/generate|v[12]/chat)$|:(stream)?(generateContent|rawPredict|predict)$",
    re.IGNORECASE,
)
_MODEL = re.compile(r"/model/(.+)/(?:converse|invoke)|/(?:models|deployments)/([^/:?]+)(?:[:/]|$)")
_REGION = re.compile(
    r"/locations/([a-z0-9-]+)/|bedrock-runtime\.([a-z0-9-]+)\.|//([a-z]+-[a-z]+[0-9])-aiplatform"
)


class Exchange(msgspec.Struct, frozen=True, kw_only=True):
    """A request and its reply as they crossed the wire."""

    url: str
    method: str = "POST"
    request: Any = None
    response: Any = None
    status: int | None = None
    headers: dict[str, str] = {}
    """Response headers, lower-case; never stored."""


def is_call(url: str) -> bool:
    """Whether the URL is one that makes a model answer, rather than lists, counts, embeds or uploads."""
    return bool(_CALLS.search(urlsplit(url).path.rstrip("/")))


def from_pair(record: dict[str, Any]) -> Exchange | None:
    """The exchange in a `{"request": {method, url, body}, "response": {status, body}}` record."""
    request, response = record.get("request"), record.get("response")
    if not isinstance(request, dict) or not isinstance(request.get("url"), str):
        return None
    answer = response if isinstance(response, dict) else {}
    status = answer.get("status") or answer.get("status_code")
    return Exchange(
        url=request["url"],
        method=str(request.get("method") or "POST"),
        request=request.get("body"),
        response=answer.get("body"),
        status=status if isinstance(status, int) else None,
        headers=header_map(answer.get("headers")),
    )


def header_map(headers: Any) -> dict[str, str]:
    """Headers written as an object, as `[{name, value}]` or as a flat list, by lower-case name."""
    if isinstance(headers, dict):
        return {str(name).lower(): str(value) for name, value in headers.items()}
    if not isinstance(headers, list):
        return {}
    if headers and isinstance(headers[0], dict):
        return {
            str(item.get("name")).lower(): str(item.get("value"))
            for item in headers
            if isinstance(item, dict)
        }
    return {str(name).lower(): str(value) for name, value in zip(headers[::2], headers[1::2], strict=False)}


def fields_of(exchange: Exchange) -> dict[str, Any] | Filtered:
    """Everything the exchange says about its call, or why it is none."""
    if exchange.method.upper() != "POST" or not is_call(exchange.url):
        return Filtered(
            f"not a model call: {exchange.method} {urlsplit(exchange.url).path.rsplit('/', 1)[-1][:40]}"
        )
    return bodies_fields(exchange)


def bodies_fields(exchange: Exchange) -> dict[str, Any]:
    """What the bodies say, whether or not the URL is known for calls."""
    request, response = as_record(exchange.request), collapsed(exchange.response)
    fields: dict[str, Any] | None = None
    if not is_native(request, response, exchange.url):
        fields = bodies.call(request, response, url=exchange.url, status=exchange.status)
    if fields is None:
        fields = {**request_fields(request), **response_fields(response)}
    fields["provider"] = bodies.provider_of(exchange.url)
    fields = {name: value for name, value in fields.items() if value not in (None, [], {})}
    in_url = _MODEL.search(unquote(urlsplit(exchange.url).path))
    if in_url and ("request_model" not in fields or "/deployments/" in exchange.url):
        fields["request_model"] = in_url[1] or in_url[2]
    region = _REGION.search(exchange.url)
    if region:
        fields["region"] = next(part for part in region.groups() if part)
    if "stream" in exchange.url.rpartition("/")[2].lower():
        fields.setdefault("params", {})["stream"] = True
    if exchange.status is not None and exchange.status >= 400:
        fields["status"] = "error"
        fields.setdefault("error_type", str(exchange.status))
    times = timing(response, exchange.headers)
    times["flags"] = list(dict.fromkeys([*fields.get("flags", []), *times["flags"]]))
    return fields | {name: value for name, value in times.items() if value not in (None, [])}


def is_native(request: dict[str, Any], response: dict[str, Any], url: str) -> bool:
    """Whether the bodies are of a dialect of their own: Gemini's, Bedrock's, Ollama's or Cohere's."""
    if request.keys() & {"contents", "inferenceConfig", "toolConfig", "inputText"}:
        return True
    if response.keys() & {
        "candidates",
        "usageMetadata",
        "stopReason",
        "eval_count",
        "done",
        "promptFeedback",
    }:
        return True
    return "/converse" in url or "/api/chat" in url or "/api/generate" in url or "api.cohere" in url


def collapsed(body: Any) -> dict[str, Any]:
    """The one reply a body holds, its stream put together."""
    found = decoded(body)
    if isinstance(found, dict):
        return found
    chunks = sse.events(found)
    return sse.final(chunks) or _last_native(chunks)


def _last_native(chunks: list[dict[str, Any]]) -> dict[str, Any]:
    """Streams of Gemini and Ollama: every chunk is a whole reply, its counts cumulative; the text is in all."""
    if not chunks:
        return {}
    whole = dict(chunks[-1])
    if "candidates" in chunks[0]:
        texts = [part for chunk in chunks for part in _gemini_parts(chunk)]
        last: dict[str, Any] = next((c["candidates"][0] for c in reversed(chunks) if c.get("candidates")), {})
        whole["candidates"] = [{**last, "content": {"role": "model", "parts": texts}}]
    elif isinstance(chunks[0].get("message"), dict):
        text = "".join(str(mapping(chunk.get("message")).get("content") or "") for chunk in chunks)
        whole["message"] = {**mapping(whole.get("message")), "role": "assistant", "content": text}
    elif isinstance(chunks[0].get("response"), str):
        whole["response"] = "".join(str(chunk.get("response") or "") for chunk in chunks)
    return whole


def _gemini_parts(chunk: dict[str, Any]) -> list[Any]:
    candidates = chunk.get("candidates")
    first = candidates[0] if isinstance(candidates, list) and candidates else None
    parts = mapping(mapping(first).get("content")).get("parts")
    return parts if isinstance(parts, list) else []


def timing(response: dict[str, Any], headers: dict[str, str]) -> dict[str, Any]:
    """When the call was made and how long it took, as far as reply and headers tell."""
    stamp = next(
        (response[key] for key in ("created", "created_at", "createTime") if response.get(key)), None
    )
    started, flag = utc(stamp)
    metrics, counts = as_record(response.get("metrics")), as_record(response.get("usage"))
    latency = number(metrics.get("latencyMs")) or number(headers.get("openai-processing-ms"))
    first: float | None = None
    if (nanoseconds := number(response.get("total_duration"))) is not None:
        latency = nanoseconds / 1e6
        waited = [number(response.get(key)) for key in ("load_duration", "prompt_eval_duration")]
        first = sum(part for part in waited if part) / 1e6 or None
    elif latency is None and (seconds := number(counts.get("total_time"))) is not None:
        latency = seconds * 1e3
    flags = [flag] if flag else []
    if started is None and (answered := _http_date(headers.get("date"))):
        # The header is written when the answer starts to go out.
        started, flags = answered - timedelta(milliseconds=latency or 0), ["start_estimated"]
    return {"started_at": started, "latency_ms": latency, "time_to_first_token_ms": first, "flags": flags}


def _http_date(value: str | None) -> datetime | None:
    try:
        return None if value is None else parsedate_to_datetime(value).astimezone(UTC)
    except (ValueError, TypeError):
        return None
