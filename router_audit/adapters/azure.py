"""Azure: API Management gateway logs and LLM logs, Azure OpenAI diagnostics."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING, Any

from router_audit.adapters import usage
from router_audit.adapters.blocks import as_record, decoded
from router_audit.adapters.clock import number, ticks, utc
from router_audit.adapters.conversation import messages_in, split_system
from router_audit.adapters.dialects import counted, logged
from router_audit.adapters.exchange import Exchange, fields_of
from router_audit.adapters.guard import guarded
from router_audit.adapters.names import text_or_none
from router_audit.types import Filtered, Merged, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from router_audit.adapters.protocol import Record

OPEN_CALLS = 2000
"""How many calls of the LLM log wait for their message chunks at once."""
_CATEGORIES = {
    "RequestResponse",
    "GatewayLogs",
    "GatewayLlmLogs",
    "Audit",
    "Trace",
    "AzureOpenAIRequestUsage",
}


class _Azure:
    """Reads gateway logs with bodies, LLM logs in chunks, and diagnostics that hold neither text nor tokens."""

    source = "azure"
    reads = "API Management GatewayLogs and GatewayLlmLog, Azure OpenAI RequestResponse diagnostics, Log Analytics tables"
    ordered = True

    def detects(self, record: Record) -> bool:
        """A diagnostic category, the LLM log's columns, or a table of them."""
        if str(record.get("category") or record.get("Category")) in _CATEGORIES:
            return bool(record.keys() & {"properties", "properties_s", "operationName", "OperationName"})
        if {"CorrelationId", "SequenceNumber"} <= record.keys():
            return True
        rows = record.get("records")
        if isinstance(rows, list) and rows and isinstance(rows[0], dict):
            return self.detects(rows[0])
        table = (record.get("tables") or [None])[0] if isinstance(record.get("tables"), list) else None
        return isinstance(table, dict) and "columns" in table and "rows" in table

    def reader(self, file: str) -> Reader:
        """See `Adapter.reader`."""
        return Reader(file)


