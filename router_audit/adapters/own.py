"""Our own plain JSONL: the fields of a LoggedRequest by their names, for logs that no other adapter knows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from router_audit.adapters.dialects import logged
from router_audit.adapters.named import fields_of
from router_audit.adapters.protocol import Each

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router_audit.adapters.protocol import Reader, Record
    from router_audit.types import Outcome


class _Own:
    """Reads one call a record. `input_tokens` includes cached ones, `output_tokens` includes reasoning."""

    source = "own"
    reads = "plain JSONL, CSV or Parquet with our field names, plus `prompt`, `messages`, `system`, `output`, `usage`"
    ordered = False

    def detects(self, record: Record) -> bool:
        """One of our own names beside a conversation, a model or counts."""
        if "request_model" in record or "started_at" in record:
            return bool(
                record.keys() & {"messages", "prompt", "output", "input_tokens", "usage", "request_model"}
            )
        return ("messages" in record or "prompt" in record) and bool(
            record.keys() & {"output", "input_tokens"}
        )

    def reader(self, file: str) -> Reader:
        """See `Adapter.reader`."""
        return Each(file, _read)


def _read(record: Record, file: str, line: int) -> Iterator[Outcome]:
    fields = fields_of(record)
    native = ("record", record["request_id"]) if record.get("request_id") else record
    yield logged(fields, source=OWN.source, file=file, line=line, native=native)


OWN = _Own()
