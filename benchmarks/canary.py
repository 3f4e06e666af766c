"""Does the canary cry wolf when read every day? How soon does it find a model that got worse?

    python benchmarks/canary.py [--quarters 2000] [--streams 400] [--seed 8]

Simulated quarters of 90 daily looks at 1% canary traffic, beside a z-test of fixed size read every day, and
on some of the same pairs beside what others published: the betting test and the empirical-Bernstein
confidence sequence of Waudby-Smith and Ramdas (2024), both as the library `ville` computes them. Each
quarter's e-process is that of `router_audit.sequential` (some are run through the package itself and
compared). Prints markdown.
"""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

import numpy as np

from router_audit.sequential import Pairs, days_needed, e_process, minimum_detectable_effect, pairs_needed
from router_audit.sequential.eprocess import BETS, FIRST_DAY, HAZARD

if TYPE_CHECKING:
    from numpy.typing import NDArray

ALPHA = 0.05
DAYS = 90
CANARY = 0.01
DIFFER = 0.08
"""The share of pairs that differ where there is no harm: 4% each way."""


def quarters(n: int, per_day: int, harm: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
    """Daily counts of harms, ties and gains; shape (n, days, 3). `harm` is the true mean, by day."""
    days = []
    for mean in harm:
        worse = DIFFER / 2 + mean
        days.append(rng.multinomial(per_day, [worse, 1 - worse - DIFFER / 2, DIFFER / 2], size=n))
    return np.stack(days, axis=1).astype(np.int64)


def e_values(counts: NDArray[np.int64], margin: float) -> NDArray[np.float64]:
    """Log e-values at the end of every day; shape (n, days). The package's recursion over all quarters."""
    bets = np.asarray(BETS) / (1 + margin)
    growth = counts @ np.stack(
        [np.log1p(bets * (1 - margin)), np.log1p(-bets * margin), np.log1p(-bets * (1 + margin))]
    )
    capital = np.full((counts.shape[0], bets.size), -np.inf)
    reserve = 0.0
    values = np.empty(counts.shape[:2])
    for day in range(counts.shape[1]):
        part = HAZARD if day else FIRST_DAY
        capital = np.logaddexp(capital, reserve + np.log(part / bets.size)) + growth[:, day]
        reserve += np.log1p(-part)
        values[:, day] = np.logaddexp(np.logaddexp.reduce(capital, axis=1), reserve)
    for run in range(3):
        state = e_process([Pairs(*(int(c) for c in day)) for day in counts[run]], margin)
        assert abs(state.log_e - values[run, -1]) < 1e-8
    return values


def z_alarms(counts: NDArray[np.int64], margin: float) -> NDArray[np.bool_]:
    """Whether a one-sided z-test at 5%, computed anew each day from 30 pairs on, ever rejected; shape (n,)."""
    harms, ties, gains = np.moveaxis(np.cumsum(counts, axis=1), 2, 0)
    n = harms + ties + gains
    mean = (harms - gains) / n
    spread = np.sqrt(np.maximum((harms + gains) / n - mean**2, 1e-12) / n)
    return np.asarray(((mean - margin > 1.6449 * spread) & (n >= 30)).any(axis=1))


def false_alarms(n: int, rng: np.random.Generator) -> list[list[str]]:
    """Quarters in which nothing was wrong."""
    rows = []
    for margin, truth in ((0.0, 0.0), (0.02, 0.02), (0.02, 0.0), (0.05, 0.05)):
        for requests in (1_000, 10_000, 100_000):
            counts = quarters(n, int(requests * CANARY), np.full(DAYS, truth), rng)
            ours = (e_values(counts, margin) >= -np.log(ALPHA)).any(axis=1)
            rows.append(
                [
                    f"{margin:.0%}",
                    f"{truth:.0%}",
                    f"{requests:,}",
                    f"{ours.mean():.1%}",
                    f"{z_alarms(counts, margin).mean():.1%}",
                ]
            )
    return rows


def four_routes(n: int, rng: np.random.Generator) -> str:
    """The share of quarters in which e-BH over four harmless routes ever names one."""
    logs = np.stack([e_values(quarters(n, 100, np.zeros(DAYS), rng), 0.0) for _ in range(4)], axis=2)
    ranked = np.sort(logs, axis=2)[:, :, ::-1]
    needed = np.log(4 / (ALPHA * np.arange(1, 5)))
    return f"{(ranked >= needed).any(axis=(1, 2)).mean():.1%}"


def found(n: int, margin: float, onset: int, rng: np.random.Generator) -> list[list[str]]:
    """Share of quarters with an alarm after the harm began, and the median days from then."""
    rows = []
    for requests in (1_000, 10_000, 100_000):
        per_day = int(requests * CANARY)
        for harm in (0.02, 0.05, 0.10):
            by_day = np.where(np.arange(DAYS) >= onset, harm, 0.0)
            crossed = e_values(quarters(n, per_day, by_day, rng), margin) >= -np.log(ALPHA)
            early = crossed[:, :onset].any(axis=1)
            late = crossed[:, onset:] & ~early[:, None]
            hit = late.any(axis=1)
            delay = np.where(hit, late.argmax(axis=1) + 1, 10_000)[~early]
            median = float(np.median(delay))
            needed = pairs_needed(harm, DIFFER + harm, margin=margin, power=0.5)
            smallest = minimum_detectable_effect(per_day * (DAYS - onset), DIFFER, margin=margin)
            expected = days_needed(needed, per_day)
            rows.append(
                [
                    f"{requests:,}",
                    f"{harm:.0%}",
                    f"{hit[~early].mean():.0%}",
                    f"{median:.0f}" if median < 10_000 else "-",
                    "-" if expected is None else f"{expected:,}",
                    "-" if smallest is None else f"{smallest:.1%}",
                ]
            )
    return rows


def beside_others(n: int, margin: float, rng: np.random.Generator) -> list[list[str]]:
    """Share of quarters with an alarm and median days to it, each way on the very same pairs.

    The published tests see the pairs of a day one by one, in random order, and are read at the end of the day.
    A confidence sequence of 90% raises the alarm where its lower end passes the margin: one-sided 5%.
    """
    import ville  # type: ignore[import-untyped]

    rows = []
    for requests in (1_000, 10_000):
        per_day = int(requests * CANARY)
        for onset, harm in ((0, margin), (0, 0.05), (0, 0.10), (30, 0.05), (30, 0.10)):
            by_day = np.where(np.arange(DAYS) >= onset, harm, 0.0)
            counts = quarters(n, per_day, by_day, rng)
            drawn = np.stack([np.repeat([1.0, 0.0, -1.0], day) for day in counts.reshape(-1, 3)])
            pairs = rng.permuted(drawn, axis=1).reshape(n, -1)
            last = slice(per_day - 1, None, per_day)
            crossed = {"ours": e_values(counts, margin) >= -np.log(ALPHA)}
            test = ville.BettingTest(margin, bounds=(-1, 1), alternative="greater", alpha=ALPHA)
            crossed["betting"] = np.stack(
                [np.asarray(test.fit(one).log_e_values_)[last] >= -np.log(ALPHA) for one in pairs]
            )
            sequence = ville.EmpiricalBernsteinCS(bounds=(-1, 1), alpha=2 * ALPHA)
            crossed["sequence"] = np.stack(
                [np.asarray(sequence.fit(one).lower_)[last] > margin for one in pairs]
            )
            cells = [f"{requests:,}", f"{harm:.0%}", str(onset + 1)]
            for hits in crossed.values():
                found_it = hits[:, onset:].any(axis=1)
                days = np.where(found_it, hits[:, onset:].argmax(axis=1) + 1, 10_000)
                median = float(np.median(days))
                cells += [f"{found_it.mean():.1%}", f"{median:.0f}" if median < 10_000 else "-"]
            rows.append(cells)
    return rows


def table(head: list[str], rows: list[list[str]]) -> str:
    """Markdown."""
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quarters", type=int, default=2000)
    parser.add_argument("--streams", type=int, default=400, help="quarters run beside the published tests")
    parser.add_argument("--seed", type=int, default=8)
    args = parser.parse_args()
    started = time.monotonic()
    rng = np.random.default_rng(args.seed)
    limit = ALPHA + 2 * (ALPHA * (1 - ALPHA) / args.quarters) ** 0.5
    print(f"### No harm above the margin: {args.quarters} quarters of daily looks, alpha 5%\n")
    print(f"Alarms at any time in the quarter; limit {limit:.1%}. 4% of pairs differ each way; 1% canary.\n")
    head = ["margin", "true harm", "requests a day", "e-process", "z-test read daily"]
    print(table(head, false_alarms(args.quarters, rng)))
    print(f"\ne-BH over four harmless routes, 10,000 requests a day each: {four_routes(args.quarters, rng)}.")
    head = [
        "requests a day",
        "harm",
        "caught",
        "median days",
        "days planned (50%)",
        "smallest harm seen (80%)",
    ]
    for margin, onset in ((0.0, 0), (0.0, 30), (0.02, 0), (0.02, 30)):
        when = "from day 1" if onset == 0 else f"from day {onset + 1}, none before"
        print(f"\n### Harm {when}; margin {margin:.0%}; caught within the quarter\n")
        print(table(head, found(args.quarters, margin, onset, rng)))
    print(f"\n### Beside published tests; margin 2%; {args.streams} quarters, the same pairs for each\n")
    print("Harm of 2% is what the margin puts up with: there an alarm is false.\n")
    head = ["requests a day", "harm", "from day", "e-process", "median days", "betting test", "median days",
            "confidence sequence", "median days"]  # fmt: skip
    print(table(head, beside_others(args.streams, 0.02, rng)))
    print(f"\nSeed {args.seed}; {time.monotonic() - started:.0f} s.")


if __name__ == "__main__":
    main()
