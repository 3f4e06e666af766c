"""Every timestamp a log writes, to UTC."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

TICKS_AT_EPOCH = 621_355_968_000_000_000
"""1970-01-01 in .NET ticks, 100 ns since 0001-01-01."""

ASSUMED = "timezone_assumed"
INVALID = "timestamp_invalid"

_EARLIEST = 0.0
_LATEST = 4_102_444_800.0  # 2100-01-01: whatever lies beyond is another unit or an accident


def _epoch(value: float) -> datetime | None:
    """A bare number, by its size: seconds, milliseconds, microseconds or nanoseconds since 1970."""
    size = abs(value)
    if size < 1e11:
        seconds = value
    elif size < 1e14:
        seconds = value / 1e3
    elif size < 1e17:
        seconds = value / 1e6
    else:
        seconds = value / 1e9
    if not _EARLIEST < seconds < _LATEST:
        return None
    return datetime.fromtimestamp(seconds, UTC)


def _text(value: str, naive: str) -> tuple[datetime | None, str | None]:
    text = value.strip()
    if not text:
        return None, None
    if text.isdecimal() and len(text) > 8:  # fromisoformat would read a date into the digits of an epoch
        stamp_or_none = _epoch(float(text))
        return stamp_or_none, None if stamp_or_none else INVALID
    try:
        stamp = msgspec.convert(text, datetime, strict=True)
    except msgspec.ValidationError:
        try:
            stamp = datetime.fromisoformat(text)
        except ValueError:
            try:
                stamp_or_none = _epoch(float(text))
            except (ValueError, OverflowError):
                return None, INVALID
            return stamp_or_none, None if stamp_or_none else INVALID
    if stamp.tzinfo is None:
        return stamp.replace(tzinfo=UTC), None if naive == "utc" else ASSUMED
    try:
        return stamp.astimezone(UTC), None
    except OverflowError:
        return None, INVALID


def utc(value: Any, *, naive: Literal["utc", "unknown"] = "unknown") -> tuple[datetime | None, str | None]:
    """(UTC time, flag) of an ISO text, an epoch number in any unit, a decimal text of one, or `[s, ns]`.

    A time without zone is taken as UTC and flagged `timezone_assumed`, unless `naive="utc"` says that the
    source writes UTC. What is no time gives (None, `timestamp_invalid`); nothing gives (None, None).
    """
    if value is None or isinstance(value, bool):
        return None, None
    if isinstance(value, str):
        return _text(value, naive)
    if isinstance(value, (int, float)):
        if not value:
            return None, None
        stamp = _epoch(value) if math.isfinite(value) else None
        return stamp, None if stamp else INVALID
    if isinstance(value, datetime):
        if value.tzinfo is None:
            return value.replace(tzinfo=UTC), None if naive == "utc" else ASSUMED
        return value.astimezone(UTC), None
    if isinstance(value, list) and len(value) == 2 and all(isinstance(part, (int, float)) for part in value):
        stamp = _epoch(value[0] + value[1] / 1e9)
        return stamp, None if stamp else INVALID
    return None, INVALID


def ticks(value: Any) -> tuple[datetime | None, str | None]:
    """(UTC time, flag) of .NET ticks, as Azure diagnostics write them."""
    try:
        seconds = (int(value) - TICKS_AT_EPOCH) / 1e7
    except (TypeError, ValueError):
        return None, INVALID if value else None
    if not _EARLIEST < seconds < _LATEST:
        return None, INVALID
    return datetime.fromtimestamp(seconds, UTC), None


def between_ms(start: datetime | None, end: datetime | None) -> float | None:
    """Milliseconds from start to end; None where one is missing or the order is wrong."""
    if start is None or end is None or end < start:
        return None
    return (end - start).total_seconds() * 1e3


def number(value: Any) -> float | None:
    """A finite, non-negative number (also as text), else None: latencies, scores, costs."""
    if value is None or isinstance(value, bool):
        return None
    try:
        parsed = float(value)
    except (TypeError, ValueError):
        return None
    return parsed if math.isfinite(parsed) and parsed >= 0 else None
