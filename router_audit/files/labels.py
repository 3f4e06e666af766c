"""Labels as JSONL: read and checked line by line, and written."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

import msgspec

from router_audit.files.lines import read_lines
from router_audit.types import PROFILES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class LabelRecord(msgspec.Struct, frozen=True, omit_defaults=True):
    """One line: `{"content_hash" or "request_id", "profile"}`; other keys, as an export writes them, are passed over."""

    profile: str | None = None
    content_hash: str | None = None
    request_id: str | None = None
    labeller: str | None = None
    """Whose label an export wrote: where the profile is still that one, nobody has looked at it."""

    @property
    def identity(self) -> str:
        """What the label is of."""
        return self.content_hash or self.request_id or ""


def read_labels(path: Path) -> Iterator[tuple[int, LabelRecord | str]]:
    """(line, record) or (line, why not) for each line that is not empty. Raises InputError on an unreadable file."""
    decoder = msgspec.json.Decoder(LabelRecord)
    return read_lines(path, partial(_read, decoder))


def _read(decoder: msgspec.json.Decoder[LabelRecord], line: bytes) -> LabelRecord | str:
    try:
        record = decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return str(error)
    if not record.identity:
        return "needs `content_hash` or `request_id`"
    abstained = record.profile is None and record.labeller is not None
    if record.profile not in PROFILES and not abstained:
        return f"`profile` is none of {', '.join(PROFILES)}"
    return record
