"""TensorZero: rows of its inference, model-inference and feedback tables."""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING, Any

from router_audit.adapters import scores, usage
from router_audit.adapters.blocks import as_record, decoded
from router_audit.adapters.clock import number, utc
from router_audit.adapters.conversation import messages_in, split_system
from router_audit.adapters.dialects import counted, logged, params_in, tools_in
from router_audit.adapters.exchange import Exchange, bodies_fields, collapsed
from router_audit.adapters.guard import guarded
from router_audit.adapters.names import provider_named, text_or_none
from router_audit.types import Filtered, Merged, Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from router_audit.adapters.protocol import Record

INFERENCES = 5_000
"""How many inferences wait for their model calls and feedback at once."""


class _TensorZero:
    """Reads model inferences; their inference adds function, episode and tags, feedback the outcome."""

    source = "tensorzero"
    reads = "ModelInference rows, joined with ChatInference/JsonInference and feedback rows of the same file"
    ordered = True

    def detects(self, record: Record) -> bool:
        """The columns of its tables."""
        if {"inference_id", "model_provider_name"} <= record.keys():
            return True
        if {"function_name", "variant_name", "episode_id"} <= record.keys():
            return True
        return {"metric_name", "target_id", "value"} <= record.keys()

    def reader(self, file: str) -> Reader:
        """See `Adapter.reader`."""
        return Reader(file)


class _Inference:
    """What is known of one inference: its own row, its model calls, its feedback."""

    def __init__(self) -> None:
        self.row: tuple[Record, int] | None = None
        self.calls: list[tuple[Record, int]] = []
        self.scores: list[tuple[str, Any]] = []


