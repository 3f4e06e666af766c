"""From graded trials to the counts a certificate rests on: one trial per session, never two.

What the counts assume, and the caller has to see to: the trials of a route are a random sample of its
sessions (simple, or stratified in proportion); requests that could not be graded are missing for
reasons that have nothing to do with the candidate's answer (else pass them as failed). The claim is
about a request drawn at random from a session drawn at random.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from router_audit.certify.path import Step
    from router_audit.types import Trial


@dataclass(frozen=True, slots=True)
class HumanPairs:
    """Trials that a human graded as well: how the judge's regret agrees with the human's."""

    both: int
    """Regret by both."""
    human_only: int
    """Regret by the human, missed by the judge."""
    judge_only: int
    """Regret by the judge, not by the human."""
    neither: int

    @property
    def trials(self) -> int:
        """How many were graded twice."""
        return self.both + self.human_only + self.judge_only + self.neither


@dataclass(frozen=True, slots=True)
class Counts:
    """Everything a verdict on one (candidate, tau) is computed from. Trials are one per session."""

    trials: int
    """Those that stay: confidence of at least tau (with tau = 0, all)."""
    regrets: int
    """The candidate failed where the incumbent did not, among those that stay."""
    shared_failures: int = 0
    """Both failed, among those that stay: not routing's fault, not a regret."""
    gains: int = 0
    """The candidate did where the incumbent failed, among those that stay."""
    escalated: int = 0
    """Those that go one rung up."""
    rung_trials: int = 0
    """Of the escalated, those whose very request has a trial of the rung as well."""
    rung_regrets: int = 0
    """Of `rung_trials`, those where the rung failed and the incumbent did not."""
    graders: tuple[tuple[str, int], ...] = ()
    """Which grader decided how many of `trials`, by name."""
    human: HumanPairs | None = None
    """None where no human graded any of `trials`."""


def tally(
    trials: Iterable[Trial],
    path: Iterable[Step],
    *,
    human: Iterable[Trial] = (),
    key: str = "router-audit",
) -> dict[tuple[str, float], Counts]:
    """Count the trials of one route for every step of its path, by (candidate, tau).

    Of each session and candidate one request is taken, of those that arrived first that with the smallest
    keyed hash of its id: the choice depends on no outcome, no confidence and no order, is the same for
    every tau, and what was counted once is counted at every later look. Several
    records of that request are merged against the candidate. A trial without a confidence stays only at
    tau = 0. `human` holds human grades of the same requests, beside the judge's in `trials`.
    """
    merged = _merge(trials)
    by_hand = _merge(human)
    chosen = _one_per_session(merged.values(), key)
    return {step.key: _count(chosen.get(step.candidate, ()), step, merged, by_hand) for step in path}


def _merge(trials: Iterable[Trial]) -> dict[tuple[str, str], Trial]:
    """One trial per (candidate, request). Records that differ are settled against the candidate."""
    records: dict[tuple[str, str], list[Trial]] = {}
    for trial in trials:
        records.setdefault((trial.candidate, trial.request_id), []).append(trial)
    return {at: found[0] if len(found) == 1 else _settle(found) for at, found in records.items()}


def _settle(records: list[Trial]) -> Trial:
    """The least favourable reading of several records of one trial, in whatever order they came."""
    ok = all(t.candidate_ok for t in records)
    incumbent_ok = any(t.incumbent_ok for t in records)
    stated = [t.confidence for t in records if t.confidence is not None]
    confidence: float | None
    if incumbent_ok and not ok:  # a regret stays wherever any record would have stayed
        confidence = max(stated, default=None)
    else:  # a success stays only where every record would have
        confidence = min(stated) if len(stated) == len(records) else None
    return replace(
        records[0],
        candidate_ok=ok,
        incumbent_ok=incumbent_ok,
        confidence=confidence,
        session_id=min(t.session_id for t in records),
        arrived=min(t.arrived for t in records),
        grader=min(t.grader for t in records),
    )


def _one_per_session(trials: Iterable[Trial], key: str) -> dict[str, list[Trial]]:
    """By candidate, the first trial of each session; of several the one with the smallest keyed hash."""
    secret = key.encode()[:64]
    best: dict[tuple[str, str], tuple[int, bytes, Trial]] = {}
    for trial in trials:
        at = (trial.candidate, trial.session_id or "request " + trial.request_id)
        rank = blake2b(trial.request_id.encode(), key=secret, digest_size=16).digest()
        if at not in best or (trial.arrived, rank) < best[at][:2]:
            best[at] = (trial.arrived, rank, trial)
    chosen: dict[str, list[Trial]] = {}
    for (candidate, _), (_, _, trial) in sorted(best.items(), key=lambda item: item[0]):
        chosen.setdefault(candidate, []).append(trial)
    return chosen


def stays(trial: Trial, tau: float) -> bool:
    """Whether the candidate keeps this request at threshold `tau`."""
    return tau == 0 or (trial.confidence is not None and trial.confidence >= tau)


def _count(
    chosen: Iterable[Trial],
    step: Step,
    merged: Mapping[tuple[str, str], Trial],
    by_hand: Mapping[tuple[str, str], Trial],
) -> Counts:
    kept: list[Trial] = []
    risen: list[Trial] = []
    for trial in chosen:
        (kept if stays(trial, step.tau) else risen).append(trial)
    rung = [merged[at] for t in risen if step.rung and (at := (step.rung, t.request_id)) in merged]
    twice = [(by_hand[at].regret, t.regret) for t in kept if (at := (t.candidate, t.request_id)) in by_hand]
    seen = Counter(twice)
    return Counts(
        trials=len(kept),
        regrets=sum(t.regret for t in kept),
        shared_failures=sum(not t.candidate_ok and not t.incumbent_ok for t in kept),
        gains=sum(t.candidate_ok and not t.incumbent_ok for t in kept),
        escalated=len(risen),
        # The incumbent as rung has no regret against itself: every escalated trial is known.
        rung_trials=len(rung) if step.rung else len(risen),
        rung_regrets=sum(t.regret for t in rung),
        graders=tuple(sorted(Counter(t.grader for t in kept).items())),
        human=HumanPairs(seen[True, True], seen[True, False], seen[False, True], seen[False, False])
        if twice
        else None,
    )
