"""Evidence collected elsewhere, as JSONL: read and checked line by line, and written back."""

from __future__ import annotations

from functools import partial
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import msgspec

from router_audit.files.lines import read_lines
from router_audit.types import PROFILES

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from pathlib import Path


class TrialRecord(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One line: `{"request_id" or "messages", "candidate", "candidate_ok", "incumbent_ok", "grader", …}`."""

    request_id: str | None = None
    messages: list[dict[str, Any]] | None = None
    """Instead of a request id: the conversation itself, for a request that no log holds."""
    session_id: str | None = None
    profile: str | None = None
    huge_context: bool | None = None
    candidate: str
    candidate_ok: bool
    incumbent_ok: bool
    confidence: float | None = None
    candidate_latency_ms: float | None = None
    candidate_cost_usd: float | None = None
    grader: str

    @property
    def identity(self) -> str:
        """The request's name: as given, else a hash of the conversation."""
        if self.request_id:
            return self.request_id
        return blake2b(msgspec.json.encode(self.messages, order="deterministic"), digest_size=16).hexdigest()


def trial_id(request_id: str, candidate: str, grader: str) -> str:
    """One per request, candidate and grader: the same pair graded twice by one grader is one trial."""
    return blake2b(msgspec.json.encode([request_id, candidate, grader]), digest_size=16).hexdigest()


def read_trials(path: Path) -> Iterator[tuple[int, TrialRecord | str]]:
    """(line, record) or (line, why not) for each line that is not empty. Raises InputError on an unreadable file."""
    decoder = msgspec.json.Decoder(TrialRecord)
    return read_lines(path, partial(_read, decoder))


def written(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Each row as the line that `read_trials` reads back; fields that nothing is known of are left out."""
    fields = TrialRecord.__struct_fields__
    for row in rows:
        record = TrialRecord(**{name: row[name] for name in fields if row.get(name) is not None})
        yield msgspec.json.encode(record).decode() + "\n"


def _read(decoder: msgspec.json.Decoder[TrialRecord], line: bytes) -> TrialRecord | str:
    try:
        record = decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        return str(error)
    if not record.request_id and not record.messages:
        return "needs `request_id` or `messages`"
    if record.profile is not None and record.profile not in PROFILES:
        return f"`profile` is none of {', '.join(PROFILES)}"
    if record.confidence is not None and not 0 <= record.confidence <= 1:
        return "`confidence` lies outside [0, 1]"
    if not all(
        part.strip() for part in (record.candidate.partition("/")[0], record.candidate.partition("/")[2])
    ):
        return "`candidate` is not provider/model"
    if not record.grader.strip():
        return "`grader` is empty"
    for name in ("candidate_latency_ms", "candidate_cost_usd"):
        value = getattr(record, name)
        if value is not None and not 0 <= value < 1e9:
            return f"`{name}` is not a number from 0 up"
    return record