class Reader:
    """Holds inferences until their rows of the other tables have come."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._open: OrderedDict[str, _Inference] = OrderedDict()

    def feed(self, record: Record, line: int) -> Iterable[Outcome]:
        """See `Reader.feed` of the protocol."""
        if "metric_name" in record:
            self._inference(record.get("target_id")).scores.append(
                (str(record["metric_name"]), record.get("value"))
            )
            yield Filtered("feedback, joined to its inference")
        elif "inference_id" in record:
            if str(record.get("cached")).lower() in {"true", "1"}:
                yield Filtered("answered from TensorZero's cache")
                return
            self._inference(record["inference_id"]).calls.append((record, line))
        else:
            self._inference(record.get("id")).row = (record, line)
        while len(self._open) > INFERENCES:
            yield from self._settle(self._open.popitem(last=False)[1])

    def close(self) -> Iterator[Outcome]:
        """See `Reader.close` of the protocol."""
        episodes = {
            name: held.scores for name, held in self._open.items() if held.scores and held.row is None
        }
        while self._open:
            held = self._open.popitem(last=False)[1]
            if held.row is not None and not held.scores:
                held.scores = episodes.get(str(held.row[0].get("episode_id")), [])
            yield from self._settle(held)

    def _inference(self, name: Any) -> _Inference:
        return self._open.setdefault(str(name), _Inference())

    def _settle(self, held: _Inference) -> Iterator[Outcome]:
        for row, line in held.calls:
            yield self._guarded(partial(_model_call, row), held, row, line, "model")
        if held.row is not None and held.calls:
            yield Merged()
        elif held.row is not None:
            row, line = held.row
            yield self._guarded(partial(_alone, row), held, row, line, "inference")

    def _guarded(
        self, fields_of: Callable[[], dict[str, Any]], held: _Inference, row: Record, line: int, kind: str
    ) -> Outcome:
        def made() -> Outcome:
            shared = {**(_shared(held.row[0]) if held.row else {}), **scores.from_scores(held.scores)}
            fields = fields_of()
            fields = {**fields, **shared, "tools": fields.get("tools") or shared.get("tools", [])}
            return logged(
                fields, source=TENSORZERO.source, file=self._file, line=line, native=(kind, row.get("id"))
            )

        return guarded(made, row, source=TENSORZERO.source, file=self._file, line=line)


def _started(row: Record) -> dict[str, Any]:
    stated, flag = utc(row.get("timestamp"), naive="utc")
    if stated is None:
        # A UUIDv7 begins with its milliseconds.
        digits = str(row.get("id") or "").replace("-", "")
        if len(digits) == 32 and digits[12] == "7":
            stated, flag = utc(int(digits[:12], 16))
    return {"started_at": stated, "flags": [flag] if flag else []}


def _model_call(row: Record) -> dict[str, Any]:
    raw = bodies_fields(Exchange(url="", request=row.get("raw_request"), response=row.get("raw_response")))
    counts = usage.inclusive(
        usage.count(row.get("input_tokens")),
        usage.count(row.get("output_tokens")),
        cache_read=usage.count(row.get("provider_cache_read_input_tokens")) or raw.get("cache_read_tokens"),
        cache_write=usage.count(row.get("provider_cache_write_input_tokens"))
        or raw.get("cache_write_tokens"),
        reasoning=raw.get("reasoning_tokens"),
    )
    if (raw.get("cache_read_tokens") or raw.get("cache_write_tokens")) and raw.get("input_tokens"):
        # Versions differ in whether the column holds cached tokens; the raw reply does not.
        told = counted(counts) | {name: raw[name] for name in counted(counts) if name in raw}
    else:
        told = counted(counts)
    system, conversation = split_system(messages_in(row.get("input_messages")))
    cost = number(row.get("cost"))
    started = _started(row)
    return {
        **raw,
        **told,
        "started_at": started["started_at"],
        "flags": [*told.get("flags", []), *started["flags"]],
        "latency_ms": number(row.get("response_time_ms")),
        "time_to_first_token_ms": number(row.get("ttft_ms")),
        "provider": provider_named(row.get("model_provider_name")),
        "request_model": raw.get("request_model") or text_or_none(row.get("model_name")),
        "response_model": text_or_none(collapsed(row.get("raw_response")).get("model")),
        "system": text_or_none(row.get("system")) or system or raw.get("system"),
        "messages": conversation or raw.get("messages"),
        "output": messages_in(row.get("output"), "assistant") or raw.get("output"),
        "finish_reason": text_or_none(row.get("finish_reason")) or raw.get("finish_reason"),
        "logged_cost_usd": str(row["cost"]) if cost else None,
    }


def _shared(row: Record) -> dict[str, Any]:
    tags = as_record(row.get("tags"))
    dynamic = decoded(row.get("dynamic_tools"))
    schema = as_record(row.get("output_schema"))
    settings = as_record(as_record(row.get("inference_params")).get("chat_completion"))
    fields: dict[str, Any] = {
        "session_id": text_or_none(row.get("episode_id")),
        "trace_id": text_or_none(row.get("id")),
        "project": text_or_none(row.get("function_name")),
        "user": text_or_none(tags.get("user_id")),
        "tags": [f"variant:{row.get('variant_name')}", *(f"{name}:{value}" for name, value in tags.items())],
        "tools": tools_in(dynamic) or tools_in(as_record(row.get("tool_params")).get("tools_available")),
        "response_format": {"type": "json_schema", "schema": schema} if schema else None,
        "params": params_in(settings),
    }
    return {name: value for name, value in fields.items() if value not in (None, [], {})}


def _alone(row: Record) -> dict[str, Any]:
    """An inference whose model calls are not in the file: text and time, no tokens."""
    system, conversation = split_system(messages_in(row.get("input")))
    output = decoded(row.get("output"))
    return {
        **_started(row),
        "latency_ms": number(row.get("processing_time_ms")),
        "time_to_first_token_ms": number(row.get("ttft_ms")),
        "system": system,
        "messages": conversation,
        "output": messages_in(output.get("raw") if isinstance(output, dict) else output, "assistant"),
    }


TENSORZERO = _TensorZero()
