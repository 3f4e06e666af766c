"""How often does an audit certify a model that is not good enough? And how often one that is?

    python benchmarks/certify.py [--audits 2000] [--seed 6]

Simulated audits of 4 profiles and 4 candidates, from raw trials to verdicts through the package's own
functions, beside the rule "a pass rate of at least 95% of the original's on ten or more samples" on the
very same trials. Then audits that are looked at again whenever 50 more trials of each candidate are in,
until every profile is certified or 600 are in, beside the same exact test made anew at every look. Prints
markdown.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import ndtr, ndtri

from router_audit.certify import TAUS, Candidate, Counts, FirstLook, Plan, certify, path_of, power
from router_audit.certify.looks import trials_wanted
from router_audit.proof.sampling import trials_wanted as wanted_at_first

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from router_audit.certify import Audit

PROFILES = ("classification", "extraction", "reasoning", "coordination")
COSTS = (8.0, 4.0, 2.0, 1.0)
"""Of the four candidates, safest first; the incumbent costs 16."""
NAMES = tuple(f"m{cost:g}" for cost in COSTS)
EPSILON = DELTA = 0.05
INCUMBENT_OK = 0.9
EACH, MOST = 50, 600
"""Trials of a candidate between two looks, and at the last one."""


@dataclass(frozen=True)
class World:
    """A truth: regret by profile and candidate, and what a candidate's confidence knows of it."""

    name: str
    regret: NDArray[np.float64]
    """Shape (profiles, candidates)."""
    gain: float = 0.02
    """The share of requests where the candidate does what the incumbent failed at."""
    informative: float | None = None
    """Without: no confidence, so that only tau = 0 can be tested. With: regrets have a confidence that is lower by so many standard deviations."""

    sessions: int = 200
    """Of each profile."""

    @property
    def taus(self) -> tuple[float, ...]:
        """What its path tests."""
        return (0.0,) if self.informative is None else TAUS


def worlds() -> list[World]:
    """Truths on epsilon, just beyond it, far beyond it, and mixed with candidates that are fine."""
    flat = np.ones((4, 1))
    return [
        World("all 16 at 5.0%", flat * [[0.05, 0.05, 0.05, 0.05]]),
        World("all 16 at 5.1%", flat * [[0.051, 0.051, 0.051, 0.051]]),
        World("1%, 3%, then 5%, 5%", flat * [[0.01, 0.03, 0.05, 0.05]]),
        World("0% in three profiles, 5% in the last", np.array([[0.0] * 4] * 3 + [[0.05] * 4])),
        World("0%, then 5%, 6%, 18%", flat * [[0.0, 0.05, 0.06, 0.18]]),
        World("all 16 at 5.0%, blind confidence", flat * [[0.05] * 4], informative=0.0),
        World("all 16 at 9%, confidence knows", flat * [[0.09] * 4], informative=1.0),
        World("2%, 4%, 8%, 18%, confidence knows", flat * [[0.02, 0.04, 0.08, 0.18]], informative=1.0),
        World("14.23%: on 5% at tau 0.5, below above", flat * [[0.1423] * 4], informative=1.0, sessions=800),
    ]


@dataclass(frozen=True)
class Sample:
    """One audit's graded trials: what `router_audit.certify.tally` would have counted."""

    counts: dict[str, dict[tuple[str, float], Counts]]
    rate: dict[str, dict[str, tuple[int, float, float]]]
    """By profile and candidate: samples, pass rate of the candidate, pass rate of the incumbent, with every
    request of a session taken for a trial of its own."""


def truth_above(world: World, regret: float, tau: float) -> float:
    """The regret among those that stay at `tau`, given how confidence and regret go together."""
    if tau == 0 or world.informative is None or regret == 0:
        return regret
    cut = float(ndtri(tau))
    of_regrets = 1 - float(ndtr(cut + world.informative))
    of_others = 1 - float(ndtr(cut))
    return regret * of_regrets / (regret * of_regrets + (1 - regret) * of_others)


