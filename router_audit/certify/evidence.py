"""The evidence block: every count of an audit, JSON-ready, and the check that all else follows from it.

    block = evidence_block(audit)       # canonical: same audit, same bytes
    problems = verify_evidence(block)   # [] when every number follows from the counts

`verify_evidence` believes nothing but the plan, the paths and the counts: it tests them again from the
beginning and compares every other figure. What it cannot see is a set of counts changed together with
everything that follows from it; the digest of the table the block stands in is for that.
"""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

from router_audit.certify.audit import Audit, Plan, RouteProof, Tested
from router_audit.certify.correction import corrected_regret
from router_audit.certify.exact import p_value
from router_audit.certify.looks import FIRST, FirstLook
from router_audit.certify.path import Step
from router_audit.certify.procedure import certify, place
from router_audit.certify.tally import Counts, HumanPairs

if TYPE_CHECKING:
    from collections.abc import Mapping

TOLERANCE = 1e-9
"""Relative difference two machines may have in one p-value; a figure is written to 12 digits."""


def evidence_block(audit: Audit) -> dict[str, Any]:
    """The audit as plain dicts, lists, strings and numbers."""
    plan = audit.plan
    return {
        "method": "exact-binomial, then mixture-martingale/fixed-sequence/graphical",
        "epsilon": plan.epsilon,
        "delta": plan.delta,
        "audit": plan.audit,
        "look": plan.look,
        "first_look_share": FIRST,
        "routes": [_route(proof, plan.epsilon) for proof in audit.routes],
    }


def verify_evidence(block: Any) -> list[str]:
    """Every problem found, one line each, with the place it stands at; an empty list when it holds.

    Total: whatever JSON is given, it answers and does not raise.
    """
    try:
        plan, paths, counts, first, problems = _read(block)
        again = evidence_block(certify(paths, counts, plan, first))
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
        return [f"evidence: cannot be read ({type(error).__name__}: {error})"]
    return problems + _differences("evidence", block, again)