class Reader:
    """Holds the chunks of calls of the LLM log."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._open: OrderedDict[str, tuple[list[Record], int]] = OrderedDict()

    def feed(self, record: Record, line: int) -> Iterable[Outcome]:
        """See `Reader.feed` of the protocol: one outcome per row."""
        rows = list(_rows(record))
        if not rows:
            yield Filtered("a table without rows")
        for row in rows:
            if {"CorrelationId", "SequenceNumber"} <= row.keys():
                yield from self._chunk(row, line)
            else:
                yield guarded(
                    partial(_entry, row, self._file, line),
                    row,
                    source=AZURE.source,
                    file=self._file,
                    line=line,
                )

    def close(self) -> Iterator[Outcome]:
        """See `Reader.close` of the protocol."""
        while self._open:
            yield self._settle()

    def _chunk(self, row: Record, line: int) -> Iterator[Outcome]:
        name = str(row["CorrelationId"])
        if name in self._open:
            self._open[name][0].append(row)
            yield Merged()
            return
        self._open[name] = ([row], line)
        if len(self._open) > OPEN_CALLS:
            yield self._settle()

    def _settle(self) -> Outcome:
        name, (rows, line) = self._open.popitem(last=False)

        def made() -> Outcome:
            rows.sort(key=lambda row: number(row["SequenceNumber"]) or 0)
            return logged(
                _llm_log(rows), source=AZURE.source, file=self._file, line=line, native=("llm", name)
            )

        return guarded(made, rows[0], source=AZURE.source, file=self._file, line=line)


def _rows(record: Record) -> Iterator[Record]:
    tables = record.get("tables")
    if isinstance(tables, list):
        for table in tables:
            names = [
                str(column.get("name")) for column in table.get("columns", []) if isinstance(column, dict)
            ]
            for values in table.get("rows", []):
                yield dict(zip(names, values, strict=False))
    elif isinstance(record.get("records"), list):
        yield from (row for row in record["records"] if isinstance(row, dict))
    else:
        yield record


def _entry(raw: Record, file: str, line: int) -> Outcome:
    row = {name[:1].lower() + name[1:]: value for name, value in raw.items()}
    properties = as_record(row.get("properties")) or as_record(row.get("properties_s"))
    if "responseBody" in properties or "backendUrl" in properties:
        return _gateway(row, properties, file, line)
    operation = str(row.get("operationName"))
    if not operation.lower().endswith(("completions_create", "responses_create", "completion_create")):
        return Filtered(f"not a model call: {operation[:60]}")
    return _diagnostic(row, properties, file, line)


def _gateway(row: Record, properties: dict[str, Any], file: str, line: int) -> Outcome:
    code = number(properties.get("responseCode"))
    found = fields_of(
        Exchange(
            url=str(properties.get("backendUrl") or properties.get("url") or row.get("url") or ""),
            method=str(properties.get("method") or properties.get("backendMethod") or "POST"),
            request=properties.get("backendRequestBody") or properties.get("requestBody"),
            response=properties.get("backendResponseBody") or properties.get("responseBody"),
            status=None if code is None else int(code),
        )
    )
    if isinstance(found, Filtered):
        return found
    started, flag = utc(row.get("time") or row.get("timeGenerated"), naive="utc")
    cut = properties.get("truncated") or row.get("truncated")
    found |= {
        "started_at": started or found.get("started_at"),
        "latency_ms": number(row.get("durationMs")),
        "provider": "azure",
        "region": text_or_none(row.get("location")),
        "team": text_or_none(properties.get("apimSubscriptionId")),
        "project": text_or_none(properties.get("apiId")),
        "trace_id": text_or_none(row.get("correlationId")),
        "flags": [*found.get("flags", []), *([flag] if flag else []), *(["truncated"] if cut else [])],
    }
    return logged(
        found, source=AZURE.source, file=file, line=line, native=("gateway", row.get("correlationId"))
    )


def _diagnostic(row: Record, properties: dict[str, Any], file: str, line: int) -> Outcome:
    started, flag = ticks(properties.get("requestTime"))
    if started is None:
        started, flag = utc(row.get("time") or row.get("timeGenerated"), naive="utc")
    code = number(row.get("resultSignature"))
    served = "-".join(str(properties[key]) for key in ("modelName", "modelVersion") if properties.get(key))
    failed = code is not None and code >= 400
    fields = {
        "started_at": started,
        "latency_ms": number(row.get("durationMs")),
        "provider": "azure",
        "request_model": text_or_none(properties.get("modelDeploymentName")),
        "response_model": served or None,
        "region": text_or_none(row.get("location")),
        "params": {"stream": properties["streamType"] == "Streaming"} if properties.get("streamType") else {},
        "status": "error" if failed else None,
        "error_type": str(int(code)) if failed and code else None,
        "trace_id": text_or_none(row.get("correlationId")),
        "flags": ["no_tokens", *([flag] if flag else [])],
    }
    # One correlation id may name several calls.
    native = (
        "diagnostic",
        row.get("correlationId"),
        properties.get("requestTime"),
        properties.get("objectId"),
    )
    return logged(fields, source=AZURE.source, file=file, line=line, native=native)


def _llm_log(rows: list[Record]) -> dict[str, Any]:
    head = next((row for row in rows if row.get("PromptTokens") is not None), rows[0])
    asked = "".join(str(row.get("RequestMessages") or "") for row in rows)
    answer = "".join(str(row.get("ResponseMessages") or "") for row in rows)
    counts = usage.inclusive(
        usage.count(head.get("PromptTokens")),
        usage.count(head.get("CompletionTokens")),
        total=usage.count(head.get("TotalTokens")),
    )
    started, flag = utc(head.get("TimeGenerated"), naive="utc")
    system, conversation = split_system(messages_in(asked))
    return {
        "started_at": started,
        "provider": "azure",
        "request_model": text_or_none(head.get("DeploymentName")),
        "response_model": text_or_none(head.get("ModelName")),
        "region": text_or_none(head.get("Region")),
        "system": system,
        "messages": conversation,
        "output": messages_in(answer, "assistant"),
        "params": {"stream": True}
        if decoded(head.get("IsStreamCompletion")) in (True, "true", "True")
        else {},
        **counted(counts),
        "trace_id": text_or_none(head.get("CorrelationId")),
        "flags": [*counts.flags, *([flag] if flag else [])],
    }


AZURE = _Azure()
