"""LM Studio: exchanges with its local server, and its Responses objects."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from router_audit.adapters.dialects import logged
from router_audit.adapters.exchange import Exchange, bodies_fields, fields_of, from_pair
from router_audit.adapters.protocol import Each
from router_audit.types import Filtered, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router_audit.adapters.protocol import Reader, Record

_ITEM = re.compile(r"(?:rs|msg|fc)_[a-z0-9]{21}")
"""Its item ids are 21 letters and digits; OpenAI's are longer and hexadecimal."""


class _LMStudio:
    """Reads one call per exchange or reply."""

    source = "lmstudio"
    reads = "exchanges with the local server, Responses objects"
    ordered = False

    def detects(self, record: Record) -> bool:
        """Its port, or a Responses object with ids of its kind."""
        request = record.get("request")
        if isinstance(request, dict):
            return ":1234/" in str(request.get("url"))
        output = record.get("output")
        first = (
            output[0] if record.get("object") == "response" and isinstance(output, list) and output else None
        )
        return isinstance(first, dict) and _ITEM.fullmatch(str(first.get("id"))) is not None

    def reader(self, file: str) -> Reader:
        """See `Adapter.reader`."""
        return Each(file, _read)


def _read(record: Record, file: str, line: int) -> Iterator[Outcome]:
    exchange = from_pair(record)
    if exchange is None:
        found = bodies_fields(Exchange(url="", response=record))
        found["flags"] = [*found.get("flags", []), "response_only"]
    else:
        told = fields_of(exchange)
        if isinstance(told, Filtered):
            yield told
            return
        found = told
    found["provider"] = "lmstudio"
    yield logged(found, source=LMSTUDIO.source, file=file, line=line, native=record)


LMSTUDIO = _LMStudio()
