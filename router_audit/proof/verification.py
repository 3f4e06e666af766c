"""Whether a routing table holds together: everything in it that follows from something else in it, recomputed.

It believes the counts of the evidence, the ladder, the options and the traffic of each row, and nothing else:
the tests are run again, the verdicts drawn again, the routes laid again. What it cannot see is a set of
counts changed together with all that follows from them; for that there are the digest and the trials.
"""

from __future__ import annotations

from dataclasses import asdict
from math import isclose
from typing import TYPE_CHECKING, Any

from router_audit.certify import TAUS, audit_again, verify_evidence
from router_audit.files.document import digest_problems, shape_problems
from router_audit.policy import CELLS, Traffic, next_rung, routes, tier_of
from router_audit.proof.observing import from_block, with_observations
from router_audit.proof.proving import Gap, route_name, verdicts, with_gaps
from router_audit.types import Ladder, LadderModel, Route

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router_audit.policy import Verdict
    from router_audit.types import Context, Profile

TOLERANCE = 1e-9
"""Relative difference two machines may have in one figure."""

WITHDRAWN = ("region: ", "latency: ", "limits: ", "controls: ", "canary: ")
"""How the reason of a route begins that the evidence allows and something else forbids."""


def table_problems(document: Any, schema: Mapping[str, Any]) -> list[str]:
    """Everything that is wrong with a table, one line each with its place; empty when it holds.

    Total: whatever JSON is given, it answers and does not raise.
    """
    broken = shape_problems(document, schema)
    if broken:
        return broken
    digests, ladder = digest_problems(document), _ladder_problems(document)
    if ladder:
        return digests + ladder
    return digests + _evidence_problems(document) + _route_problems(document)


def hypotheses(document: Mapping[str, Any]) -> int:
    """How many tests the evidence of a table holds."""
    return sum(len(route["hypotheses"]) for route in document["evidence"].get("routes", ()))


def _ladder_of(document: Mapping[str, Any]) -> Ladder:
    said = document["ladder"]
    tiers = tuple(said["tiers"])

    def rung(ref: str, tier: str) -> LadderModel:
        provider, _, model = ref.partition("/")
        return LadderModel(provider, model, tier)

    return Ladder(
        name=said["name"],
        tiers=tiers,
        models=tuple(rung(entry["model"], entry["tier"]) for entry in said["models"]),
        long_context=rung(said["long_context"], tiers[0]) if said["long_context"] else None,
        assumed=said["assumed"],
        as_of=said["as_of"],
    )


def _ladder_problems(document: Mapping[str, Any]) -> list[str]:
    ladder = _ladder_of(document)
    wrong = []
    if len(set(ladder.tiers)) != len(ladder.tiers):
        wrong.append("ladder/tiers: a tier stands twice")
    order = {tier: at for at, tier in enumerate(ladder.tiers)}
    stated = [rung.tier for rung in ladder.models]
    if not set(stated) <= set(order):
        wrong.append("ladder/models: a model stands on a tier that the ladder does not have")
    elif set(stated) != set(order) or stated != sorted(stated, key=lambda tier: order[tier]):
        wrong.append("ladder/models: every tier needs a model, and the models stand in order of tier")
    names = [rung.ref for rung in ladder.models]
    if len(set(names)) != len(names):
        wrong.append("ladder/models: a model stands on two rungs")
    if not set(ladder.assumed.values()) <= set(order):
        wrong.append("ladder/assumed: names a tier that the ladder does not have")
    unpriced = sorted(
        {*names, *([ladder.long_context.ref] if ladder.long_context else [])}
        - set(document["prices"]["models"])
    )
    return wrong + [f"prices/models: {name} of the ladder has no price" for name in unpriced]


def _evidence_problems(document: Mapping[str, Any]) -> list[str]:
    block = document["evidence"]
    if not block:
        return []
    wrong = verify_evidence(block)
    if wrong:
        return wrong
    ladder = _ladder_of(document)
    for name in ("epsilon", "delta"):
        if block[name] != document[name]:
            wrong.append(f"evidence.{name}: says {block[name]!r}, the table {document[name]!r}")
    names = {route_name(cell) for cell in CELLS}
    for at, route in enumerate(block["routes"]):
        where = f"evidence.routes[{at}]"
        if route["route"] not in names:
            wrong.append(f"{where}: {route['route']} is no row of the table")
        wrong += [
            f"{where}.hypotheses[{index}].rung: says {row['rung']!r}, the ladder {next_rung(ladder, row['candidate'])!r}"
            for index, row in enumerate(route["hypotheses"])
            if row["rung"] != next_rung(ladder, row["candidate"])
        ]
        wrong += [f"{where}: {it}" for it in _path_problems(route["hypotheses"])]
    return wrong


