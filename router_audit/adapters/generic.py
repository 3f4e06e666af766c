"""Logs nobody described: `--map` says which field is which, else the usual names are tried."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from router_audit.adapters.blocks import as_record, decoded
from router_audit.adapters.dialects import logged, response_fields
from router_audit.adapters.named import FIELDS, fields_of
from router_audit.adapters.protocol import Each, Reader, Record, RecordError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from router_audit.types import Outcome

_USUAL = {
    "prompt": ("question", "instruction", "query", "input", "user_input", "request", "text_input"),
    "output": (
        "answer",
        "response",
        "completion",
        "output",
        "generated_text",
        "result",
        "prediction",
        "reply",
    ),
    "request_model": (
        "request_model",
        "model",
        "modelId",
        "model_id",
        "model_name",
        "modelName",
        "engine",
        "deployment",
    ),
    "started_at": (
        "started_at",
        "timestamp",
        "created_at",
        "createdAt",
        "created",
        "date",
        "time",
        "ts",
        "datetime",
    ),
    "latency_ms": ("latency_ms", "duration_ms", "latencyMs", "elapsed_ms"),
    "input_tokens": ("input_tokens", "prompt_tokens", "tokens_in", "promptTokens", "inputTokens"),
    "output_tokens": ("output_tokens", "completion_tokens", "tokens_out", "completionTokens", "outputTokens"),
    "logged_cost_usd": ("logged_cost_usd", "cost_usd", "cost", "total_cost"),
    "resolved": ("resolved", "passed", "success", "correct", "is_correct", "accepted", "solved"),
    "outcome_score": ("outcome_score", "score", "rating"),
    "session_id": ("session_id", "sessionId", "conversation_id", "conversationId", "thread_id", "chat_id"),
    "user": ("user", "user_id", "userId"),
    "request_id": ("request_id", "id", "uuid", "hash"),
    "system": ("system", "system_prompt", "systemPrompt"),
    "provider": ("provider", "vendor"),
}
_SPEECH = ("prompt", "output", "messages")


class _Generic:
    """Reads a record that has a question or a conversation, and an answer, by the usual names of such fields."""

    source = "generic"
    reads = "any rows with a prompt and an answer under the usual names (JSON, CSV, Parquet); else `--map`"
    ordered = False

    def detects(self, record: Record) -> bool:
        """Something asked and something answered, or a reply with its usage."""
        if _counted(record) is not None:
            return True
        asked = "messages" in record or any(name in record for name in ("prompt", *_USUAL["prompt"]))
        return asked and any(name in record for name in _USUAL["output"])

    def reader(self, file: str) -> Reader:
        """See `Adapter.reader`."""
        return Each(file, _read)


def _read(record: Record, file: str, line: int) -> Iterator[Outcome]:
    reply = _counted(record)
    named = usual(record)
    fields = fields_of(named)
    if reply is not None:
        told = response_fields(reply)
        flags = [*fields.get("flags", []), *told.get("flags", [])]
        fields = {name: value for name, value in fields.items() if value not in (None, [], {})}
        fields = told | fields | {"flags": flags}
    fields["flags"] = [*fields.get("flags", []), "fields_guessed"]
    yield logged(fields, source=GENERIC.source, file=file, line=line, native=record)


def _counted(record: Record) -> Record | None:
    """The reply whose usage the record holds: itself, or its `body` or `response`."""
    for held in (record, record.get("body"), record.get("response")):
        if isinstance(held, dict) and any(
            isinstance(held.get(name), dict) for name in ("usage", "usageMetadata")
        ):
            return held
    return None


def usual(record: Record) -> Record:
    """The record under our names, as far as its own names are usual ones."""
    found: Record = {name: value for name, value in record.items() if name in FIELDS}
    for ours, theirs in _USUAL.items():
        if ours not in found:
            value = next((record[name] for name in theirs if record.get(name) is not None), None)
            if value is not None:
                found[ours] = value
    answer = as_record(found.get("output"))
    if "reasoning_content" in answer and "text" in answer:
        found["output"] = [{**answer, "role": "assistant", "content": answer["text"]}]
    return found


def paths(options: Sequence[str]) -> dict[str, str]:
    """`FIELD=PATH` options as a mapping; raises ValueError with what is wrong."""
    found: dict[str, str] = {}
    for option in options:
        field, sign, path = option.partition("=")
        if not sign or not path:
            raise ValueError(f"--map takes FIELD=PATH, not {option!r}")
        if field not in FIELDS:
            raise ValueError(f"--map: no field {field!r}; the fields are {', '.join(sorted(FIELDS))}")
        found[field] = path
    return found


def value_at(record: Any, path: str) -> Any:
    """What stands at a dotted path; a number steps into a list, JSON text is entered. None where nothing stands."""
    held = record
    if isinstance(held, dict) and path in held:
        return held[path]
    for step in path.split("."):
        held = decoded(held)
        if isinstance(held, dict):
            held = held.get(step)
        elif isinstance(held, list) and step.lstrip("-").isdigit() and -len(held) <= int(step) < len(held):
            held = held[int(step)]
        else:
            return None
    return held


def mapped(record: Record, mapping: Mapping[str, str]) -> Record:
    """The record under our names, as the mapping says; what it does not name keeps its own name if it is one of ours."""
    found: Record = {name: value for name, value in record.items() if name in FIELDS}
    found |= {field: value_at(record, path) for field, path in mapping.items()}
    return found


class Mapped:
    """The adapter of a `--map`: every record is a call by the user's word."""

    source = "mapped"
    reads = "anything, with `--map FIELD=PATH`"
    ordered = False

    def __init__(self, mapping: Mapping[str, str]) -> None:
        self._mapping = dict(mapping)

    def detects(self, record: Record) -> bool:
        """Any record with at least one of the mapped fields."""
        return any(value_at(record, path) is not None for path in self._mapping.values())

    def reader(self, file: str) -> Reader:
        """See `Adapter.reader`."""
        return Each(file, self._read)

    def _read(self, record: Record, file: str, line: int) -> Iterator[Outcome]:
        named = mapped(record, self._mapping)
        if not any(named.get(name) for name in (*_SPEECH, "request_model", "input_tokens", "output_tokens")):
            raise RecordError("--map finds neither text, model nor tokens in this record")
        fields = fields_of(named)
        yield logged(fields, source=self.source, file=file, line=line, native=record)


GENERIC = _Generic()
