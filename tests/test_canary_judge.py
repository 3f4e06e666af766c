"""A judge on loopback grades the canary pairs no rule can, and its anchors show when it has moved."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING

from router_audit.stages.canary import CanaryOptions, check
from tests.loopback import Call as Asked
from tests.loopback import Loopback, Says
from tests.month import Call, canary_pair, day, stored
from tests.test_replay import JUDGE, _no_keys, judged  # noqa: F401  the fixture takes keys away

if TYPE_CHECKING:
    from pathlib import Path

    from router_audit.store import Store


def poems(first: int, n: int) -> list[Call]:
    """Pairs that only a judge can grade: both answers mention the moon."""
    return [
        call
        for at in range(first, first + n)
        for call in canary_pair(
            f"p{at}",
            day(at),
            f"Write a poem about the night, number {at}.",
            profile="reasoning",
            premium=f"The moon of verse {at} is old and silver over all",
            routed=f"Night {at}: a moon again, and wind",
        )
    ]


def test_a_judge_grades_once_and_one_that_moved_freezes_its_verdicts(store: Store, tmp_path: Path) -> None:
    moved: list[bool] = []

    def judge(call: Asked) -> Says:
        return Says(tool={"verdict": "neither"}) if moved else judged(call)

    with Loopback(judge) as server:
        options = CanaryOptions(
            today=date(2026, 12, 1), tables=tmp_path / "none", judge=JUDGE, base_urls={"*": server.url}
        )
        stored(store, tmp_path, poems(0, 12), profile="reasoning")
        first = check(store, options)
        calls = len(server.calls)
        again = check(store, options)
        assert len(server.calls) == calls
        moved.append(True)
        stored(store, tmp_path, poems(12, 3), profile="reasoning")
        later = check(store, options)

    assert (first.graded, first.ungraded, first.alarm, first.frozen) == (12, {}, False, False)
    assert (again.graded, again.routes) == (0, first.routes)
    assert first.routes[0].graders[0].startswith(f"judge:{JUDGE}")
    assert (later.graded, later.frozen, later.routes[0].verdict) == (3, True, "frozen")
    assert (later.judges[0].harsher, later.judges[0].milder, later.judges[0].items) == (12, 0, 12)