def draw(world: World, rng: np.random.Generator) -> Sample:
    """Sessions of 1 to 6 requests; outcomes correlated within a session and between candidates."""
    counts: dict[str, dict[tuple[str, float], Counts]] = {}
    rate: dict[str, dict[str, tuple[int, float, float]]] = {}
    sessions = world.sessions
    for k, profile in enumerate(PROFILES):
        size = rng.integers(1, 7, sessions)
        owner = np.repeat(np.arange(sessions), size)
        first = np.concatenate([[0], np.cumsum(size)[:-1]])
        chosen = first + rng.integers(0, size)  # one request of each session, whatever its outcome
        # A Gaussian copula: half of what decides a regret belongs to the session, a quarter to the request
        # whichever candidate answers it, a quarter to the candidate's own answer.
        shared = rng.normal(size=sessions)[owner] * 0.5**0.5 + rng.normal(size=owner.size) * 0.25**0.5
        own = shared + rng.normal(size=(len(COSTS), owner.size)) * 0.25**0.5
        fails = rng.random(owner.size) < 1 - INCUMBENT_OK
        # A regret has the wanted chance among requests that the incumbent gets right.
        regret = ~fails & (own < ndtri(world.regret[k] / INCUMBENT_OK)[:, None])
        gain = fails & (rng.random(own.shape) < world.gain / (1 - INCUMBENT_OK))
        passed = ((~fails & ~regret) | gain).mean(axis=1)
        rate[profile] = {
            name: (owner.size, float(mine), float(1 - fails.mean()))
            for name, mine in zip(NAMES, passed, strict=True)
        }
        bad, better = regret[:, chosen], gain[:, chosen]
        sure = rng.normal(size=bad.shape) - (world.informative or 0.0) * bad
        counts[profile] = {}
        for tau in world.taus:
            stays = sure >= (ndtri(tau) if tau else -np.inf)
            columns = (stays, bad & stays, fails[chosen] & ~better & stays, better & stays)
            n, x, shared_failures, gains = (column.sum(axis=1).tolist() for column in columns)
            for c, name in enumerate(NAMES):
                counts[profile][name, tau] = Counts(
                    trials=n[c],
                    regrets=x[c],
                    shared_failures=shared_failures[c],
                    gains=gains[c],
                    escalated=sessions - n[c],
                )
    return Sample(counts, rate)


def simulate(world: World, audits: int, rng: np.random.Generator) -> list[str]:
    """One row: how many audits make a false claim by either rule, how many true routes each finds."""
    path = path_of(
        [Candidate(name, cost, None, 16.0) for name, cost in zip(NAMES, COSTS, strict=True)],
        taus=world.taus,
        incumbent_cost_usd=16.0,
    )
    paths = dict.fromkeys(PROFILES, path)
    false = naive_false = naive_broken = certified = naive_routes = 0
    for _ in range(audits):
        sample = draw(world, rng)
        audit = certify(paths, sample.counts, Plan(EPSILON, DELTA))
        wrong = naive_wrong = broken = False
        for k, profile in enumerate(PROFILES):
            proof = audit[profile]
            certified += proof.status == "certified"
            wrong |= any(
                tested.rejected
                and truth_above(world, world.regret[k, NAMES.index(tested.step.candidate)], tested.step.tau)
                >= EPSILON
                for tested in proof.steps
            )
            accepted = [
                name
                for name, (n, mine, original) in sample.rate[profile].items()
                if n >= 10 and mine >= 0.95 * original
            ]
            naive_routes += bool(accepted)
            truths = [world.regret[k, NAMES.index(name)] for name in accepted]
            naive_wrong |= any(truth >= EPSILON for truth in truths)
            broken |= any(INCUMBENT_OK - truth + world.gain < 0.95 * INCUMBENT_OK for truth in truths)
        false, naive_false, naive_broken = false + wrong, naive_false + naive_wrong, naive_broken + broken
    return [
        world.name,
        str(world.sessions),
        f"{false / audits:.1%}",
        f"{certified / (audits * len(PROFILES)):.0%}",
        f"{naive_false / audits:.1%}",
        f"{naive_broken / audits:.1%}",
        f"{naive_routes / (audits * len(PROFILES)):.0%}",
    ]


