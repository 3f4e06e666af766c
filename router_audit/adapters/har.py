"""HAR: what a browser, a proxy or a test recorder saw of the calls to a provider."""

from __future__ import annotations

import base64
import binascii
import zlib
from functools import partial
from typing import TYPE_CHECKING, Any

from router_audit.adapters.blocks import as_record, decoded
from router_audit.adapters.clock import number, utc
from router_audit.adapters.dialects import logged
from router_audit.adapters.exchange import Exchange, fields_of, header_map
from router_audit.adapters.guard import guarded
from router_audit.adapters.protocol import Each
from router_audit.types import Filtered, Outcome, Rejected

if TYPE_CHECKING:
    from collections.abc import Iterator

from router_audit.adapters.protocol import Reader, Record

MOST_BYTES = 64 * 1024 * 1024
"""A reply that unpacks to more is cut: no model writes that much."""


class _Har:
    """Reads the entries that are model calls, told by their URLs; headers and cookies are not kept."""

    source = "har"
    reads = "HAR recordings of browsers, proxies and test recorders"
    ordered = False

    def detects(self, record: Record) -> bool:
        """A log with entries."""
        log = record.get("log")
        return isinstance(log, dict) and isinstance(log.get("entries"), list)

    def reader(self, file: str) -> Reader:
        """See `Adapter.reader`."""
        return Each(file, _read)


def _read(record: Record, file: str, line: int) -> Iterator[Outcome]:
    entries = record["log"]["entries"]
    for index, entry in enumerate(entries, 1):
        yield guarded(
            partial(_entry, as_record(entry), file, index),
            as_record(entry).get("startedDateTime"),
            source=HAR.source,
            file=file,
            line=index,
        )
    if not entries:
        yield Filtered(f"recording without entries (line {line})")


def _entry(entry: dict[str, Any], file: str, line: int) -> Outcome:
    request, response = as_record(entry.get("request")), as_record(entry.get("response"))
    try:
        body = _body(as_record(response.get("content")), header_map(response.get("headers")))
    except ValueError as error:
        return Rejected(file, line, f"reply cannot be unpacked: {error}", source=HAR.source)
    status = response.get("status")
    found = fields_of(
        Exchange(
            url=str(request.get("url") or ""),
            method=str(request.get("method") or ""),
            request=as_record(request.get("postData")).get("text"),
            response=body,
            status=status if isinstance(status, int) else None,
            headers=header_map(response.get("headers")),
        )
    )
    if isinstance(found, Filtered):
        return found
    started, flag = utc(entry.get("startedDateTime"))
    waited, took = number(as_record(entry.get("timings")).get("wait")), number(entry.get("time"))
    # A recorder that times nothing but the whole writes it as the wait.
    streamed = found.get("params", {}).get("stream") is True and waited != took
    flags = [name for name in found.get("flags", []) if name != "start_estimated"]
    found |= {
        "started_at": started or found.get("started_at"),
        "latency_ms": took,
        "time_to_first_token_ms": waited if streamed else None,
        "flags": [*flags, *([flag] if flag else [])],
    }
    return logged(found, source=HAR.source, file=file, line=line, native=entry)


def _body(content: dict[str, Any], headers: dict[str, str]) -> Any:
    """The reply's text; a recorder may keep it packed, as one base64 text or as a list of them."""
    text = content.get("text")
    if content.get("encoding") != "base64" or not isinstance(text, str):
        return text
    pieces = decoded(text)
    try:
        raw = b"".join(base64.b64decode(piece) for piece in (pieces if isinstance(pieces, list) else [text]))
        if raw[:2] == b"\x1f\x8b":
            raw = zlib.decompressobj(31).decompress(raw, MOST_BYTES)
        elif headers.get("content-encoding") == "deflate":
            raw = zlib.decompressobj().decompress(raw, MOST_BYTES)
    except (binascii.Error, TypeError, zlib.error) as error:
        raise ValueError(str(error)) from error
    if headers.get("content-encoding") == "br" and raw[:1] not in {b"{", b"d", b"e", b":"}:
        raise ValueError("packed with brotli")
    return raw.decode("utf-8", "replace")


HAR = _Har()
