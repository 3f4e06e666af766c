"""One record, or why there is none: the decoding of a single JSON value."""

from __future__ import annotations

import json
import math
from typing import Any

import msgspec

MAX_RECORD = 64 * 1024 * 1024
"""Bytes of one line. A longer one is no log line, and would not fit beside others in memory."""

MAX_DOCUMENT = 512 * 1024 * 1024
"""Bytes of one JSON document or text file that is a record as a whole."""

EXCERPT = 200
"""Characters of a bad record that are kept."""


class Bad(msgspec.Struct, frozen=True):
    """A piece of a file that is no record, and why."""

    reason: str
    excerpt: str = ""
    whole_file: bool = False
    """Whether nothing at all could be read from the file."""


Numbered = tuple[int, "dict[str, Any] | Bad"]
"""1-based line (or index in a container; 0 for the file itself) and what stands there."""

_decode = msgspec.json.Decoder().decode


def printable(raw: bytes | str) -> str:
    """The head of the raw text, printable."""
    text = raw[: EXCERPT * 4].decode("utf-8", "replace") if isinstance(raw, bytes) else raw
    return "".join(char if char.isprintable() else " " for char in text[:EXCERPT])


def decode(raw: bytes) -> Any:
    """The JSON value of the bytes, or `Bad`. What is no number, or beyond any, becomes null; a lone surrogate a question mark."""
    try:
        return _decode(raw)
    except UnicodeDecodeError:
        return Bad("not UTF-8 text", printable(raw))
    except RecursionError:
        return Bad("JSON nested too deeply", printable(raw))
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        return _lenient(raw, str(error))


def _finite(digits: str) -> float | None:
    value = float(digits)
    return value if math.isfinite(value) else None


def _whole(digits: str) -> int | None:
    try:
        return int(digits)
    except ValueError:  # Python turns no longer text into a number
        return None


def _lenient(raw: bytes, reason: str) -> Any:
    """What Python's own json writes but JSON forbids (NaN, Infinity, lone surrogates, a BOM), or has no number for."""
    try:
        text = raw.decode("utf-8-sig")
        value = json.loads(text, parse_constant=lambda _: None, parse_float=_finite, parse_int=_whole)
        return _decode(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    except UnicodeDecodeError:
        return Bad("not UTF-8 text", printable(raw))
    except (ValueError, RecursionError, msgspec.MsgspecError):
        if b"\x00" in raw:
            reason = "NUL bytes in the line"
        return Bad(reason.removeprefix("JSON is malformed: ").join(("not JSON: ", "")), printable(raw))


def unfold(line: int, value: Any) -> list[Numbered]:
    """The records in a decoded value: itself, or the elements of a list; what is no object is `Bad`."""
    if value.__class__ is dict or value.__class__ is Bad:
        return [(line, value)]
    if isinstance(value, str) and value[:1] in ("{", "["):
        value = decode(value.encode("utf-8", "replace"))
        if isinstance(value, (dict, Bad)):
            return [(line, value)]
    if isinstance(value, list) and value:
        return [
            (
                line,
                entry if isinstance(entry, dict) else Bad("an element is no object", printable(str(entry))),
            )
            for entry in value
        ]
    return [(line, Bad("not an object", printable(str(value))))]