def grow(regret: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Regrets so far at each look, shape (looks, profiles, candidates): sessions of one request, as in `draw`."""
    shape = (len(PROFILES), MOST)
    shared = rng.normal(size=shape) * 0.75**0.5
    own = shared[:, None] + rng.normal(size=(len(PROFILES), len(COSTS), MOST)) * 0.25**0.5
    fails = rng.random(shape) < 1 - INCUMBENT_OK
    bad = ~fails[:, None] & (own < ndtri(regret / INCUMBENT_OK)[:, :, None])
    return np.cumsum(bad, axis=2)[:, :, EACH - 1 :: EACH].transpose(2, 0, 1)


def look_again(name: str, regret: NDArray[np.float64], audits: int, rng: np.random.Generator) -> list[str]:
    """One row: audits with a false certificate at any look, by the package and by the exact test made anew."""
    path = path_of([Candidate(n, cost) for n, cost in zip(NAMES, COSTS, strict=True)], taus=(0.0,))
    paths = dict.fromkeys(PROFILES, path)
    false = dict.fromkeys(("ours", "anew", "once"), 0)
    proven = dict.fromkeys(false, 0)
    for _ in range(audits):
        course = grow(regret, rng)
        for rule in false:
            first: dict[str, dict[tuple[str, float], FirstLook]] = {profile: {} for profile in PROFILES}
            wrong = False
            last = [len(course)] if rule == "once" else range(1, len(course) + 1)
            for look in last:
                counts = {
                    profile: {
                        (name, 0.0): Counts(look * EACH, int(course[look - 1, k, c]))
                        for c, name in enumerate(NAMES)
                    }
                    for k, profile in enumerate(PROFILES)
                }
                if rule == "ours":
                    audit = certify(paths, counts, Plan(EPSILON, DELTA, look=look), first)
                    first = {
                        proof.route: {t.step.key: t.first for t in proof.steps if t.first is not None}
                        for proof in audit.routes
                    }
                else:
                    audit = certify(paths, counts, Plan(EPSILON, DELTA))
                wrong |= falsely(audit, regret)
                if all(proof.status == "certified" for proof in audit.routes):
                    break
            false[rule] += wrong
            proven[rule] += sum(proof.status == "certified" for proof in audit.routes)
    routes = audits * len(PROFILES)
    return [
        name,
        *(f"{false[rule] / audits:.1%}" for rule in false),
        *(f"{proven[rule] / routes:.0%}" for rule in false),
    ]


def falsely(audit: Audit, regret: NDArray[np.float64]) -> bool:
    """Whether it rejects the hypothesis of a candidate whose regret is epsilon or more."""
    return any(
        tested.rejected and regret[k, NAMES.index(tested.step.candidate)] >= EPSILON
        for k, profile in enumerate(PROFILES)
        for tested in audit[profile].steps
    )


def later_needs() -> list[list[str]]:
    """What the next look takes where the first one did not certify, four profiles."""
    level = Plan(EPSILON, DELTA).level / len(PROFILES)
    least, wanted = wanted_at_first(EPSILON, level)
    rows = [["none yet", str(least), str(wanted)]]
    for trials, regrets in ((86, 1), (100, 1), (181, 4), (400, 11)):
        first = FirstLook(1, 1.0, trials, regrets)
        needs = trials_wanted(trials, regrets, EPSILON, level, first, 0.8)
        rows.append([f"{regrets} in {trials}", *map(str, needs)])
    return rows


def rule_of_ten(rng: np.random.Generator, audits: int) -> list[list[str]]:
    """The point-estimate rule at ten samples, for one cell and for an audit of 16, by true loss."""
    rows = []
    for loss in (0.05, 0.10, 0.13, 0.20):
        shape = (audits, 16, 10)
        original = rng.random(shape) < INCUMBENT_OK
        candidate = original & (rng.random(shape) >= loss / INCUMBENT_OK)
        accepted = candidate.mean(axis=2) >= 0.95 * original.mean(axis=2)
        rows.append([f"{loss:.0%}", f"{accepted.mean():.0%}", f"{accepted.any(axis=1).mean():.1%}"])
    return rows


def table(head: list[str], rows: list[list[str]]) -> str:
    """Markdown."""
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--audits", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=6)
    args = parser.parse_args()
    started = time.monotonic()
    rng = np.random.default_rng(args.seed)
    limit = DELTA + 2 * (DELTA * (1 - DELTA) / args.audits) ** 0.5
    print(f"### {args.audits} audits of 4 profiles x 4 candidates, epsilon 5%, delta 5%\n")
    print(f"A false audit certifies at least one pair whose true regret is 5% or more; limit {limit:.1%}.\n")
    head = ["true regret", "sessions", "false audits", "routes certified"]
    head += ["false audits, 95% rule", "of which false by the rule's own claim", "routes accepted, 95% rule"]
    print(table(head, [simulate(world, args.audits, rng) for world in worlds()]))
    print(f"\n### Looked at again after every {EACH} trials, until certified or {MOST} are in\n")
    print(
        "*Anew*: the same exact test at the whole of delta at every look. *Once*: at the last look alone.\n"
    )
    head = ["true regret", "false audits", "anew", "once", "routes certified", "anew", "once"]
    flat = np.ones((4, 1))
    print(
        table(
            head,
            [
                look_again(name, regret, args.audits, rng)
                for name, regret in (
                    ("all 16 at 5.0%", flat * [[0.05] * 4]),
                    ("1%, 3%, then 5%, 5%", flat * [[0.01, 0.03, 0.05, 0.05]]),
                    ("0%, then 5%, 6%, 18%", flat * [[0.0, 0.05, 0.06, 0.18]]),
                    ("0% in three profiles, 5% in the last", np.array([[0.0] * 4] * 3 + [[0.05] * 4])),
                )
            ],
        )
    )
    print("\n### Trials that the next look takes, in all, four profiles\n")
    print(
        table(
            ["at the first look", "without a further regret", "at 1% regret, four times in five"],
            later_needs(),
        )
    )
    print("\n### The 95% rule on ten samples, incumbent right 90% of the time\n")
    print(
        table(
            ["truly worse by", "one cell accepted", "an audit of 16 accepts one"],
            rule_of_ten(rng, args.audits),
        )
    )
    print("\n### Power of a first look: the chance that one candidate is certified, by its true regret\n")
    head = ["trials", "level", "0%", "1%", "2%", "3%"]
    rows = []
    for n in (50, 100, 200, 400):
        whole = Plan(EPSILON, DELTA).level
        for level, name in ((whole, "5% (one profile)"), (whole / 4, "1.25% (four profiles)")):
            rows.append(
                [str(n), name, *(f"{power(n, truth, EPSILON, level):.0%}" for truth in (0, 0.01, 0.02, 0.03))]
            )
    print(table(head, rows))
    print(f"\nSeed {args.seed}; {time.monotonic() - started:.0f} s.")


if __name__ == "__main__":
    main()