def audit_again(block: Any) -> Audit:
    """The audit that the plan, the paths and the counts of a block give, whatever else it says.

    Raises ValueError where the block cannot be read.
    """
    try:
        plan, paths, counts, first, _ = _read(block)
        return certify(paths, counts, plan, first)
    except (KeyError, TypeError, AttributeError, OverflowError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from None


def _route(proof: RouteProof, epsilon: float) -> dict[str, Any]:
    return {
        "route": proof.route,
        "share": _digits(proof.share),
        "level": _digits(proof.level),
        "status": proof.status,
        "chosen": proof.chosen,
        "trials_needed": proof.trials_needed,
        "refuted": list(proof.refuted),
        "hypotheses": [_hypothesis(tested, epsilon) for tested in proof.steps],
    }


def _hypothesis(tested: Tested, epsilon: float) -> dict[str, Any]:
    step, counts, evidence = tested.step, tested.counts, tested.evidence
    total = tested.total_regret
    row: dict[str, Any] = {
        "candidate": step.candidate,
        "tau": step.tau,
        "rung": step.rung,
        "expected_cost_usd": step.expected_cost_usd,
        "worst_cost_usd": step.worst_cost_usd,
        "trials": counts.trials,
        "regrets": counts.regrets,
        "shared_failures": counts.shared_failures,
        "gains": counts.gains,
        "both_ok": counts.trials - counts.regrets - counts.shared_failures - counts.gains,
        "escalated": counts.escalated,
        "rung_trials": counts.rung_trials,
        "rung_regrets": counts.rung_regrets,
        "graders": dict(counts.graders),
        "human": None,
        "first_look": None,
        "p_value": _digits(tested.p_value),
        "alpha": None if tested.alpha is None else _digits(tested.alpha),
        "rejected": tested.rejected,
        "verdict": tested.verdict,
        "claim": tested.claim,
        "upper_bound": _digits(evidence.upper_bound),
        "trials_needed": evidence.trials_needed,
        "total_regret": None if total is None else _digits(total),
        "total_upper_bound": _digits(tested.total_upper_bound),
    }
    if tested.first is not None:
        then = tested.first
        row["first_look"] = {
            "look": then.look,
            "expected_cost_usd": then.expected_cost_usd,
            "trials": then.trials,
            "regrets": then.regrets,
            "p_value": _digits(p_value(then.trials, then.regrets, epsilon)),
        }
    if counts.human is not None:
        fixed = corrected_regret(counts.trials, counts.regrets, counts.human, tested.level)
        row["human"] = {
            "trials": counts.human.trials,
            "both": counts.human.both,
            "human_only": counts.human.human_only,
            "judge_only": counts.human.judge_only,
            "neither": counts.human.neither,
            "corrected_regret": _digits(fixed.estimate),
            "corrected_upper_bound": _digits(fixed.upper_bound),
        }
    return row


_Key = tuple[str, float]


def _read(
    block: Any,
) -> tuple[
    Plan, dict[str, list[Step]], dict[str, dict[_Key, Counts]], dict[str, dict[_Key, FirstLook]], list[str]
]:
    """The plan, paths, counts and earlier looks of a block, and what is impossible about them by themselves."""
    plan = Plan(float(block["epsilon"]), float(block["delta"]), _whole(block["audit"]), _whole(block["look"]))
    paths: dict[str, list[Step]] = {}
    counts: dict[str, dict[_Key, Counts]] = {}
    first: dict[str, dict[_Key, FirstLook]] = {}
    problems: list[str] = []
    for at, route in enumerate(block["routes"]):
        name, where = str(route["route"]), f"evidence.routes[{at}]"
        if name in paths:
            problems.append(f"{where}: {name} stands twice")
        rows = route["hypotheses"]
        path = [_step(row) for row in rows]
        found = {step.key: _counts(row) for step, row in zip(path, rows, strict=True)}
        if len(found) != len(path):
            problems.append(f"{where}: a hypothesis stands twice")
        seen = [_first_look(row) for row in rows]
        placed = list(zip(path, seen, strict=True))
        if placed != sorted(placed, key=place):
            problems.append(f"{where}: the path is not in order of its looks and of expected cost")
        for index, step in enumerate(path):
            problems += [f"{where}.hypotheses[{index}]: {it}" for it in _impossible(found[step.key])]
        problems += [f"{where}: {it}" for it in _not_nested(found)]
        paths[name], counts[name] = path, found
        first[name] = {step.key: it for step, it in placed if it is not None}
    return plan, paths, counts, first, problems


def _first_look(row: Mapping[str, Any]) -> FirstLook | None:
    said = row["first_look"]
    if said is None:
        return None
    return FirstLook(
        _whole(said["look"]),
        float(said["expected_cost_usd"]),
        _whole(said["trials"]),
        _whole(said["regrets"]),
    )


def _step(row: Mapping[str, Any]) -> Step:
    rung, worst = row["rung"], row["worst_cost_usd"]
    return Step(
        str(row["candidate"]),
        float(row["tau"]),
        float(row["expected_cost_usd"]),
        None if rung is None else str(rung),
        None if worst is None else float(worst),
    )


def _counts(row: Mapping[str, Any]) -> Counts:
    human = row["human"]
    return Counts(
        trials=_whole(row["trials"]),
        regrets=_whole(row["regrets"]),
        shared_failures=_whole(row["shared_failures"]),
        gains=_whole(row["gains"]),
        escalated=_whole(row["escalated"]),
        rung_trials=_whole(row["rung_trials"]),
        rung_regrets=_whole(row["rung_regrets"]),
        graders=tuple(sorted((str(k), _whole(v)) for k, v in row["graders"].items())),
        human=None
        if human is None
        else HumanPairs(*(_whole(human[k]) for k in ("both", "human_only", "judge_only", "neither"))),
    )


def _impossible(counts: Counts) -> list[str]:
    """Counts that no set of trials can have."""
    wrong = []
    if counts.regrets + counts.shared_failures + counts.gains > counts.trials:
        wrong.append("more regrets, shared failures and gains than trials")
    if counts.rung_trials > counts.escalated or counts.rung_regrets > counts.rung_trials:
        wrong.append("more trials of the rung than escalated, or more regrets than trials")
    if sum(n for _, n in counts.graders) != counts.trials:
        wrong.append("the graders' trials do not add up to the trials")
    return wrong


def _not_nested(found: Mapping[tuple[str, float], Counts]) -> list[str]:
    """What stays at a higher threshold stays at a lower one; all thresholds share one sample."""
    wrong = []
    for (one, low), (two, high) in pairwise(sorted(found)):
        less, more = found[two, high], found[one, low]
        if one == two and (
            less.trials + less.escalated != more.trials + more.escalated
            or less.trials > more.trials
            or less.regrets > more.regrets
            or less.shared_failures > more.shared_failures
            or less.gains > more.gains
        ):
            wrong.append(f"the counts of {one} at {high:g} are not within those at {low:g}")
    return wrong


def _differences(where: str, said: Any, follows: Any) -> list[str]:
    """Where a block says something else than what follows from its counts, or has other fields."""
    if isinstance(follows, dict):
        if not isinstance(said, dict):
            return [f"{where}: not an object"]
        kept = cast("dict[str, Any]", said)
        wrong = [f"{where}.{key}: unknown field" for key in kept if key not in follows]
        for key, value in follows.items():
            wrong += (
                _differences(f"{where}.{key}", kept[key], value)
                if key in kept
                else [f"{where}.{key}: missing"]
            )
        return wrong
    if isinstance(follows, list):
        if not isinstance(said, list) or len(said) != len(follows):
            return [f"{where}: not a list of {len(follows)}"]
        both = zip(said, follows, strict=True)
        return [it for i, (a, b) in enumerate(both) for it in _differences(f"{where}[{i}]", a, b)]
    if isinstance(follows, float) and isinstance(said, int | float) and not isinstance(said, bool):
        same = abs(said - follows) <= TOLERANCE * abs(follows)
    else:
        same = type(said) is type(follows) and said == follows
    return [] if same else [f"{where}: says {said!r}, the counts give {follows!r}"]


def _digits(value: float) -> float:
    return float(f"{value:.12g}")


def _whole(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 0:
        raise ValueError(f"{value!r} is not a count")
    return value
