"""Every form of time that logs write."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from router_audit.adapters import clock

MOMENT = datetime(2025, 10, 9, 8, 53, 20, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        1_760_000_000,
        1_760_000_000.0,
        1_760_000_000_000,
        1_760_000_000_000_000,
        1_760_000_000_000_000_000,
        "1760000000",
        "1760000000000000000",
        [1_760_000_000, 0],
        "2025-10-09T08:53:20Z",
        "2025-10-09T08:53:20.000000000Z",
        "2025-10-09T08:53:20.0000000+00:00",
        "2025-10-09T01:53:20-07:00",
        MOMENT,
    ],
    ids=repr,
)
def test_forms_of_one_moment(value):
    assert clock.utc(value) == (MOMENT, None)


def test_a_missing_zone_is_stated_unless_the_source_is_known_to_write_utc():
    assert clock.utc("2025-10-09 08:53:20") == (MOMENT, clock.ASSUMED)
    assert clock.utc("2025-10-09 08:53:20", naive="utc") == (MOMENT, None)


@pytest.mark.parametrize(
    "value", ["2025-04-99T00:00:00Z", "xxxxxxxxxxxx", -5, 1e300, float("nan"), {}, "1e400"], ids=repr
)
def test_what_is_no_time_is_flagged(value):
    assert clock.utc(value) == (None, clock.INVALID)


@pytest.mark.parametrize("value", [None, "", 0, False])
def test_nothing_is_nothing(value):
    assert clock.utc(value) == (None, None)


def test_ticks_of_net():
    stamp, flag = clock.ticks(638481757794854611)

    assert flag is None
    assert stamp.isoformat() == "2024-04-08T12:22:59.485461+00:00"