def _path_problems(rows: list[Mapping[str, Any]]) -> list[str]:
    """A candidate is tested on the fixed grid from 0 up, and what a step costs grows straight with tau."""
    wrong = []
    for name in sorted({row["candidate"] for row in rows}):
        cost = {row["tau"]: row["expected_cost_usd"] for row in rows if row["candidate"] == name}
        grid = sorted(cost)
        if tuple(grid) != TAUS[: len(grid)]:
            wrong.append(f"{name} is not tested at the thresholds {', '.join(map(str, TAUS))} from 0 up")
            continue
        slope = (cost[grid[-1]] - cost[0.0]) / grid[-1] if len(grid) > 1 else 0.0
        if slope < 0 or not all(isclose(cost[tau], cost[0.0] + slope * tau, rel_tol=1e-6) for tau in grid):
            wrong.append(f"the expected costs of {name} are not its own plus a share of its rung's")
        worst = {row["worst_cost_usd"] for row in rows if row["candidate"] == name}
        if len(worst) != 1 or not _at_worst(worst.pop(), cost[0.0], slope if len(grid) > 1 else None):
            wrong.append(f"the worst cost of {name} is not its own plus its rung's")
    return wrong


def _at_worst(said: float | None, own: float, rung: float | None) -> bool:
    """Whether a worst cost is the candidate's own and its rung's, as far as its steps tell that one."""
    if said is None or said < own:
        return False
    return rung is None or isclose(said, own + rung, rel_tol=1e-6)


def _verdicts(document: Mapping[str, Any]) -> dict[tuple[Profile, Context], Verdict]:
    tested: dict[tuple[Profile, Context], Verdict] = {}
    if document["evidence"]:
        audit = audit_again(document["evidence"])
        tested = with_gaps(verdicts(audit), [Gap(**gap) for gap in document["gaps"]], audit)
    return with_observations(tested, from_block(document["observational"]), document["epsilon"])


def _route_problems(document: Mapping[str, Any]) -> list[str]:
    said = document["routes"]
    cells = [(route["profile"], route["context"]) for route in said]
    if cells != list(CELLS):
        return ["routes: are not one for each row, in order"]
    try:
        found = _verdicts(document)
    except ValueError:
        return []  # the evidence cannot be read, which is said already
    ladder = _ladder_of(document)
    traffic = {
        cell: Traffic(route["requests"], {route["incumbent"]: 1} if route["incumbent"] else {})
        for cell, route in zip(cells, said, strict=True)
    }
    follows = routes(
        ladder,
        traffic,
        found,
        allow_provisional=document["options"]["allow_provisional"],
        assume_capable=document["options"]["assume_capable"],
    )
    wrong = []
    if sum(route["requests"] for route in said) > document["log_window"]["requests"]:
        wrong.append("routes: serve more requests than the log has")
    for at, (route, should) in enumerate(zip(said, follows, strict=True)):
        wrong += [f"routes/{at}/{it}" for it in _route_differences(route, should, ladder)]
    return wrong


def _route_differences(said: Mapping[str, Any], should: Route, ladder: Ladder) -> list[str]:
    """Where a route says something else than what the evidence, the ladder and the options give."""
    want = asdict(should)
    if should.applied and not said["applied"] and said["reason"].startswith(WITHDRAWN):
        want |= {
            "model": should.incumbent,
            "tier": tier_of(ladder, should.incumbent),
            "status": "keep-incumbent",
            "applied": False,
            "assumed": False,
            "reason": said["reason"],
            "escalate_to": None,
            "threshold": 0.0,
        }
    elif said["escalate_to"] is None and said["threshold"] == 0:
        want["escalate_to"] = None  # barred where the profile may go: nothing below the threshold is lost
    return [
        f"{name}: says {said[name]!r}, the evidence gives {value!r}"
        for name, value in want.items()
        if not _same(said[name], value)
    ]


def _same(said: Any, follows: Any) -> bool:
    if isinstance(follows, dict):
        return (
            isinstance(said, dict)
            and said.keys() == follows.keys()
            and all(_same(said[key], value) for key, value in follows.items())
        )
    if isinstance(follows, float) and isinstance(said, int | float) and not isinstance(said, bool):
        return abs(said - follows) <= TOLERANCE * max(abs(follows), 1e-300)
    return type(said) is type(follows) and bool(said == follows)
