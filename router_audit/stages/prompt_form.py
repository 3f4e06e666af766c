"""The classifier as a prompt: an instruction and chosen examples that make an LLM return the profile.

Candidates with more or fewer examples are measured through the provider on a validation part of the training
templates; the best is measured once on the held-out templates, which no candidate has seen, beside the
embedding form fitted on the same training templates.
"""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from router_audit.classifier.prompt import Example, candidates, split_parts
from router_audit.classifier.report import evaluate
from router_audit.errors import ModelError, UserError
from router_audit.files.writing import write_whole
from router_audit.labellers import ASKED
from router_audit.labellers.question import excerpt, prompt_text, question, verdict
from router_audit.llm import Budget
from router_audit.stages.asked_labels import priced
from router_audit.stages.asking import AskOptions, agreed, ask_stored, plan_asks
from router_audit.stages.figures import figures_of
from router_audit.stages.prompt_store import StoredPrompt, keep_prompt, latest_prompt
from router_audit.stages.records import prompt_record
from router_audit.types import PROFILES

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    import polars as pl
    from numpy.typing import NDArray

    from router_audit.llm import Client
    from router_audit.store import Store
    from router_audit.types.price import ModelPrice
    from router_audit.types.progress import Progress

SEED = 20261101
VALIDATION, TEST = 40, 120
"""Requests each candidate, and the winner, is measured on."""
FEWEST = 40


