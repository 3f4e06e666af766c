"""The canary: pairs graded, tested for harm however often one looks, and routes put back where they harm.

The evidence is in the store, pair by pair; every check replays it. Checking twice changes nothing, checking
ten times a day changes no error rate.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from router_audit.errors import InputError, UserError
from router_audit.files.tables import read_table, versions
from router_audit.month.canary import DayCount, courses, sight
from router_audit.sequential import Pairs, canary_plan, discordant_share
from router_audit.stages.alarms import alarms
from router_audit.stages.canary.grading import count_pairs, grade_pairs
from router_audit.stages.canary.judging import judge_states
from router_audit.stages.canary.options import CanaryOptions
from router_audit.stages.canary.revert import go_back_to, revert, served
from router_audit.types.canary import CanaryCheck, CanaryPlanned, CanaryRoute, PlanRow
from router_audit.types.grading import rung_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from router_audit.month.canary import Course
    from router_audit.stages.alarms import Alarm
    from router_audit.store import Store
    from router_audit.types import RoutingTable

__all__ = ["CanaryOptions", "check", "clear", "plan"]

ASSUMED_DISCORDANT = 0.10
"""Share of pairs that differ, where no pair was seen yet."""


def check(store: Store, options: CanaryOptions) -> CanaryCheck:
    """Grade the new pairs, test every route, keep new alarms, and revert where that was asked.

    Raises UserError on a margin outside (-1, 1) or a judge that cannot be used, InputError on a broken table.
    """
    if not -1 < options.margin < 1:
        raise UserError("must lie between -1 and 1", where="--margin")
    newest = _newest(options.tables)
    graded, ungraded = grade_pairs(store, options)
    unplaced = count_pairs(store, today=options.today, huge_context_tokens=options.huge_context_tokens)
    result = _result(store, options, newest, graded, ungraded, unplaced)
    if options.revert and result.alarm:
        if newest is None:
            raise InputError("holds no routing table to revert", where=str(options.tables))
        standing = {(a.route, a.model): a.why for a in alarms(store) if a.cleared is None}
        path = revert(newest, standing, options.tables)
        return _result(store, options, read_table(path), graded, ungraded, unplaced, reverted_to=path.stem)
    return result


def _result(
    store: Store,
    options: CanaryOptions,
    newest: RoutingTable | None,
    graded: int,
    ungraded: dict[str, int],
    unplaced: int,
    *,
    reverted_to: str | None = None,
) -> CanaryCheck:
    counts, graders = _counts(store)
    in_force = served(newest) if newest is not None else None
    family = len({count.route for count in counts} | set(in_force or {}))
    found = courses(counts, margin=options.margin, alpha=options.alpha, family=family)
    judges = judge_states(store)
    moved = {state.judge for state in judges if state.drifted}
    frozen = {
        key
        for key, names in graders.items()
        if any(name in moved for name in names) or (moved and any(rung_of(n) == "judge" for n in names))
    }
    _keep(store, options, {key: course for key, course in found.items() if key not in frozen})
    standing = {(a.route, a.model): a for a in alarms(store) if a.cleared is None}
    routes = [
        _route(course, graders[key], standing.get(key), options, family, in_force, frozen=key in frozen)
        for key, course in sorted(found.items())
    ]
    routes += _without_pairs(in_force or {}, found, options)
    alarmed = [route for route in routes if route.alarm and route.in_force]
    return CanaryCheck(
        alarm=bool(alarmed),
        routes=tuple(sorted(routes, key=lambda route: (not route.in_force, route.route, route.model))),
        frozen=bool(frozen),
        judges=judges,
        graded=graded,
        ungraded=ungraded,
        unplaced=unplaced,
        margin=options.margin,
        alpha=options.alpha,
        family=family,
        table=newest["version"] if newest else None,
        go_back_to=go_back_to({(r.route, r.model) for r in alarmed}, options.tables) if alarmed else None,
        reverted_to=reverted_to,
    )


def _newest(tables: Path) -> RoutingTable | None:
    found = versions(tables)
    return read_table(found[-1]) if found else None


def _counts(store: Store) -> tuple[list[DayCount], dict[tuple[str, str], tuple[str, ...]]]:
    counts: list[DayCount] = []
    graders: dict[tuple[str, str], tuple[str, ...]] = {}
    for row in store.query("canary_days").iter_rows(named=True):
        pairs = Pairs(row["harms"], row["ties"], row["gains"])
        counts.append(DayCount(row["route"], row["model"], row["day"], pairs))
        key = (row["route"], row["model"])
        graders[key] = tuple(sorted({*graders.get(key, ()), *row["graders"]}))
    return counts, graders


def _keep(store: Store, options: CanaryOptions, found: Mapping[tuple[str, str], Course]) -> None:
    """Store the alarms that are new: one that stands is left as it was raised."""
    import polars as pl

    lifted: dict[tuple[str, str], int] = {}
    for alarm in alarms(store):
        if alarm.cleared is not None:
            lifted[alarm.route, alarm.model] = lifted.get((alarm.route, alarm.model), 0) + 1
    rows = [
        {
            "route": course.route,
            "model": course.model,
            "epoch": lifted.get(key, 0),
            "day": course.raised.day,
            "e_value": course.raised.e_value,
            "harms": course.raised.pairs.harms,
            "gains": course.raised.pairs.gains,
            "pairs": course.raised.pairs.total,
            "margin": options.margin,
            "alpha": options.alpha,
            "cleared": None,
        }
        for key, course in found.items()
        if course.raised is not None
    ]
    if rows:
        frame = pl.DataFrame(rows, schema_overrides={"cleared": pl.String})
        store.append("canary_alarms", frame, on_conflict="ignore")


def _route(
    course: Course,
    graders: tuple[str, ...],
    alarm: Alarm | None,
    options: CanaryOptions,
    family: int,
    in_force: Mapping[str, str] | None,
    *,
    frozen: bool,
) -> CanaryRoute:
    profile, _, context = course.route.partition("/")
    sees = sight(course, effect=options.effect, margin=options.margin, alpha=options.alpha, family=family)
    return CanaryRoute(
        route=course.route,
        profile=profile,
        context=context,
        model=course.model,
        in_force=in_force is None or in_force.get(course.route) == course.model,
        pairs=course.pairs.total,
        discordant=course.pairs.discordant,
        harms=course.pairs.harms,
        gains=course.pairs.gains,
        e_value=course.state.e_value,
        alarm=alarm is not None,
        alarm_day=alarm.day if alarm else None,
        verdict="alarm" if alarm else "frozen" if frozen else "no alarm",
        minimum_detectable_effect=sees.minimum_detectable_effect,
        effect=options.effect,
        pairs_needed=sees.pairs_needed,
        days_needed=sees.days_needed,
        pairs_per_day=course.per_day,
        graders=graders,
    )


def _without_pairs(
    in_force: Mapping[str, str], found: Mapping[tuple[str, str], Course], options: CanaryOptions
) -> list[CanaryRoute]:
    return [
        CanaryRoute(
            route=route,
            profile=route.partition("/")[0],
            context=route.partition("/")[2],
            model=model,
            in_force=True,
            pairs=0,
            discordant=0,
            harms=0,
            gains=0,
            e_value=1.0,
            alarm=False,
            alarm_day=None,
            verdict="no pairs",
            minimum_detectable_effect=None,
            effect=options.effect,
            pairs_needed=None,
            days_needed=None,
            pairs_per_day=0.0,
            graders=(),
        )
        for route, model in sorted(in_force.items())
        if (route, model) not in found
    ]


def clear(store: Store, route: str, model: str | None, why: str) -> Sequence[Alarm]:
    """Lift the alarms of a route; its test begins anew, with pairs graded from now on.

    Raises UserError where no alarm stands there.
    """
    before = [a for a in alarms(store) if a.cleared is None and a.route == route and model in {None, a.model}]
    if not before:
        standing = sorted({a.route for a in alarms(store) if a.cleared is None})
        raise UserError(
            f"no alarm stands there; alarms stand on {', '.join(standing) or 'no route'}", where=route
        )
    with store.transaction():
        store.run("clear_alarm", route=route, model=model, why=why)
    return before


def plan(
    store: Store, options: CanaryOptions, *, within_days: float, requests_per_day: float | None
) -> CanaryPlanned:
    """The share of each route's traffic that shows harm of `options.effect` within so many days.

    Traffic is what the newest table's routes would serve a day of the log, or `requests_per_day` for each.
    Raises UserError where neither a table nor a routed log says what is routed.
    """
    newest = _newest(options.tables)
    in_force = served(newest) if newest is not None else {}
    seen = {(row["route"], row["model"]): row for row in store.query("canary_traffic").iter_rows(named=True)}
    keys = sorted(in_force.items()) or sorted(seen)
    if not keys:
        raise UserError(
            "no route is in force: build a table that routes something, or ingest a routed log",
            where=str(options.tables),
        )
    counts, _ = _counts(store)
    rows = []
    for route, model in keys:
        pairs = sum(
            (count.pairs for count in counts if (count.route, count.model) == (route, model)), Pairs()
        )
        differ = discordant_share(pairs) if pairs.total else max(ASSUMED_DISCORDANT, options.effect)
        now = seen.get((route, model))
        daily = requests_per_day or (now["requests"] / now["days"] if now else _of_table(newest, route))
        found = canary_plan(
            options.effect,
            within_days,
            daily,
            differ,
            margin=options.margin,
            alpha=options.alpha / len(keys),
        )
        rows.append(
            PlanRow(
                route=route,
                model=model,
                requests_per_day=daily,
                share_now=now["canary"] / now["requests"] if now else None,
                discordant=differ,
                share=found.share if found else None,
                pairs=found.pairs if found else None,
                days=found.days if found else None,
                reachable=bool(found and found.reachable),
            )
        )
    return CanaryPlanned(options.effect, within_days, options.margin, options.alpha, tuple(rows))


def _of_table(table: RoutingTable | None, route: str) -> float:
    """Requests a day of a row, from the log its table was built on."""
    from datetime import datetime

    if table is None or table["log_window"]["first_at"] is None:
        return 0.0
    first, last = (datetime.fromisoformat(table["log_window"][name]) for name in ("first_at", "last_at"))
    requests = sum(r["requests"] for r in table["routes"] if f"{r['profile']}/{r['context']}" == route)
    days = max((last - first).total_seconds() / 86_400, 1.0)
    return float(requests) / days
