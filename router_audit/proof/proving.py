"""From graded trials to a verdict on every row of the table: paths by expected cost, exact tests, one error rate."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from router_audit.certify import Audit, Candidate, path_of, tally
from router_audit.certify.looks import p_value
from router_audit.policy import CELLS, NO_EVIDENCE, Verdict, cell_of, next_rung
from router_audit.types import Trial
from router_audit.types.grading import EVIDENCE_LADDER, rung_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import polars as pl

    from router_audit.certify import Counts, Plan, RouteProof, Step, Tested
    from router_audit.types import Context, Ladder, Profile

    Cell = tuple[Profile, Context]

HUMAN = "human"
"""The grader whose verdict corrects a judge's."""


def route_name(cell: Cell) -> str:
    """The name a row of the table goes by in its evidence: `extraction`, `extraction/huge`."""
    profile, context = cell
    return profile if context == "standard" else f"{profile}/{context}"


def trials_by_cell(frame: pl.DataFrame) -> tuple[dict[Cell, list[Trial]], int]:
    """The trials of each row, and how many have no profile to count under.

    `frame` has the columns of the query `trials`.
    """
    found: dict[Cell, list[Trial]] = {}
    unplaced = 0
    for row in frame.iter_rows(named=True):
        if row["profile"] is None:
            unplaced += 1
            continue
        cell = cell_of(row["profile"], huge=row["huge_context"])
        found.setdefault(cell, []).append(
            Trial(
                request_id=row["request_id"],
                session_id=row["session_id"],
                profile=cell[0],
                context=cell[1],
                candidate=row["candidate"],
                candidate_ok=row["candidate_ok"],
                incumbent_ok=row["incumbent_ok"],
                grader=row["grader"],
                confidence=row["confidence"],
                candidate_cost_usd=row["candidate_cost_usd"],
                candidate_latency_ms=row["candidate_latency_ms"],
                arrived=row["arrived"],
            )
        )
    return found, unplaced


@dataclass(frozen=True, slots=True)
class Hypotheses:
    """What an audit tests, by `route_name`: the steps of each row that has any, and the counts of each step."""

    paths: Mapping[str, Sequence[Step]]
    counts: Mapping[str, Mapping[tuple[str, float], Counts]]
    """Of the candidates of each path at every threshold, also where a step would cost too much to stand on it."""
    shown: Mapping[str, Mapping[tuple[str, float], tuple[int, int]]]
    """(trials, regrets) of the candidates whose planned sample a replay has ended before: what it held then."""

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """(row, candidate) under test, in order: an audit of other ones is another audit."""
        return sorted({(route, step.candidate) for route, path in self.paths.items() for step in path})


def hypotheses(
    trials: Mapping[Cell, Sequence[Trial]],
    ladder: Ladder,
    mean_cost_usd: Mapping[tuple[Cell, str], float],
    incumbent_cost_usd: Mapping[Cell, float],
    ended: Mapping[tuple[str, str], int],
) -> Hypotheses:
    """Of every row that has trials of a priced candidate.

    `mean_cost_usd` is the expected cost of one request of a row on a model; a candidate without one is left
    out. It and the ladder fix the paths; no outcome is read before they stand. `ended` is (row, candidate) to
    the last arrival of the first sample that a replay has ended.
    """
    paths, counts, shown = {}, {}, {}
    for cell in CELLS:
        names = sorted({trial.candidate for trial in trials.get(cell, ())})
        candidates = []
        for name in names:
            if (cell, name) not in mean_cost_usd:
                continue
            rung = next_rung(ladder, name)
            at_rung = mean_cost_usd.get((cell, rung)) if rung else incumbent_cost_usd.get(cell)
            candidates.append(
                Candidate(name, mean_cost_usd[cell, name], rung, at_rung if at_rung is not None else 0.0)
            )
        path = path_of(candidates, incumbent_cost_usd=incumbent_cost_usd.get(cell))
        if path:
            graded, by_hand = along_the_ladder(trials[cell])
            under_test = {step.candidate for step in path}
            everywhere = path_of(each for each in candidates if each.ref in under_test)
            paths[route_name(cell)] = path
            counts[route_name(cell)] = tally(graded, everywhere, human=by_hand)
            of_row = {name: at for (route, name), at in ended.items() if route == route_name(cell)}
            shown[route_name(cell)] = shown_before(trials[cell], everywhere, of_row)
    return Hypotheses(paths, counts, shown)


def shown_before(
    trials: Sequence[Trial], steps: Sequence[Step], ended: Mapping[str, int]
) -> dict[tuple[str, float], tuple[int, int]]:
    """What a replay had shown of the steps of one row when it ended the sample of their candidate, if it did."""
    before = [trial for trial in trials if trial.arrived <= ended.get(trial.candidate, -1)]
    found = tally(along_the_ladder(before)[0], [step for step in steps if step.candidate in ended])
    return {key: (counts.trials, counts.regrets) for key, counts in found.items()}


