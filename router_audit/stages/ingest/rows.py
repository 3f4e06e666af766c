"""Requests to columns, checked and masked, in shards on disk that DuckDB loads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from router_audit.adapters.plain import microseconds
from router_audit.adapters.protocol import RecordError
from router_audit.adapters.usage import MOST_TOKENS
from router_audit.stages.ingest import mask, redact
from router_audit.stages.ingest.bulk import Bulk
from router_audit.stages.ingest.columns import COLUMNS, COUNTS, MOST_RETRIES, batch, cost_text, strings
from router_audit.stages.ingest.contents import Templates, ask_hash, content_hash
from router_audit.stages.ingest.loading import shard_path

if TYPE_CHECKING:
    from pathlib import Path

    import pyarrow as pa

    from router_audit.types import LoggedRequest, Rejected

_COUNTS = COUNTS[1:7]
_LEAST = 1 << 29
_encode = msgspec.json.Encoder().encode
_encode_sorted = msgspec.json.Encoder(order="sorted").encode


def _check(request: LoggedRequest) -> None:
    for name in _COUNTS:
        value = getattr(request, name)
        if value is not None and (value.__class__ is not int or not 0 <= value <= MOST_TOKENS):
            raise RecordError(f"{name} is no token count: {str(value)[:40]}")


class Shard:
    """Rows under way to one file, with the templates they use and the rejects among them."""

    def __init__(self, number: int, *, redacting: bool = False) -> None:
        self.number = number
        self.rejects: list[Rejected] = []
        self.body_bytes = 0
        """Of the rows that were added one by one."""
        self._redacting = redacting
        self._rows: list[tuple[Any, ...]] = []
        self._places: list[int] = []
        self._templates = Templates()
        self.bulk = Bulk(self._templates)
        """Rows of plain records."""

    @property
    def rows(self) -> int:
        """How many rows there are so far, and rejects."""
        return len(self._rows) + len(self.rejects) + self.bulk.count

    def add(self, request: LoggedRequest, place: int) -> None:
        """One more row, of that place among all records; raises RecordError where its numbers are impossible."""
        if self._redacting:
            request = redact.redacted(request)
        try:
            counts = (
                (request.input_tokens or 0)
                | (request.output_tokens or 0)
                | (request.cache_read_tokens or 0)
                | (request.cache_write_tokens or 0)
                | (request.cache_write_1h_tokens or 0)
                | (request.reasoning_tokens or 0)
            )
            suspect = not 0 <= counts < _LEAST
        except TypeError:
            suspect = True
        if suspect:
            _check(request)
        cost = request.logged_cost_usd
        conversation, output = _encode(request.messages), _encode(request.output)
        self.body_bytes += len(conversation) + len(output)
        template = self._templates.of(
            request.system,
            _encode_sorted(request.tools) if request.tools else b"[]",
            None if request.response_format is None else _encode_sorted(request.response_format),
        )
        self._places.append(place)
        self._rows.append(
            (
                request.request_id,
                request.source,
                request.file,
                request.response_id,
                request.provider,
                request.request_model,
                request.response_model,
                request.region,
                template,
                conversation,
                output,
                _encode_sorted(request.params) if request.params else b"{}",
                None if cost is None else cost_text(cost),
                request.service_tier,
                request.status,
                request.error_type,
                request.finish_reason,
                request.session_id,
                request.trace_id,
                request.parent_id,
                request.user,
                request.team,
                request.project,
                _encode(request.tags) if request.tags else b"[]",
                request.outcome_origin,
                _encode_sorted(request.routing) if request.routing else b"{}",
                _encode(request.flags) if request.flags else b"[]",
                content_hash(template, conversation),
                None if request.session_id is None else ask_hash(request.messages),
                request.half,
                request.join_key,
                request.line,
                request.input_tokens,
                request.output_tokens,
                request.cache_read_tokens,
                request.cache_write_tokens,
                request.cache_write_1h_tokens,
                request.reasoning_tokens,
                min(request.retry_count, MOST_RETRIES),
                request.latency_ms,
                request.time_to_first_token_ms,
                request.outcome_score,
                microseconds(request.started_at),
                request.resolved,
            )
        )

    def write(self, folder: Path) -> None:
        """The rows, templates and rejects as Arrow files of this shard's number in the folder."""
        import pyarrow as pa

        for kind, table in (
            ("requests", self._requests(pa)),
            ("templates", self._template_rows(pa)),
            ("rejects", self._reject_rows(pa)),
        ):
            if table is not None:
                path = shard_path(folder, kind, self.number)
                with pa.OSFile(str(path), "wb") as file, pa.ipc.new_file(file, table.schema) as writer:
                    writer.write(table)

    def _requests(self, pa: Any) -> pa.Table | None:
        batches = []
        if self.bulk.count:
            batches.append(batch(self.bulk.columns, self.bulk.count))
        if self._rows:
            columns = dict(zip(COLUMNS, zip(*self._rows, strict=True), strict=True))
            batches.append(batch(columns | {"place": self._places}, len(self._rows)))
        if not batches:
            return None
        # Plain records and others stand apart here; in the store they stand as they did in the file.
        table = pa.Table.from_batches(batches)
        return table if len(batches) == 1 else table.sort_by("place")

    def _template_rows(self, pa: Any) -> pa.Table | None:
        if not self._templates.rows:
            return None
        system, tools, shape = zip(*self._templates.rows.values(), strict=True)
        arrays = {
            "template_id": pa.array(list(self._templates.rows), pa.string()),
            "system": strings(pa, system),
            "tools": strings(pa, tools),
            "response_format": strings(pa, shape),
        }
        return pa.table(mask.masked(arrays, ("system", "tools")))

    def _reject_rows(self, pa: Any) -> pa.Table | None:
        if not self.rejects:
            return None
        arrays = {
            "file": pa.array([one.file for one in self.rejects], pa.string()),
            "line": pa.array([one.line for one in self.rejects], pa.int64()),
            "source": pa.array([one.source for one in self.rejects], pa.string()),
            "reason": strings(pa, [one.reason.encode("utf-8", "replace") for one in self.rejects]),
            "excerpt": strings(pa, [one.excerpt.encode("utf-8", "replace") for one in self.rejects]),
        }
        return pa.table(mask.masked(arrays, ("reason", "excerpt")))
