"""Real outcomes: certify on one half of the prompts, measure on the other.

    python benchmarks/outcomes.py OUTCOMES.parquet [--splits 20] [--seed 6] [--incumbent dearest best]

Needs one row per prompt and model: `dataset`, `id` (the prompt), `model`, `correct` or `score`, and where
known `cost_usd`, `input_tokens`, `output_tokens`, `confidence`. Every dataset of the file is an audit of its
own; none is left out.

The protocol, and where its numbers come from:

* epsilon and delta are the tool's defaults, 5% and 5%. A prompt counts as right where `correct` says so, else
  where `score` is at least one half.
* A split permutes the prompts of a dataset (numpy's default generator, seeded once by `--seed`, datasets in
  order of name) and halves them. Everything that is chosen is chosen on the first half; the second half is
  read once, by what was chosen.
* The incumbent is the dearest model, or (`best`) the one most often right on the first half; a model that was
  run on at most half of the prompts is not one.
* The first thirty prompts of the first half are a pilot: of the cheaper models whose pilot regret is at most
  epsilon (of those with a confidence: above its median; from ten prompts up) the cheapest, the dearest and
  the middle one by cost are candidates. The pilot's prompts are no trials.
* Trials: the next prompts of the first half, as many as `replay` plans by itself for one row.
* Prices: `cost_usd` where the data has it, else tokens at genai-prices, else at a nominal price by size.

The test of the promise is the first split: its audits are independent of one another, and each may certify
falsely with chance delta. Counted as false is every certified route whose regret on the second half is
above epsilon, though by the second half's own noise a good route may lie there too; the p-value is
P(Bin(audits, delta) >= so many). The other splits of the same prompts show how much hangs on the split.
"""

from __future__ import annotations

import argparse
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from genai_prices import Usage, calc_price

from router_audit.certify import (
    Candidate,
    Plan,
    certify,
    evidence_block,
    p_value_above,
    path_of,
    tally,
    verify_evidence,
)
from router_audit.proof.sampling import trials_wanted
from router_audit.types import Trial

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

EPSILON = DELTA = 0.05
PILOT = 30
TRIALS = trials_wanted(EPSILON, Plan(EPSILON, DELTA).level)[1]
NOMINAL = (
    (r"405b", 3.0, 3.0),
    (r"jamba-1.5-large", 2.0, 8.0),
    (r"mistral-large", 2.0, 6.0),
    (r"davinci", 20.0, 20.0),
    (r"curie", 2.0, 2.0),
    (r"babbage", 0.5, 0.5),
    (r"text-ada", 0.4, 0.4),
    (r"chatgpt|gpt-3.5", 1.5, 2.0),
    (r"gpt-4-1106", 10.0, 30.0),
    (r"gpt-4o", 2.5, 10.0),
    (r"gpt-5|gemini-2-5-pro", 1.25, 10.0),
    (r"sonnet", 3.0, 15.0),
    (r"claude-instant", 0.8, 2.4),
    (r"command-r|chat-bison", 0.5, 1.5),
    (r"deepseek-v|deepseek-coder", 0.27, 1.1),
    (r"kimi", 0.6, 2.5),
    (r"gptoss", 0.15, 0.6),
    (r"7[02]b|67b", 0.9, 0.9),
    (r"49b|51b|34b", 0.7, 0.7),
    (r"ul2|xxl|1[13]b|mistral-small", 0.3, 0.3),
    (r"[789]b|nemo|mistral-tiny", 0.2, 0.2),
    (r"2b|phi-3-mini|t5-xl", 0.1, 0.1),
    (r"t5-large", 0.05, 0.05),
    (r"t5", 0.02, 0.02),
)
"""USD per million tokens in and out, by size: list prices of hosted open models of their day, rounded."""


@dataclass(frozen=True)
class Dataset:
    """Outcomes of one dataset as arrays of shape (prompts, models); NaN where a model was not run."""

    name: str
    models: list[str]
    ok: NDArray[np.float64]
    cost: NDArray[np.float64]
    """USD per request."""
    confidence: NDArray[np.float64]
    priced_by: str