def along_the_ladder(trials: Sequence[Trial]) -> tuple[list[Trial], list[Trial]]:
    """Of several grades of one pair the one that counts, and human grades that stand beside another's.

    The best rung of the evidence ladder counts. A human grade beside a judge's does not replace it: those
    pairs are what the judge is measured by, on a sample that keeps one kind of grade. Where no judge looked,
    the human grade itself counts.
    """
    by_pair: dict[tuple[str, str], list[Trial]] = {}
    for trial in trials:
        by_pair.setdefault((trial.candidate, trial.request_id), []).append(trial)
    graded: list[Trial] = []
    by_hand: list[Trial] = []
    for records in by_pair.values():
        rungs = {trial.grader: rung_of(trial.grader) for trial in records}
        others = [EVIDENCE_LADDER.index(rung) for rung in rungs.values() if rung != HUMAN]
        best = EVIDENCE_LADDER[min(others)] if others else HUMAN
        graded += [trial for trial in records if rungs[trial.grader] == best]
        by_hand += [trial for trial in records if rungs[trial.grader] == HUMAN != best]
    return graded, by_hand


def verdicts(audit: Audit) -> dict[Cell, Verdict]:
    """What the audit says about each row it tested, in words."""
    names = {proof.route: proof for proof in audit.routes}
    return {
        cell: _verdict(names[route_name(cell)], audit.plan) for cell in CELLS if route_name(cell) in names
    }


@dataclass(frozen=True, slots=True)
class Gap:
    """Sampled requests of one candidate on one row that nobody graded."""

    profile: Profile
    context: Context
    candidate: str
    ungraded: int


def with_gaps(verdicts: Mapping[Cell, Verdict], gaps: Sequence[Gap], audit: Audit) -> dict[Cell, Verdict]:
    """The verdicts, those certificates withdrawn that the ungraded would undo if each of them were a regret.

    Which answers nobody graded is no accident (no rule fits them, a judge fell silent), so they may not be left
    out of the sample as if it were.
    """
    out = dict(verdicts)
    for gap in gaps:
        cell = (gap.profile, gap.context)
        said = out.get(cell)
        if (
            said is None
            or said.status != "certified"
            or said.candidate != gap.candidate
            or said.evidence is None
        ):
            continue
        proof, more = audit[route_name(cell)], gap.ungraded
        assert proof.choice is not None  # it is certified
        found, then = said.evidence, proof.choice.first
        if then is not None:  # when it was sampled is not known: it may have been before the first look
            then = replace(then, trials=then.trials + more, regrets=then.regrets + more)
        worst = p_value(found.trials + more, found.regrets + more, found.epsilon, then)
        if worst > proof.level:
            reason = (
                f"{more} of {found.trials + more} sampled requests have no grade, and as regrets they "
                f"would undo the certificate: grade them (`router-audit grade`); {said.reason}"
            )
            out[cell] = replace(said, status="provisional", reason=reason)
    return out


def _about(choice: Tested) -> str:
    """What a certificate is about, where a judge had a part in it."""
    judged = sum(n for grader, n in choice.counts.graders if rung_of(grader) in {"judge", "proxy"})
    if not judged:
        return ""
    said = {
        "as-graded": "as judged: no human has looked",
        "human-graded": "the human grades alone prove it",
        "judge-corrected": "as judged; human grades of a part agree",
    }.get(choice.claim, "as judged")
    return f", {judged} of them graded by a judge ({said})"


def _verdict(proof: RouteProof, plan: Plan) -> Verdict:
    choice = proof.choice
    against = tuple(
        sorted(
            t.step.candidate
            for t in proof.steps
            if t.step.tau == 0 and t.verdict in {"refuted", "unsupported", "withdrawn"}
        )
    )
    refuted = f"; refuted: {', '.join(proof.refuted)}" if proof.refuted else ""
    if choice is None:
        if not proof.steps:
            return NO_EVIDENCE
        return Verdict(
            "keep-incumbent",
            None,
            f"no candidate keeps its regret below {plan.epsilon:.0%}{refuted}",
            against=against,
        )
    evidence = choice.evidence
    if proof.status == "certified":
        reason = (
            f"regret at most {evidence.upper_bound:.1%}, {1 - proof.level:.1%} sure, "
            f"{evidence.trials} trials{_about(choice)}{refuted}"
        )
    else:
        reason = (
            f"{evidence.regrets} regrets in {evidence.trials} trials look right and prove nothing yet: "
            f"{evidence.trials_needed} more without a regret would{refuted}"
        )
    return Verdict(proof.status, choice.step.candidate, reason, choice.step.tau, evidence, against)
