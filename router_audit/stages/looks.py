"""The looks that audits have had at the trials in the store: what they spent, and what a next one is.

A part of `build-table`; `replay` reads them for its plan. An audit is known by what it asks: candidates on
rows, epsilon and delta. Another audit has another path and a delta of its own; a candidate that was looked at
before gets no second exact test by it. The classifier is no part of it: trials that a new one places elsewhere
are looked at again, not for the first time.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING

from router_audit.certify import FirstLook, Plan, certify

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from router_audit.certify import Audit, Tested
    from router_audit.proof.proving import Hypotheses
    from router_audit.store import Store

    Key = tuple[str, float]


@dataclass(frozen=True, slots=True)
class Standing:
    """An audit as the store knows it."""

    audit: int | None
    """Its key in the store; None: never put to trials that could have shown anything."""
    number: int
    """Among those of the same epsilon and delta, from 1."""
    look: int
    """The last one; 0: none yet."""
    counts: str
    """Digest of what the last look saw."""
    first: Mapping[str, Mapping[Key, FirstLook]]
    shown: Mapping[str, Mapping[Key, tuple[int, int]]]
    """(trials, regrets) at the first look that any audit at this epsilon and delta had: its exact test is spent."""


def standing(
    store: Store,
    epsilon: float,
    delta: float,
    pairs: Sequence[tuple[str, str]],
    steps: Mapping[str, Collection[Key]] | None = None,
) -> Standing:
    """The newest audit of these (row, candidate) pairs.

    Where `steps` are given it has to find all its own among them: what may leave a path without being
    counted as another question could leave it because of what it showed.
    """
    shown: dict[str, dict[Key, tuple[int, int]]] = {}
    for route, candidate, tau, trials, regrets in store.query(
        "first_shown", epsilon=epsilon, delta=delta
    ).iter_rows():
        shown.setdefault(route, {})[candidate, tau] = (trials, regrets)
    said = json.dumps(pairs)
    known = store.query("audits", epsilon=epsilon, delta=delta)
    for audit, number, asked in known.iter_rows():
        if asked != said:
            continue
        first: dict[str, dict[Key, FirstLook]] = {}
        for route, candidate, tau, look, cost, trials, regrets in store.query(
            "first_looks", audit=audit
        ).iter_rows():
            first.setdefault(route, {})[candidate, tau] = FirstLook(look, cost, trials, regrets)
        if steps is None or all(set(seen) <= set(steps.get(route, ())) for route, seen in first.items()):
            look, counts = store.query("last_look", audit=audit).row(0)
            return Standing(audit, number, look, counts, first, shown)
    return Standing(None, known.height + 1, 0, "", {}, shown)


@dataclass(frozen=True, slots=True)
class Ended:
    """Where a replay has ended its sample of one candidate on one row, and said so."""

    arrived: int
    """The last addition of trials that was there, the first time."""
    planned: int
    """Trials of the largest sample that was ended."""


def ended_samples(store: Store) -> dict[tuple[str, str], Ended]:
    """By (row, candidate)."""
    rows = store.query("ended_samples").iter_rows()
    return {(route, candidate): Ended(arrived, planned) for route, candidate, arrived, planned in rows}


def end_samples(store: Store, planned: Mapping[tuple[str, str], int]) -> None:
    """Keep that these samples, by (row, candidate), are at their end and were shown."""
    import polars as pl

    if not planned:
        return
    with store.transaction():
        now = Ended(int(store.query("arrivals")["next"][0]) - 1, 0)
        before = ended_samples(store)
        rows = [
            {
                "route": route,
                "candidate": candidate,
                "arrived": before.get((route, candidate), now).arrived,
                "planned": max(trials, before.get((route, candidate), now).planned),
            }
            for (route, candidate), trials in sorted(planned.items())
        ]
        store.append("ended_samples", pl.DataFrame(rows), on_conflict="replace")


def look(store: Store, tests: Hypotheses, epsilon: float, delta: float) -> Audit:
    """Test, and keep that it was looked. The same counts once more are the same look, with the same result.

    A look at which no step could have been rejected, whatever its trials showed, spends nothing and is not kept.
    """
    with store.transaction():
        before = standing(
            store,
            epsilon,
            delta,
            tests.pairs,
            {route: {step.key for step in path} for route, path in tests.paths.items()},
        )
        seen = _digest(tests)
        if before.counts == seen:
            found = _at(before.look, before, tests, epsilon, delta)
            if not _new_steps(before, found):
                return found
        found = _at(before.look + 1, before, tests, epsilon, delta)
        if before.audit is not None or _new_steps(before, found):
            _keep(store, before, found, tests.pairs, seen)
    return found


def _at(number: int, before: Standing, tests: Hypotheses, epsilon: float, delta: float) -> Audit:
    plan = Plan(epsilon, delta, before.number, number)
    # Of a step that a replay and another audit have shown, the exact test was spent on the fewer trials.
    shown = {
        route: {key: min(found[key] for found in both if key in found) for key in {*both[0], *both[1]}}
        for route in tests.paths
        for both in ((tests.shown.get(route, {}), before.shown.get(route, {})),)
    }
    return certify(tests.paths, tests.counts, plan, before.first, shown)


def _new_steps(before: Standing, found: Audit) -> list[tuple[str, Tested]]:
    """What was testable at no earlier look."""
    return [
        (proof.route, tested)
        for proof in found.routes
        for tested in proof.steps
        if tested.first is not None and tested.step.key not in before.first.get(proof.route, {})
    ]


def _keep(store: Store, before: Standing, found: Audit, pairs: Sequence[tuple[str, str]], seen: str) -> None:
    import polars as pl

    key, plan = before.audit, found.plan
    if key is None:
        key = int(
            store.query(
                "new_audit",
                number=plan.audit,
                epsilon=plan.epsilon,
                delta=plan.delta,
                pairs=json.dumps(pairs),
            )["audit"][0]
        )
    store.append("looks", pl.DataFrame({"audit": [key], "look": [plan.look], "counts": [seen]}))
    rows = [
        {
            "audit": key,
            "route": route,
            "candidate": tested.step.candidate,
            "tau": tested.step.tau,
            "look": tested.first.look,
            "expected_cost_usd": tested.first.expected_cost_usd,
            "trials": tested.first.trials,
            "regrets": tested.first.regrets,
        }
        for route, tested in _new_steps(before, found)
        if tested.first is not None
    ]
    store.append("first_looks", pl.DataFrame(rows))


def _digest(tests: Hypotheses) -> str:
    """Of the counts at every threshold, whether it stands on a path today or not."""
    told = [
        [route, *key, found.trials, found.regrets]
        for route, counts in sorted(tests.counts.items())
        for key, found in sorted(counts.items())
    ]
    return sha256(json.dumps(told).encode()).hexdigest()
