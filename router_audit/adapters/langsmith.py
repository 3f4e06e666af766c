"""LangSmith: runs as its SDKs send them, in two halves, and as its API and bulk exports give them back."""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from router_audit.adapters import scores, usage
from router_audit.adapters.blocks import as_record, decoded
from router_audit.adapters.clock import between_ms, number, utc
from router_audit.adapters.conversation import messages_in, split_system
from router_audit.adapters.dialects import (
    counted,
    finish_reason,
    logged,
    offered,
    params_in,
    response_format,
    tools_in,
)
from router_audit.adapters.guard import guarded
from router_audit.adapters.leaves import Leaves
from router_audit.adapters.names import provider_named, text_or_none
from router_audit.types import Filtered, Merged, Outcome

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from router_audit.adapters.protocol import Record

HALVES = 2_000
"""How many runs may wait for their second half."""


class _LangSmith:
    """Reads runs of type `llm`, leaves only; feedback is the outcome."""

    source = "langsmith"
    reads = (
        "run batches of the SDKs (post and patch merged), API pages, bulk-export rows; feedback as outcome"
    )
    ordered = True

    def detects(self, record: Record) -> bool:
        """Post and patch lists of runs, or one run."""
        for key in ("post", "patch", "runs"):
            held = record.get(key)
            if isinstance(held, list) and held and isinstance(held[0], dict):
                return "dotted_order" in held[0] or "run_type" in held[0]
        return "run_type" in record and ("dotted_order" in record or "trace_id" in record)

    def reader(self, file: str) -> Reader:
        """See `Adapter.reader`."""
        return Reader(file)


class Reader:
    """Holds runs whose second half has not come, then those that may stand above others."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._halves: OrderedDict[str, tuple[dict[str, Any], int]] = OrderedDict()
        self._leaves = Leaves()

    def feed(self, record: Record, line: int) -> Iterable[Outcome]:
        """See `Reader.feed` of the protocol: one outcome per run and per patch."""
        if "post" not in record and "patch" not in record and "runs" not in record:
            yield from self._whole(record, line)
            return
        for key in ("runs", "post"):
            for run in _list(record.get(key)):
                yield from self._first(as_record(run), line)
        for patch in _list(record.get("patch")):
            yield from self._second(as_record(patch), line)

    def close(self) -> Iterator[Outcome]:
        """See `Reader.close` of the protocol."""
        while self._halves:
            run, line = self._halves.popitem(last=False)[1]
            yield from self._whole(run, line)
        yield from self._leaves.close()

    def _first(self, run: dict[str, Any], line: int) -> Iterator[Outcome]:
        if run.get("run_type") != "llm" or run.get("end_time") or run.get("error"):
            yield from self._whole(run, line)
            return
        self._halves[_id(run)] = (run, line)
        if len(self._halves) > HALVES:
            yield from self._whole(*self._halves.popitem(last=False)[1])

    def _second(self, patch: dict[str, Any], line: int) -> Iterator[Outcome]:
        half = self._halves.pop(_id(patch), None)
        if half is not None:
            yield Merged()
            yield from self._whole(
                {**half[0], **{k: v for k, v in patch.items() if v not in (None, [], {})}}, half[1]
            )
        elif patch.get("run_type") == "llm":
            yield from self._whole(patch, line)
        else:
            yield Filtered("second half of a run that is no model call")

    def _whole(self, run: dict[str, Any], line: int) -> Iterator[Outcome]:
        place = (
            str(run.get("trace_id") or _id(run)),
            _id(run),
            text_or_none(run.get("parent_run_id")) or _parent(run),
        )
        if run.get("run_type") != "llm":
            self._leaves.link(*place)
            yield Filtered(f"no model call: {str(run.get('run_type'))[:40]}")
            return

        def made() -> Outcome:
            fields = _call(run) | {"trace_id": place[0], "parent_id": place[2]}
            return logged(
                fields, source=LANGSMITH.source, file=self._file, line=line, native=("run", place[1])
            )

        call = guarded(made, run, source=LANGSMITH.source, file=self._file, line=line)
        yield from self._leaves.hold(*place, call)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _id(run: dict[str, Any]) -> str:
    """The run's id; the JavaScript SDK leaves it out of patches, where `dotted_order` ends in it."""
    stated = run.get("id") or run.get("run_id")
    return str(stated or str(run.get("dotted_order")).rpartition("Z")[2])


