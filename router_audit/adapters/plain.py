"""Plain records of the commonest formats, read in a fraction of the time: typed, and a batch at a time into columns.

A shape is what most records of one format look like, written down as types. What it reads is what the format's
adapter reads of the same record, to the byte; a record with a field, type or number that the adapter reads and the
shape does not list is left to the adapter. A test holds the two to the same result.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec

from router_audit.adapters import shapes
from router_audit.adapters.messages import NO_TEXT
from router_audit.adapters.usage import MOST_TOKENS
from router_audit.logfile import decode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Columns = dict[str, Any]
"""Fields of `LoggedRequest` to a list with a value for each record, or to one value (no list) for all of them.

Other than there, `started_at` is in microseconds since 1970; `messages`, `output`, `params`, `tools` and
`response_format` are the JSON that is stored; `ask` is the text of the user's turn that the call answers, or None.
"""

UNTYPED = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What a typed decode raises where a line is not of the shape."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The plain records of one format."""

    source: str
    read: Callable[[bytes], Any]
    """A line, typed. Raises one of UNTYPED where it is not of the shape."""
    odd: Callable[[list[Any]], Iterable[int]]
    """Which of the records read are not plain for all that, by place in the list."""
    columns: Callable[[list[Any]], Columns]
    """The calls of records that are plain."""


class Text(msgspec.Struct, tag_field="type", tag="text", gc=False):
    """A text part: written as a `Part` of that type is, made in a third of the time."""

    content: str


class Said(msgspec.Struct, gc=False):
    """A turn of a conversation: written as a `Message` is."""

    role: Literal["user", "assistant", "tool"]
    parts: list[Any]


LATEST = 4_102_444_800
"""2100-01-01: a number of seconds beyond is another unit."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
encode = msgspec.json.Encoder().encode
_encode_sorted = msgspec.json.Encoder(order="sorted").encode
LONGEST_NO_TEXT = max(map(len, NO_TEXT))
"""A longer text is one; asking costs a call that most texts need not."""


def typed(line: type) -> Callable[[bytes], Any]:
    """How a line is decoded into the type; raises one of UNTYPED."""
    told: Callable[[bytes], Any] = msgspec.json.Decoder(line).decode

    def read(raw: bytes) -> Any:
        if not raw.isascii():
            raw.decode()  # a typed decode does not look at what it passes over
        return told(raw)

    return read


def microseconds(moment: datetime | None) -> int | None:
    """Microseconds since 1970; a time without zone is UTC."""
    if moment is None:
        return None
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND


def is_text(text: str) -> bool:
    """Whether the text is one, and not what a logger writes in its place."""
    return len(text) > LONGEST_NO_TEXT or text not in NO_TEXT


Number = int | float
"""A number as the log wrote it: 1 and 1.0 are two texts."""

Count = Annotated[int, msgspec.Meta(ge=0, le=MOST_TOKENS)]
"""What can be a count of tokens; a line with another number is left to the adapter, which says what is wrong."""

NOTHING = b"[]"
"""What is stored where there are no tools, or no answer."""

_identity = blake2b(b"\x01response\x1f\x01", digest_size=16).copy


def identity(response_id: str) -> str:
    """What `protocol.identity("response", ID)` is."""
    digest = _identity()
    digest.update(f"{response_id}\x1f".encode())
    return digest.hexdigest()


def said(parts: list[Any]) -> bytes:
    """What the model answered, as it is stored."""
    return encode([Said("assistant", parts)]) if parts else NOTHING


@lru_cache(maxsize=256)
def tools(raw: bytes) -> bytes:
    """Tool definitions of any dialect as they are stored; callers repeat them from call to call."""
    made = shapes.tools(decode(raw))
    return _encode_sorted(made) if made else NOTHING


@lru_cache(maxsize=256)
def response_format(raw: bytes) -> bytes | None:
    """A response format as it is stored."""
    made = shapes.response_format(decode(raw))
    return None if made is None else _encode_sorted(made)


_ALIKE = 256
"""Settings that are remembered."""
_SETTINGS: dict[tuple[Any, ...], bytes] = {}


def settings(columns: dict[str, list[Any]]) -> list[bytes]:
    """The parameters of each record that are not None, as they are stored; callers repeat them from call to call."""
    count = len(next(iter(columns.values())))
    told = {name: values for name, values in columns.items() if values.count(None) < count}
    if not told:
        return [b"{}"] * count
    names = tuple(told)
    kinds = zip(*map(_kinds, told.values()), strict=True)
    return [
        _setting((names, values, kind))
        for values, kind in zip(zip(*told.values(), strict=True), kinds, strict=True)
    ]


def _kinds(values: list[Any]) -> list[Any]:
    """What tells 1, 1.0 and True apart, or 0.0 and -0.0: one key, but not one text."""
    if 0 not in values:
        return list(map(type, values))
    return [repr(value) if value == 0 else type(value) for value in values]


def _setting(key: tuple[Any, ...]) -> bytes:
    """(names, values, their kinds) to what is stored."""
    try:
        made = _SETTINGS.get(key)
    except TypeError:  # an object among them
        return _setting_made(key)
    if made is None:
        if len(_SETTINGS) >= _ALIKE:
            _SETTINGS.clear()
        made = _SETTINGS[key] = _setting_made(key)
    return made


def _setting_made(key: tuple[Any, ...]) -> bytes:
    names, values, _ = key
    return _encode_sorted(
        {name: value for name, value in zip(names, values, strict=True) if value is not None}
    )