@dataclass
class Tallies:
    """What the splits of one dataset added up to."""

    rows: list[dict[str, float]] = field(default_factory=list)
    incumbents: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    routes: Counter[str] = field(default_factory=Counter)
    above: list[bool] = field(default_factory=list)
    """By split: certified, and the held-out regret of what stays is above epsilon."""
    proven_above: int = 0
    """As `above`, with an exact 5% test against it."""


def price_of(model: str) -> tuple[float, float, str]:
    """USD per million tokens in and out, and who says so."""
    base = re.sub(r"-FC$", "", model.split("|", maxsplit=1)[0])
    for name in (base, base.split("/")[-1]):
        try:
            million = calc_price(Usage(input_tokens=1_000_000, output_tokens=0), name)
            out = calc_price(Usage(input_tokens=0, output_tokens=1_000_000), name)
        except LookupError:
            continue
        return float(million.total_price), float(out.total_price), "genai-prices"
    for pattern, per_in, per_out in NOMINAL:
        if re.search(pattern, base.lower()):
            return per_in, per_out, "nominal"
    return 1.0, 1.0, "nominal"


def load(path: Path | str) -> list[Dataset]:
    """Every dataset of the file, by name."""
    frame = pl.read_parquet(path).with_columns(
        pl.col("dataset").cast(pl.String),
        pl.col("model").cast(pl.String),
        ok=pl.coalesce(pl.col("correct"), pl.col("score") >= 0.5).cast(pl.Float64),
    )
    prices = {model: price_of(model) for model in frame["model"].unique().to_list()}
    listed = pl.DataFrame([{"model": m, "in": i, "out": o} for m, (i, o, _) in prices.items()])
    # Where the number of tokens is not known every model is taken to read and write the same.
    frame = frame.join(listed, on="model").with_columns(
        cost=pl.coalesce(
            pl.col("cost_usd"),
            (
                pl.col("input_tokens").fill_null(1000) * pl.col("in")
                + pl.col("output_tokens").fill_null(200) * pl.col("out")
            )
            / 1e6,
        ),
        confidence=pl.col("confidence").cast(pl.Float64),
    )
    found = []
    for (name,), part in sorted(frame.group_by("dataset"), key=lambda item: str(item[0])):
        wide = {
            value: part.pivot("model", index="id", values=value, aggregate_function="first").sort("id")
            for value in ("ok", "cost", "confidence")
        }
        models = [c for c in wide["ok"].columns if c != "id"]
        arrays = {v: t.select(models).cast(pl.Float64).to_numpy().astype(float) for v, t in wide.items()}
        sources = Counter("data" if part["cost_usd"].null_count() == 0 else prices[m][2] for m in models)
        by = ", ".join(f"{source} {n}" for source, n in sources.most_common())
        found.append(Dataset(str(name), models, arrays["ok"], arrays["cost"], arrays["confidence"], by))
    return found


def regrets(data: Dataset, model: int, incumbent: int, rows: NDArray[np.intp]) -> NDArray[np.float64]:
    """1 where the model failed and the incumbent did not, NaN where either was not run; shape (rows,)."""
    mine, theirs = data.ok[rows, model], data.ok[rows, incumbent]
    return np.where(np.isnan(mine) | np.isnan(theirs), np.nan, (mine < 0.5) & (theirs > 0.5))