@dataclass(frozen=True, slots=True)
class PromptAsking:
    """Which model judges by the prompt, and for how much."""

    labeller: str | None = None
    """A member of `ASKED`; the stored prompt's own where None."""
    model: str | None = None
    base_url: str | None = None
    prices: Path | None = None
    example_tokens: int = 2000
    """Room for the examples."""
    out: Path | None = None
    """Also write the chosen prompt here."""
    ask: AskOptions = field(default_factory=AskOptions)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One prompt that was tried."""

    examples: int
    tokens: int
    accuracy: float
    """On the validation part; an abstention is an error."""


@dataclass(frozen=True, slots=True)
class PromptResult:
    """The prompt, its figures on templates it has not seen, and what a decision costs."""

    version: str
    n: int
    macro_f1: float
    per_profile: dict[str, dict[str, float]]
    confusion: dict[str, dict[str, int]]
    brier: float
    ece: float
    abstained: int
    risk_coverage: list[list[float]]
    model: str
    examples: int
    prompt_tokens: int
    candidates: tuple[Candidate, ...]
    cost_per_thousand_usd: Decimal
    embedding: dict[str, Any]
    """The embedding form on the same requests: `macro_f1`, `cost_per_thousand_usd`."""
    cost_usd: Decimal
    prompt: str


@dataclass(slots=True)
class _Bench:
    """Puts prompts to one model under one budget."""

    store: Store
    client: Client
    price: ModelPrice | None
    options: AskOptions
    budget: Budget
    progress: Progress
    spent_usd: Decimal = Decimal(0)
    missed: Counter[str] = field(default_factory=Counter)

    def judge(self, prompt: str, records: Sequence[Mapping[str, Any]]) -> list[tuple[str | None, Decimal]]:
        """(profile or None, cost) of each record."""
        asks = [question(r, system=prompt, form="tool", name=str(i)) for i, r in enumerate(records)]
        said: list[tuple[str | None, Decimal]] = [(None, Decimal(0))] * len(records)
        put = [ask for ask in asks if ask is not None]
        found = ask_stored(
            self.store, self.client, put, self.price, self.budget, self.options,
            purpose="prompt-classifier", progress=self.progress,
        )  # fmt: skip
        for ask, answer in found:
            heard = verdict(answer)
            if answer.status in {"error", "lost", "unaffordable"}:
                self.missed[f"{answer.status}: {answer.reason}"] += 1
            said[int(ask.name)] = heard.profile, answer.cost_usd
            self.spent_usd += Decimal(0) if answer.cached else answer.cost_usd + answer.at_risk_usd
        return said


def train_prompt(
    store: Store, rows: pl.DataFrame, asking: PromptAsking, embedding: Any, progress: Progress
) -> PromptResult:
    """Choose, measure and keep a prompt. `rows` are training rows; `embedding` measures the other form.

    `embedding(train, test)` gives the embedding form's probabilities of the test rows, fitted on the train rows.
    Raises UserError with too few labels, or where the plan is not confirmed.
    """
    if rows.height < FEWEST:
        raise UserError(
            f"{rows.height} labelled contents are too few to choose a prompt by; label at least {FEWEST}",
            where="--form prompt",
        )
    pool, validation, test = split_parts(rows["template_id"].to_list(), rows["requests"].to_list(), SEED)
    validation, test = validation[:VALIDATION], test[:TEST]
    if not pool or not validation or not test:
        raise UserError("the labels come from too few templates to hold any out", where="--form prompt")
    hashes = rows["content_hash"].to_list()
    wanted = store.query("prompt_records", hashes=[hashes[i] for i in (*pool, *validation, *test)])
    records = {row["content_hash"]: prompt_record(row) for row in wanted.iter_rows(named=True)}
    labels = rows["profile"].to_list()
    examples = [Example(shown, labels[i]) for i in pool if (shown := excerpt(records[hashes[i]]))]
    instruction = prompt_text("classify")
    tried = candidates(instruction, examples, asking.example_tokens)
    member = ASKED[asking.labeller or "anthropic"]
    model = asking.model or member.DEFAULT_MODEL
    if model is None:
        raise UserError("name the model with --model", where=f"--labeller {member.NAME}")
    with closing(member.client(model, asking.base_url, timeout_s=60.0, max_retries=4)) as client:
        price, options = priced(client, asking.prices, asking.ask)
        _confirm(store, client, price, options, tried, records, [hashes[i] for i in validation], len(test))
        bench = _bench(store, client, price, options, progress)
        scored = []
        for prompt in tried:
            said = bench.judge(prompt.text, [records[hashes[i]] for i in validation])
            right = sum(a == labels[i] for (a, _), i in zip(said, validation, strict=True))
            scored.append(Candidate(prompt.examples, prompt.tokens, right / len(validation)))
        best = max(range(len(tried)), key=lambda i: (scored[i].accuracy, -scored[i].tokens))
        said = bench.judge(tried[best].text, [records[hashes[i]] for i in test])
    truth = [labels[i] for i in test]
    confidence = (scored[best].accuracy * len(validation) + 1) / (len(validation) + 2)
    found = evaluate(truth, spread([a for a, _ in said], confidence), PROFILES, [a is None for a, _ in said])
    costs = [cost for _, cost in said if cost]
    thousand = (1000 * sum(costs, Decimal(0)) / len(costs)) if costs else Decimal(0)
    other = evaluate(truth, embedding([*pool, *validation], test), PROFILES)
    about = {
        "figures": figures_of(found),
        "confidence": confidence,
        "candidates": [asdict(each) for each in scored],
        "cost_per_thousand_usd": str(thousand.quantize(Decimal("0.000001"))),
    }
    version = keep_prompt(
        store,
        StoredPrompt("", member.NAME, client.origin, model, tried[best].text, about),
    )
    if asking.out is not None:
        write_whole(asking.out, tried[best].text + "\n")
    return PromptResult(
        version=version,
        **figures_of(found),
        model=model,
        examples=tried[best].examples,
        prompt_tokens=tried[best].tokens,
        candidates=tuple(scored),
        cost_per_thousand_usd=thousand.quantize(Decimal("0.000001")),
        embedding={"macro_f1": round(other.macro_f1, 6), "n": other.n, "cost_per_thousand_usd": 0},
        cost_usd=bench.spent_usd,
        prompt=tried[best].text,
    )


def judge_by_prompt(
    store: Store, records: Sequence[Mapping[str, Any]], asking: PromptAsking, progress: Progress
) -> tuple[str, NDArray[np.float32], list[bool], dict[str, Any]]:
    """(version, probabilities, abstained, cost and missing answers) of the newest stored prompt on these records.

    Raises ModelError where the store holds no prompt, UserError where the plan is not confirmed.
    """
    stored = latest_prompt(store)
    if stored is None:
        raise ModelError("the store holds no prompt; run train --form prompt", where="--classifier prompt")
    member = ASKED[asking.labeller or stored.labeller]
    base_url = asking.base_url or stored.origin.partition("@")[2] or None
    with closing(
        member.client(asking.model or stored.model, base_url, timeout_s=60.0, max_retries=4)
    ) as client:
        price, options = priced(client, asking.prices, asking.ask)
        asks = [question(record, system=stored.prompt, form="tool") for record in records]
        plan = plan_asks(
            store, client, [a for a in asks if a], price, options, "evaluate the prompt classifier"
        )
        agreed(plan, options)
        bench = _bench(store, client, price, options, progress)
        said = [profile for profile, _ in bench.judge(stored.prompt, records)]
    about = {"cost_usd": bench.spent_usd, "unanswered": dict(bench.missed)}
    return stored.version, spread(said, stored.about["confidence"]), [p is None for p in said], about


def spread(said: Sequence[str | None], confidence: float) -> NDArray[np.float32]:
    """Probabilities of verdicts without one: the measured accuracy for the verdict, the rest shared evenly."""
    import numpy as np

    probabilities = np.full(
        (len(said), len(PROFILES)), (1 - confidence) / (len(PROFILES) - 1), dtype=np.float32
    )
    for row, profile in enumerate(said):
        if profile is None:
            probabilities[row] = 1 / len(PROFILES)
        else:
            probabilities[row, PROFILES.index(profile)] = confidence
    return probabilities


def _bench(
    store: Store, client: Client, price: ModelPrice | None, options: AskOptions, progress: Progress
) -> _Bench:
    limit = Decimal("Infinity") if options.budget_usd is None else options.budget_usd
    return _Bench(store, client, price, options, Budget(limit_usd=limit), progress)


def _confirm(
    store: Store,
    client: Client,
    price: ModelPrice | None,
    options: AskOptions,
    tried: Sequence[Any],
    records: Mapping[str, Mapping[str, Any]],
    validation: Sequence[str],
    test: int,
) -> None:
    asks = [
        ask
        for prompt in tried
        for name in validation
        if (ask := question(records[name], system=prompt.text, form="tool")) is not None
    ]
    purpose = f"choose among {len(tried)} prompts, then measure the best on {test} more requests"
    agreed(plan_asks(store, client, asks, price, options, purpose), options)
