"""Requests whose profile somebody knows, as JSONL: read and checked line by line, plain or compressed."""

from __future__ import annotations

import gzip
import io
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, TYPE_CHECKING, Any

import msgspec

from router_audit.errors import InputError
from router_audit.types import PROFILES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SHOWN_KEYS = ("system", "prompt", "messages", "tools", "response_format")
"""What of a line a classifier may see."""


@dataclass(frozen=True, slots=True)
class GoldRecord:
    """One request and its true profile."""

    line: int
    record: dict[str, Any]
    """`{"system"?, "prompt" or "messages", "tools"?, "response_format"?}`."""
    profile: str
    source: str


@dataclass(frozen=True, slots=True)
class Gold:
    """A gold file."""

    records: tuple[GoldRecord, ...]
    rejected: tuple[str, ...]
    """`file:line: why` of the lines left out."""


def read_gold(path: Path) -> Gold:
    """Every sound line. Raises InputError where the file cannot be read or holds no sound line."""
    records: list[GoldRecord] = []
    rejected: list[str] = []
    decoder = msgspec.json.Decoder(dict[str, Any])
    try:
        with _lines(path) as lines:
            for number, line in enumerate(lines, 1):
                if not line.strip():
                    continue
                found = _read(decoder, line, number)
                if isinstance(found, GoldRecord):
                    records.append(found)
                else:
                    rejected.append(f"{path.name}:{number}: {found}")
    except (OSError, EOFError) as error:
        said = getattr(error, "strerror", None) or str(error)
        raise InputError(f"cannot be read ({said})", where=str(path)) from None
    if not records:
        why = f"; {rejected[0]}" if rejected else ""
        raise InputError(f'holds no record {{"prompt" or "messages", "profile"}}{why}', where=str(path))
    return Gold(tuple(records), tuple(rejected))


@contextmanager
def _lines(path: Path) -> Iterator[IO[bytes]]:
    with path.open("rb") as file:
        head = file.peek(4)[:4]
        if head[:2] == b"\x1f\x8b":
            with gzip.open(file, "rb") as plain:
                yield plain  # type: ignore[misc]
        elif head == b"\x28\xb5\x2f\xfd":
            import zstandard

            with io.BufferedReader(zstandard.ZstdDecompressor().stream_reader(file)) as plain_zst:
                yield plain_zst
        else:
            yield file


def _read(decoder: msgspec.json.Decoder[dict[str, Any]], line: bytes, number: int) -> GoldRecord | str:
    try:
        record = decoder.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return str(error)
    profile = record.get("profile")
    if profile not in PROFILES:
        return f"`profile` is none of {', '.join(PROFILES)}"
    if "prompt" not in record and "messages" not in record:
        return "needs `prompt` or `messages`"
    shown: dict[str, Any] = {key: record[key] for key in SHOWN_KEYS if key in record}
    return GoldRecord(number, shown, str(profile), str(record.get("source") or ""))