def choose_candidates(
    data: Dataset, incumbent: int, pilot: NDArray[np.intp], cost: NDArray[np.float64]
) -> list[int]:
    """Up to three models cheaper than the incumbent that the pilot does not speak against."""
    fine = []
    for model in range(len(data.models)):
        if cost[model] < cost[incumbent]:
            seen = regrets(data, model, incumbent, pilot)
            sure = data.confidence[pilot, model]
            if not np.isnan(sure).all():  # a candidate with confidence may keep its surer half
                seen = np.where(sure >= np.nanmedian(sure), seen, np.nan)
            if (~np.isnan(seen)).sum() >= 10 and np.nanmean(seen) <= EPSILON:
                fine.append(model)
    fine.sort(key=lambda model: cost[model])
    return sorted({fine[0], fine[len(fine) // 2], fine[-1]}) if fine else []


def split_once(data: Dataset, which: str, rng: np.random.Generator, into: Tallies) -> None:
    """One random split: prove on one half, measure on the other."""
    order = rng.permutation(data.ok.shape[0])
    build, held = order[: order.size // 2], order[order.size // 2 :]
    cost = np.nanmean(data.cost, axis=0)
    seen = np.nansum(data.ok[build], axis=0) / np.maximum(1, (~np.isnan(data.ok[build])).sum(axis=0))
    run = (~np.isnan(data.ok)).mean(axis=0) > 0.5
    allowed = np.flatnonzero(run)
    if which == "best":
        incumbent = int(allowed[np.argmax(seen[allowed])])
    else:
        incumbent = int(allowed[np.lexsort((seen[allowed], cost[allowed]))[-1]])
    pilot, sample = build[:PILOT], build[PILOT : PILOT + TRIALS]
    chosen = [m for m in choose_candidates(data, incumbent, pilot, cost) if run[m]]
    path = path_of(
        [Candidate(data.models[m], float(cost[m]), None, float(cost[incumbent])) for m in chosen],
        incumbent_cost_usd=float(cost[incumbent]),
    )
    graded = [
        Trial(
            request_id=str(row),
            session_id="",
            profile="reasoning",
            context="standard",
            candidate=data.models[m],
            candidate_ok=bool(data.ok[row, m] > 0.5),
            incumbent_ok=bool(data.ok[row, incumbent] > 0.5),
            grader="dataset",
            confidence=None if np.isnan(data.confidence[row, m]) else float(data.confidence[row, m]),
        )
        for m in chosen
        for row in sample
        if not np.isnan(data.ok[row, [m, incumbent]]).any()
    ]
    audit = certify({"all": path}, {"all": tally(graded, path)}, Plan(EPSILON, DELTA))
    assert verify_evidence(evidence_block(audit)) == []
    proof = audit["all"]
    # Controls and route are all measured on held-out prompts that every one of them was run on.
    best = int(allowed[np.argmax(seen[allowed])])
    cheapest = int(allowed[np.argmin(cost[allowed])])
    certified = proof.choice if proof.status == "certified" else None
    model = data.models.index(certified.step.candidate) if certified else incumbent
    everyone = data.ok[held][:, [incumbent, best, cheapest, model]]
    full = held[~np.isnan(everyone).any(axis=1)]
    stays = np.ones(full.size, dtype=bool)
    if certified and certified.step.tau > 0:
        stays = data.confidence[full, model] >= certified.step.tau
    ok = np.where(stays, data.ok[full, model], data.ok[full, incumbent])
    bill = cost[model] + (~stays).mean() * cost[incumbent]
    into.incumbents[data.models[incumbent]] += 1
    into.statuses[proof.status] += 1
    row = {
        "incumbent_ok": data.ok[full, incumbent].mean(),
        "incumbent_cost": cost[incumbent],
        "route_ok": ok.mean(),
        "route_cost": bill,
        "best_ok": data.ok[full, best].mean(),
        "best_cost": cost[best],
        "cheap_ok": data.ok[full, cheapest].mean(),
        "cheap_cost": cost[cheapest],
    }
    spread = cost[incumbent] - cost[cheapest]
    share = 1.0 if spread <= 0 else min(1.0, max(0.0, (bill - cost[cheapest]) / spread))
    row["random_ok"] = share * row["incumbent_ok"] + (1 - share) * row["cheap_ok"]
    if certified:
        tau = certified.step.tau
        into.routes[certified.step.candidate + (f" at {tau:g}" if tau else "")] += 1
        out = regrets(data, model, incumbent, full)[stays]
        row["regret"] = float(out.mean())
        into.proven_above += p_value_above(out.size, int(out.sum()), EPSILON) <= 0.05
    into.above.append(row.get("regret", 0.0) > EPSILON)
    into.rows.append({key: float(value) for key, value in row.items()})


def verdict(mean: dict[str, float]) -> str:
    """What the mean over splits says, against each control in turn."""
    if mean["route_cost"] >= 0.999 * mean["incumbent_cost"]:
        kept = "keeps the incumbent"
        better = (
            mean["best_ok"] >= mean["incumbent_ok"] and mean["best_cost"] < 0.999 * mean["incumbent_cost"]
        )
        return kept + (", **loses to the best single model**" if better else "")
    words = []
    if mean["best_ok"] >= mean["route_ok"] and mean["best_cost"] <= mean["route_cost"]:
        words.append("**loses to the best single model**")
    if mean["cheap_ok"] >= mean["route_ok"] and mean["cheap_cost"] <= 0.999 * mean["route_cost"]:
        words.append("**loses to all-cheapest**")
    if mean["random_ok"] > mean["route_ok"]:
        words.append("**loses to the random split**")
    return ", ".join(words) or "beats or ties all controls"


def report(data: Dataset, tallies: Tallies) -> list[str]:
    """One row of the table."""
    keys = [k for k in tallies.rows[0] if k != "regret"]
    mean = {k: float(np.mean([row[k] for row in tallies.rows])) for k in keys}
    out = [row["regret"] for row in tallies.rows if "regret" in row]
    certified, total = tallies.statuses["certified"], len(tallies.rows)

    def at(who: str) -> str:
        return f"{mean[who + '_ok']:.1%} / {mean[who + '_cost'] / mean['incumbent_cost']:.0%}"

    return [
        data.name,
        str(data.ok.shape[0]),
        tallies.incumbents.most_common(1)[0][0],
        f"{certified}/{total}",
        tallies.routes.most_common(1)[0][0] if tallies.routes else "none",
        f"{np.mean(out):.1%}" if out else "-",
        f"{sum(tallies.above)} ({tallies.proven_above})" if out else "-",
        f"{mean['incumbent_ok']:.1%}",
        at("route"),
        at("best"),
        at("cheap"),
        f"{mean['random_ok']:.1%}",
        data.priced_by,
        verdict(mean),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("outcomes")
    parser.add_argument("--splits", type=int, default=20)
    parser.add_argument("--incumbent", nargs="+", choices=["dearest", "best"], default=["dearest", "best"])
    parser.add_argument("--seed", type=int, default=6)
    args = parser.parse_args()
    datasets = load(args.outcomes)
    for which in args.incumbent:
        audit_all(datasets, which, args.splits, args.seed)


def audit_all(datasets: list[Dataset], which: str, splits: int, seed: int) -> None:
    """Print the table of one kind of incumbent, and the test of the promise."""
    started = time.monotonic()
    rng = np.random.default_rng(seed)
    found = {data.name: Tallies() for data in datasets}
    for data in datasets:
        for _ in range(splits):
            split_once(data, which, rng, found[data.name])
    print(f"### Incumbent: the {which} model; {splits} splits, at most {TRIALS} trials\n")
    print("Quality on the second half / cost as a share of the incumbent's, means over all splits.\n")
    head = ["dataset", "prompts", "incumbent", "certified", "route", "second half's regret"]
    head += ["above 5% (proven)", "incumbent", "route", "best single", "all-cheapest", "random split"]
    head += ["prices", "verdict"]
    rows = [report(data, found[data.name]) for data in datasets]
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    print("\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows]))
    first = [name for name, tallies in found.items() if tallies.above[0]]
    proven_first = sum("regret" in tallies.rows[0] for tallies in found.values())
    chance = p_value_above(len(datasets), len(first), DELTA)
    print(
        f"\nFirst split: {proven_first} of {len(datasets)} audits certified a route; {len(first)} of those have a"
        f" regret above 5% on the second half{': ' if first else ''}{', '.join(first)}."
        f" P(Bin({len(datasets)}, 5%) >= {len(first)}) = {chance:.2f}."
    )
    certified = sum(tallies.statuses["certified"] for tallies in found.values())
    above = sum(sum(tallies.above) for tallies in found.values())
    proven = sum(tallies.proven_above for tallies in found.values())
    by_split = [sum(tallies.above[at] for tallies in found.values()) for at in range(splits)]
    print(
        f"\nAll splits: of {splits * len(datasets)} audits {certified} certified a route, {above} of them with a"
        f" second half above 5% (at most {max(by_split)} in one split), provably so (5% test): {proven}."
        f" Seed {seed}; {time.monotonic() - started:.0f} s.\n"
    )
    words = Counter(word for row in rows for word in row[-1].replace("**", "").split(", "))
    print("Datasets: " + "; ".join(f"{word}: {count}" for word, count in sorted(words.items())) + ".\n")


if __name__ == "__main__":
    main()