def _parent(run: dict[str, Any]) -> str | None:
    path = str(run.get("dotted_order") or "").split(".")
    return path[-2].rpartition("Z")[2] if len(path) > 1 else None


def _call(run: dict[str, Any]) -> dict[str, Any]:
    extra, inputs, outputs = (
        as_record(run.get("extra")),
        as_record(run.get("inputs")),
        as_record(run.get("outputs")),
    )
    metadata = as_record(extra.get("metadata"))
    invocation = as_record(extra.get("invocation_params"))
    started, flag = utc(run.get("start_time"), naive="utc")
    system, conversation = split_system(messages_in(inputs))
    told = _generation(outputs)
    counts = _tokens(run, outputs, told)
    details: dict[str, Any] = as_record(told.get("response_metadata"))
    asked = invocation.get("model") or invocation.get("model_name") or inputs.get("model")
    error = text_or_none(run.get("error"))
    cost = number(run.get("total_cost"))
    answer = {key: outputs[key] for key in ("choices", "generations", "message", "messages", "output", "content", "role")
              if outputs.get(key)}  # fmt: skip
    return {
        "response_id": text_or_none(outputs.get("id")) or text_or_none(details.get("id")),
        "started_at": started,
        "latency_ms": between_ms(started, utc(run.get("end_time"), naive="utc")[0]),
        "time_to_first_token_ms": between_ms(started, utc(_first_token(run), naive="utc")[0]),
        "provider": provider_named(metadata.get("ls_provider"), details.get("model_provider")),
        "request_model": text_or_none(asked) or text_or_none(metadata.get("ls_model_name")),
        "response_model": text_or_none(outputs.get("model")) or text_or_none(details.get("model_name")),
        "system": system,
        "messages": conversation,
        "output": messages_in(answer, "assistant"),
        "tools": tools_in(offered(inputs) or offered(invocation)),
        "response_format": response_format([inputs, invocation]),
        "params": {**params_in(invocation), **params_in(inputs)},
        "finish_reason": finish_reason(outputs) or text_or_none(details.get("finish_reason"))
        or text_or_none(details.get("stop_reason")),
        **counted(counts),
        "logged_cost_usd": str(run["total_cost"]) if cost else None,
        "status": "error" if error or run.get("status") == "error" else None,
        "error_type": error.splitlines()[0][:200] if error else None,
        "session_id": next((text_or_none(metadata.get(key)) for key in ("session_id", "thread_id", "conversation_id")
                            if metadata.get(key)), None),
        "user": text_or_none(metadata.get("user_id")),
        "project": text_or_none(run.get("session_name")),
        "tags": [tag for tag in _list(decoded(run.get("tags"))) if isinstance(tag, str)],
        **scores.from_scores(_feedback(run)),
        "flags": [*counts.flags, *([flag] if flag else [])],
    }  # fmt: skip


def _generation(outputs: dict[str, Any]) -> dict[str, Any]:
    """The keyword arguments of the LangChain message a run put out."""
    held: Any = outputs.get("generations")
    while isinstance(held, list) and held:
        held = held[0]
    message = as_record(as_record(held).get("message") or outputs.get("message"))
    return as_record(message.get("kwargs")) or message


def _tokens(run: dict[str, Any], outputs: dict[str, Any], message: dict[str, Any]) -> usage.Usage:
    """LangChain's `usage_metadata` includes cached tokens whatever the provider; other shapes are the provider's."""
    for holder in (outputs, message):
        stated = as_record(holder.get("usage_metadata"))
        if stated:
            return usage.openai(stated)
    for held in (outputs.get("usage"), as_record(outputs.get("llm_output")).get("token_usage")):
        if as_record(held):
            return usage.any_dialect(as_record(held))
    return usage.inclusive(
        usage.count(run.get("prompt_tokens")),
        usage.count(run.get("completion_tokens")),
        total=usage.count(run.get("total_tokens")),
    )


def _first_token(run: dict[str, Any]) -> Any:
    if run.get("first_token_time"):
        return run["first_token_time"]
    held: Any = decoded(run.get("events"))
    events = held if isinstance(held, list) else []
    return next((e.get("time") for e in events if isinstance(e, dict) and e.get("name") == "new_token"), None)


def _feedback(run: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in as_record(run.get("feedback_stats")).items():
        held = as_record(value)
        yield name, held.get("avg") if held else value


LANGSMITH = _LangSmith()
