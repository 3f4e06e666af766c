"""Evidence collected elsewhere, as JSONL: read and checked line by line, and written back."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import msgspec

from router_audit.errors import InputError
from router_audit.types import PROFILES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class TrialRecord(msgspec.Struct, frozen=True, omit_defaults=True, forbid_unknown_fields=True):
    """One line: `{"request_id" or "messages", "candidate", "candidate_ok", "incumbent_ok", "grader", …}`."""

    candidate: str
    candidate_ok: bool
    incumbent_ok: bool
    grader: str
    request_id: str | None = None
    messages: list[dict[str, Any]] | None = None
    """Instead of a request id: the conversation itself, for a request that no log holds."""
    session_id: str | None = None
    profile: str | None = None
    huge_context: bool | None = None
    confidence: float | None = None
    candidate_latency_ms: float | None = None
    candidate_cost_usd: float | None = None

    @property
    def identity(self) -> str:
        """The request's name: as given, else a hash of the conversation."""
        if self.request_id:
            return self.request_id
        return blake2b(msgspec.json.encode(self.messages, order="deterministic"), digest_size=16).hexdigest()

    @property
    def trial_id(self) -> str:
        """One per request, candidate and grader."""
        said = msgspec.json.encode([self.identity, self.candidate, self.grader])
        return blake2b(said, digest_size=16).hexdigest()


def read_trials(path: Path) -> Iterator[tuple[int, TrialRecord | str]]:
    """(line, record) or (line, why not) for each line that is not empty. Raises InputError on an unreadable file."""
    decoder = msgspec.json.Decoder(TrialRecord)
    try:
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield number, _read(decoder, line)
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", where=str(path)) from None


def _read(decoder: msgspec.json.Decoder[TrialRecord], line: bytes) -> TrialRecord | str:
    try:
        record = decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return str(error)
    if not record.request_id and not record.messages:
        return "needs `request_id` or `messages`"
    if record.profile is not None and record.profile not in PROFILES:
        return f"`profile` is none of {', '.join(PROFILES)}"
    if record.confidence is not None and not 0 <= record.confidence <= 1:
        return "`confidence` lies outside [0, 1]"
    if "/" not in record.candidate.strip("/"):
        return "`candidate` is not provider/model"
    return record
