"""Token buckets by hand, limits files, regions, and latency with its second call."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router_audit.capacity import by_model, calls_of, peak_uses, proposed_latency, replay, samples, too_slow
from router_audit.capacity.replay import _one_by_one, _waits
from router_audit.errors import InputError
from router_audit.pricing.limits import read_limits
from router_audit.savings.mix import assign
from router_audit.types.capacity import Latency, Limit, Limits
from router_audit.types.money import NEVER, Overheads, Rate, RoutePlan
from tests.test_savings import PRICES, log, plan

if TYPE_CHECKING:
    from pathlib import Path

START = pl.lit("2026-11-01 00:00:00").str.to_datetime()


def calls(*rows: tuple[float, float]) -> pl.DataFrame:
    """(second, input tokens) of calls to m/small."""
    return pl.DataFrame(rows, schema={"s": pl.Float64, "input": pl.Float64}, orient="row").select(
        (START + pl.duration(microseconds=(pl.col("s") * 1e6).cast(pl.Int64))).alias("at"),
        pl.lit("m/small").alias("ref"),
        "input",
        pl.lit(0.0).alias("output"),
        pl.lit(0.0).alias("cached"),
    )


def test_a_full_bucket_serves_a_burst_and_then_its_rate() -> None:
    six_at_once = calls(*[(0, 1)] * 6)
    use = replay(six_at_once, Limits((Limit("m", "small", rpm=4),)), "today")

    assert use.queued_share == 2 / 6
    assert use.refused_share == 0
    assert use.p95_wait_s == pytest.approx(np.percentile([15, 30], 95))


def test_waiting_longer_than_allowed_is_refused_and_takes_nothing() -> None:
    burst = calls(*[(0, 1)] * 6, (15, 1))
    use = replay(burst, Limits((Limit("m", "small", rpm=4),), max_wait_s=20), "today")

    assert use.refused_share == 1 / 7
    assert use.queued_share == 2 / 7
    assert use.refused_by_limit == (("m/small", 1 / 7),)


def test_a_call_larger_than_the_bucket_can_never_be_served() -> None:
    use = replay(calls((0, 500), (1, 50)), Limits((Limit("m", "small", input_tpm=100),)), "today")

    assert use.refused_share == 0.5


def test_cached_tokens_count_only_where_the_provider_counts_them() -> None:
    cached = calls((0, 100), (1, 100)).with_columns(cached=pl.lit(80.0))
    for counts, peak in ((True, 200), (False, 40)):
        limits = Limits((Limit("m", "small", input_tpm=400, cached_input_counts=counts),))

        assert peak_uses(cached, limits)[0].peak == peak


def test_the_first_limit_to_break_and_the_room_before_it() -> None:
    use = replay(
        calls((0, 10), (1, 10), (70, 10)), Limits((Limit("m", "*", rpm=8, input_tpm=1000),)), "today"
    )

    assert use.first_to_break is not None
    assert (use.first_to_break.ref, use.first_to_break.kind) == ("m/*", "rpm")
    assert use.headroom == 4
    assert replay(calls((0, 1)), Limits(), "today").headroom is None


@given(
    st.lists(st.tuples(st.floats(0, 600), st.integers(0, 30)), min_size=1, max_size=60),
    st.integers(1, 20),
    st.integers(30, 200),
)
@settings(max_examples=80, deadline=None)
def test_the_running_minimum_is_the_recursion(rows: list[tuple[float, int]], rpm: int, tpm: int) -> None:
    rows.sort()
    at = np.array([row[0] for row in rows])
    costs = {"rpm": (rpm, np.ones(len(rows))), "input_tpm": (tpm, np.array([float(row[1]) for row in rows]))}
    together, full = _waits(at, costs)

    assert np.allclose(_one_by_one(at, costs, np.inf), together, atol=1e-5)
    assert full[0]


@given(st.lists(st.floats(0, 900), min_size=1, max_size=80), st.integers(1, 6), st.floats(0, 60))
@settings(max_examples=80, deadline=None)
def test_refusals_in_busy_stretches_are_those_of_the_whole_run(
    times: list[float], rpm: int, patience: float
) -> None:
    times.sort()
    use = replay(
        calls(*((t, 1) for t in times)), Limits((Limit("m", "small", rpm=rpm),), max_wait_s=patience), "x"
    )
    at = np.round(np.array(times) * 1e6) / 1e6
    slowly = _one_by_one(at, {"rpm": (rpm, np.ones(len(times)))}, patience)

    assert use.refused_share == pytest.approx((slowly > patience).mean(), abs=1.01 / len(times))


def test_the_proposed_mix_adds_second_answers_and_canaries() -> None:
    rows = log(*({"input": 100, "output": 10} for _ in range(2000)))
    rows = rows.with_columns(latency_ms=pl.lit(1000.0))
    route = plan(escalation=Rate(1, 2, prior=(0.0, 0.0)))
    mix = assign(rows, [route], PRICES)
    overheads = Overheads(premium="m/large")
    made = calls_of(mix, plans=[route], overheads=overheads, rng=np.random.default_rng(0))
    count = dict(made.group_by("ref").len().iter_rows())

    assert count["m/small"] == 2000
    assert 900 < count["m/middle"] < 1100
    assert 5 < count["m/large"] < 45
    assert made["at"].is_sorted()
    assert calls_of(mix, model="incumbent")["ref"].unique().to_list() == ["m/large"]


def test_latency_of_the_mix_has_the_escalations_second_call() -> None:
    slow = [{"input": 10, "profile": "reasoning"}] * 40
    quick = [{"input": 10, "incumbent": "m/small"}] * 40
    middle = [{"input": 10, "incumbent": "m/middle", "profile": "reasoning"}] * 40
    moved = [{"input": 10}] * 100
    times = [9000.0] * 40 + [100.0] * 40 + [2000.0] * 40 + [5000.0] * 100
    rows = log(*slow, *quick, *middle, *moved).with_columns(latency_ms=pl.Series(times))
    for rate, p95 in ((NEVER, 100.0), (Rate(1, 2, prior=(0.0, 0.0)), 2100.0)):
        route = plan(escalation=rate)
        mix = assign(rows, [route], PRICES)
        found = proposed_latency(mix, [route], np.random.default_rng(0))

        assert found["classification/standard"].p95_ms == p95
    assert too_slow(found, "classification", 2000)
    assert not too_slow(found, "classification", 3000)
    assert by_model(rows)[0] == Latency("m/large", 140, 5000.0, 9000.0)


def test_a_model_never_seen_has_no_latency() -> None:
    rows = log(*[{"input": 10}] * 50).with_columns(latency_ms=pl.lit(10.0))
    found = proposed_latency(
        assign(rows, [plan()], PRICES), [plan(escalation=NEVER)], np.random.default_rng(0)
    )

    assert found["all"].p95_ms is None
    assert found["all"].known_share == 0
    trials = {"m/small": np.full(30, 7.0)}
    mix = assign(rows, [plan()], PRICES)
    tried = proposed_latency(mix, [plan(escalation=NEVER)], np.random.default_rng(0), samples(mix, trials))
    assert tried["all"].p95_ms == 7


LIMITS = """
allowed_regions = ["eu"]
max_wait_s = 30
[pins]
extraction = "de"
[[limit]]
provider = "m"
model = "small"
rpm = 10
input_tpm = 1000
cached_input_counts = false
regions = ["eu", "us"]
[[limit]]
provider = "m"
model = "*"
output_tpm = 5
"""


def test_a_limits_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "limits.toml"
    path.write_text(LIMITS)
    found = read_limits(path)

    assert found.of("m/small") == Limit(
        "m", "small", 10, 1000, cached_input_counts=False, regions=("eu", "us")
    )
    assert found.of("m/other") == Limit("m", "*", output_tpm=5)
    assert found.of("n/other") is None
    assert found.max_wait_s == 30
    assert found.region_bars("m/small", "classification") is None
    assert "de" in (found.region_bars("m/small", "extraction") or "")
    assert found.region_bars("n/other", "classification")
    assert Limits().region_bars("n/other", "classification") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[limit]", "is not TOML"),
        ("limits = 1", "unknown key"),
        ("[[limit]]\nprovider='m'\n", "needs `model`"),
        ("[[limit]]\nprovider='m'\nmodel='a'\nrpm=0\n", "`rpm` must be"),
        ("[[limit]]\nprovider='m'\nmodel='a'\nrpm=1.5\n", "`rpm` must be"),
        (2 * "[[limit]]\nprovider='m'\nmodel='a'\nrpm=1\n", "two limits"),
        ("[pins]\npoetry='eu'\n", "[pins]"),
        ("max_wait_s=-1\n", "max_wait_s"),
        ("allowed_regions='eu'\n", "list of names"),
    ],
)
def test_a_broken_limits_file_says_where_and_what(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "limits.toml"
    path.write_text(text)

    with pytest.raises(InputError) as error:
        read_limits(path)

    assert message in error.value.message


def test_a_plan_is_not_checked_where_there_is_no_route() -> None:
    rows: dict[str, Any] = {"input": 10, "profile": None}
    mix = assign(log(rows), [RoutePlan("extraction", "standard", "m/small")], PRICES)

    assert mix["route"].to_list() == ["unrouted"]
