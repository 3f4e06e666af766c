"""From the daily counts of every route's pairs to alarms: one e-process per route, e-BH across them, day by day.

Replayed from the first day on every check: the result depends on the pairs alone, not on how often anyone
looked. A route is (profile/context, model); its process begins with its first pair.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from router_audit.sequential import (
    EProcess,
    Pairs,
    days_needed,
    discordant_share,
    e_bh,
    minimum_detectable_effect,
    pairs_needed,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date

    from router_audit.types import Context, Profile, Trial

    Key = tuple[str, str]
    Cell = tuple[Profile, Context]


@dataclass(frozen=True, slots=True)
class DayCount:
    """The pairs of one route and model on one day."""

    route: str
    model: str
    day: date
    pairs: Pairs


@dataclass(frozen=True, slots=True)
class Raised:
    """The first day on which a route was among those that alarm."""

    day: date
    e_value: float
    pairs: Pairs
    """So far."""


@dataclass(frozen=True, slots=True)
class Course:
    """Where one route's test stands, and what it can see."""

    route: str
    model: str
    state: EProcess
    pairs: Pairs
    first: date
    last: date
    raised: Raised | None

    @property
    def per_day(self) -> float:
        """Pairs a day, from the first to the last."""
        return self.pairs.total / ((self.last - self.first).days + 1)


def courses(counts: Iterable[DayCount], *, margin: float, alpha: float, family: int) -> dict[Key, Course]:
    """The tests of all routes. `family` is how many rows of the table may be tested, with pairs or without.

    Raises ValueError unless -1 < margin < 1.
    """
    by_day: dict[date, list[DayCount]] = {}
    for count in counts:
        by_day.setdefault(count.day, []).append(count)
    found: dict[Key, Course] = {}
    for day in sorted(by_day):
        for count in by_day[day]:
            found[count.route, count.model] = _after(found.get((count.route, count.model)), count, margin)
        told = {key: course.state.e_value for key, course in found.items()}
        for key in _alarming(told, alpha, family):
            course = found[key]
            if course.raised is None:
                found[key] = _with(course, Raised(day, course.state.e_value, course.pairs))
    return found


def _alarming(told: Mapping[Key, float], alpha: float, family: int) -> list[Key]:
    """e-BH, with those rows of the family that have no pair yet at e = 1."""
    names = {f"{at}": key for at, key in enumerate(sorted(told))}
    values = {name: told[key] for name, key in names.items()}
    values |= {f"without {at}": 1.0 for at in range(family - len(values))}
    return [names[name] for name in e_bh(values, alpha) if name in names]


def _after(course: Course | None, count: DayCount, margin: float) -> Course:
    state = (course.state if course else EProcess(margin)).next_day(count.pairs)
    return Course(
        route=count.route,
        model=count.model,
        state=state,
        pairs=(course.pairs if course else Pairs()) + count.pairs,
        first=course.first if course else count.day,
        last=count.day,
        raised=course.raised if course else None,
    )


def _with(course: Course, raised: Raised) -> Course:
    return Course(course.route, course.model, course.state, course.pairs, course.first, course.last, raised)


@dataclass(frozen=True, slots=True)
class Sight:
    """What a route's test can see."""

    minimum_detectable_effect: float | None
    """The smallest mean harm that so many pairs would show, four times in five; None where not even 1."""
    pairs_needed: int | None
    """Pairs until harm of the wanted size shows; None where the margin covers it."""
    days_needed: int | None
    """Days of pairs at today's rate."""


def sight(course: Course, *, effect: float, margin: float, alpha: float, family: int) -> Sight:
    """At the level a route has when it alarms alone among the family."""
    level, differ = alpha / max(family, 1), discordant_share(course.pairs)
    needed = pairs_needed(effect, differ, margin=margin, alpha=level)
    return Sight(
        minimum_detectable_effect(course.pairs.total, differ, margin=margin, alpha=level),
        needed,
        days_needed(needed, course.per_day),
    )


def without_alarmed(
    trials: Mapping[Cell, Sequence[Trial]], alarms: Iterable[Key]
) -> tuple[dict[Cell, Sequence[Trial]], tuple[Key, ...]]:
    """The trials of each row without those of models under an alarm, and which (row, model) were left out.

    Such a model cannot be routed to, and as a step of the row's path it would bar every cheaper one behind
    it. The audit of the others is one of its own. Where it is the row's only candidate its trials stay: they
    are the evidence that the row's reason speaks of.
    """
    barred = set(alarms)
    found: dict[Cell, Sequence[Trial]] = {}
    left_out: list[Key] = []
    for cell, tried in trials.items():
        route = "/".join(cell)
        names = sorted({trial.candidate for trial in tried})
        out = [name for name in names if (route, name) in barred]
        if not out or len(out) == len(names):
            found[cell] = tried
            continue
        found[cell] = [trial for trial in tried if trial.candidate not in out]
        left_out += [(route, name) for name in out]
    return found, tuple(left_out)
