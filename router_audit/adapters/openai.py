"""OpenAI chat.completions and Responses (and Azure, Groq, DeepSeek, Mistral, ...): pairs and bare responses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from router_audit.adapters import bodies, pairs, sse
from router_audit.adapters.protocol import Each, Reader, Record, record_id
from router_audit.types import Filtered, LoggedRequest, Merged

if TYPE_CHECKING:
    from router_audit.types import Outcome

_MARKS = frozenset({"chat.completion", "text_completion", "response"})
_PATHS = ("/completions", "/responses", "/embeddings", "/models", "/moderations", "/files", "/batches")
_OWN = ("gpt-", "o1", "o3", "o4", "chatgpt-", "ft:gpt-", "text-", "davinci", "computer-use", "codex-")


def provider_of_model(model: Any) -> str | None:
    """OpenAI, where nothing but the model's name can tell; a proxy speaks this dialect for anyone."""
    return "openai" if isinstance(model, str) and model.startswith(_OWN) else None


def _shape(record: Record) -> bool:
    answered = pairs.body_of(record, "response")
    if str(answered.get("object")) in _MARKS or isinstance(answered.get("choices"), list):
        return True
    path = pairs.url_of(record).split("?", 1)[0].rstrip("/")
    if path:
        return path.endswith(_PATHS)
    response = record.get("response")
    if isinstance(response, dict):
        response = response.get("body")
    if isinstance(response, (str, list)) and sse.looks_streamed(response):
        return any("choices" in event or "response" in event for event in sse.events(response)[:3])
    asked = pairs.body_of(record, "request")
    failed = "error" in answered and answered.get("type") != "error"
    return failed and ("messages" in asked or "input" in asked) and "model" in asked


class _OpenAI:
    """Pairs and bare response objects."""

    source = "openai"
    reads = "chat.completions and Responses exchanges (Azure too), bare replies"
    ordered = False

    def detects(self, record: Record) -> bool:
        """A pair of this shape, or a response object."""
        if "request" in record and "response" in record:
            return _shape(record)
        return str(record.get("object")) in _MARKS and ("choices" in record or "output" in record)

    def reader(self, file: str) -> Reader:
        """Each record stands alone."""
        return Each(file, read)


def read(record: Record, file: str, line: int) -> list[Outcome]:
    """The outcome of a pair or a bare response; may raise RecordError."""
    if "request" in record and "response" in record:
        asked = pairs.body_of(record, "request")
        answered = pairs.body_of(record, "response")
        provider = provider_of_model(answered.get("model") or asked.get("model"))
        return pairs.read(record, file, line, source="openai", provider=provider)
    return [bare(record, file, line)]


def bare(answered: Record, file: str, line: int) -> Outcome:
    """A response object without its request."""
    fields = bodies.call(None, answered)
    if fields is None:
        return Filtered("no text generation")
    fields["provider"] = provider_of_model(answered.get("model"))
    identity = record_id(fields.get("response_id"), answered)
    flags = [*fields.pop("flags", ()), "response_only"]
    return LoggedRequest(request_id=identity, source="openai", file=file, line=line, flags=flags, **fields)


class _Chunks:
    """Puts the chunks of streams together; a new id, or the end of the file, ends one."""

    def __init__(self, file: str) -> None:
        self._file = file
        self._chunks: list[Record] = []
        self._line = 0
        self._id = ""

    def feed(self, record: Record, line: int) -> list[Outcome]:
        """Nothing for the first chunk of a stream (its call comes at the end), `Merged` for each further one."""
        inner = record.get("response")
        name = record.get("id") or (inner.get("id") if isinstance(inner, dict) else "") or ""
        outcomes: list[Outcome] = []
        started = record.get("type") in ("response.created", "message_start")
        if self._chunks and ((name and self._id and name != self._id) or (started and self._id)):
            outcomes += self.close()
        self._id = str(name) or self._id
        if self._chunks:
            outcomes.append(Merged())
        else:
            self._line = line
        self._chunks.append(record)
        return outcomes

    def close(self) -> list[Outcome]:
        """The call whose stream was open."""
        if not self._chunks:
            return []
        chunks, self._chunks, self._id = self._chunks, [], ""
        return [bare(sse.final(chunks) or {}, self._file, self._line)]


class _OpenAIStream:
    """Chunks of a stream, one a record: SSE files, NDJSON dumps."""

    source = "openai"
    reads = "streamed replies, chunk by chunk"
    ordered = True

    def detects(self, record: Record) -> bool:
        """A chat.completion chunk or a Responses event."""
        return sse.is_chunk(record) and str(record.get("type")) not in sse.ANTHROPIC

    def reader(self, file: str) -> Reader:
        """Chunks are put together in order."""
        return _Chunks(file)


OPENAI = _OpenAI()
OPENAI_STREAM = _OpenAIStream()
