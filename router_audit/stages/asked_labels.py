"""Labels that a model provider is asked for: selected, planned, confirmed, asked, stored as they come."""

from __future__ import annotations

from collections import Counter
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from itertools import islice
from typing import TYPE_CHECKING, Any

from router_audit.builtin.features import matrix
from router_audit.errors import ModelError, UserError
from router_audit.labellers import ASKED
from router_audit.labellers.question import prompt_text, prompt_version, question, verdict
from router_audit.llm import Budget
from router_audit.recipe.structure import FEATURE_NAMES
from router_audit.selection import Share, cluster, select, share
from router_audit.stages.asking import AskOptions, agreed, ask_stored, plan_asks
from router_audit.stages.records import prompt_record
from router_audit.types import PROFILES
from router_audit.types.price import ModelPrice

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from router_audit.labellers.question import Form
    from router_audit.llm import Client
    from router_audit.store import Store
    from router_audit.types.ask import Answer, Ask
    from router_audit.types.progress import Progress

SEED = 20261101
MOST_LABELS = 1000
BUDGET_USD = Decimal(5)
AT_ONCE = 64
"""Labels written together; a stop loses none of them, their answers are in the store already."""


@dataclass(frozen=True, slots=True)
class AskedOptions:
    """Which provider labels, how much, and for how much."""

    labeller: str
    model: str | None = None
    base_url: str | None = None
    max_labels: int = MOST_LABELS
    prices: Path | None = None
    timeout_s: float = 60.0
    max_retries: int = 4
    ask: AskOptions = field(default_factory=AskOptions)


@dataclass(frozen=True, slots=True)
class CoreEstimate:
    """What the random core alone says of the traffic, with 90% intervals."""

    n: int
    prevalence: dict[str, Share]
    agreement: Share | None
    """Share of traffic on which the builtin labeller agrees."""


@dataclass(frozen=True, slots=True)
class AskedResult:
    """What came of asking."""

    who: dict[str, str]
    labelled: int
    cost_usd: Decimal
    at_risk_usd: Decimal
    unlabelled: dict[str, int]
    """Selected contents without a verdict or an abstention, by the reason: a later run asks for them."""
    core: CoreEstimate


def label_by_asking(
    store: Store, options: AskedOptions, builtin: dict[str, str], encoder: str, progress: Progress
) -> AskedResult:
    """Select contents of the audit, and ask the provider for the label of each that it has not judged.

    `builtin` names the labels whose verdicts and doubts guide the selection; `encoder` their vectors. Raises
    UserError where the plan is not confirmed, ModelError where the provider cannot be asked at all.
    """
    member = ASKED[options.labeller]
    model = options.model or member.DEFAULT_MODEL
    if model is None:
        raise UserError("name the model with --model", where=f"--labeller {options.labeller}")
    if options.ask.batch and not member.BATCHES:
        raise UserError("takes no batches; leave --batch out", where=f"--labeller {options.labeller}")
    client = member.client(
        model, options.base_url, timeout_s=options.timeout_s, max_retries=options.max_retries
    )
    with closing(client):
        return _label(store, client, options, builtin, encoder, progress)


def _label(
    store: Store,
    client: Client,
    options: AskedOptions,
    builtin: dict[str, str],
    encoder: str,
    progress: Progress,
) -> AskedResult:
    system = prompt_text("label")
    who = {"labeller": options.labeller, "model": client.model, "prompt_version": prompt_version(system)}
    draw(store, builtin, encoder, options.max_labels)
    price, ask = priced(client, options.prices, options.ask)
    rows = store.query("selected_unlabelled", **who)
    records = {row["content_hash"]: prompt_record(row) for row in rows.iter_rows(named=True)}
    strata = dict(rows.select("content_hash", "stratum").iter_rows())

    def put(form: Form, names: list[str]) -> list[Ask]:
        made = (question(records[name], system=system, form=form, name=name) for name in names)
        return [each for each in made if each is not None]

    writer = _Writer(store, who, strata)
    asks = put("tool", list(records))
    for name in sorted(set(records) - {each.name for each in asks}):
        writer.add(name, None, "nothing to judge: no text", Decimal(0))
    plan = plan_asks(store, client, asks, price, ask, f"label with {client.model}")
    agreed(plan, ask)
    budget = Budget(limit_usd=ask.budget_usd if ask.budget_usd is not None else Decimal("Infinity"))

    def answers(asked: list[Ask], how: AskOptions) -> Iterator[tuple[Ask, Answer]]:
        return ask_stored(store, client, asked, price, budget, how, purpose="label", progress=progress)

    for name, answer in _answered(put, [each.name for each in asks], answers, ask):
        said = verdict(answer)
        if answer.status in {"error", "lost", "unaffordable"}:
            writer.missed(answer)
        else:
            writer.add(name, said.profile, said.reason, answer.cost_usd)
            writer.spent(answer)
    writer.flush()
    return AskedResult(
        who=who,
        labelled=writer.labelled,
        cost_usd=writer.cost_usd,
        at_risk_usd=writer.at_risk_usd,
        unlabelled=dict(writer.reasons.most_common()),
        core=estimate_core(store, who, builtin["model"]),
    )


def draw(store: Store, builtin: dict[str, str], encoder: str, labels: int) -> None:
    """Choose which contents of the audit are worth a label, and keep the choice."""
    import polars as pl

    contents = store.query("selectable_contents", encoder=encoder, **builtin)
    vectors = None
    if contents.height and contents["vector"].null_count() == 0:
        stored = matrix(contents["vector"])
        vectors = stored[:, len(FEATURE_NAMES) :]  # the sentence vector, without the structure before it
    clusters = cluster(contents["template_id"].to_list(), contents["requests"].to_list(), vectors)
    drawn = select(contents, clusters, labels=labels, seed=SEED)
    names = contents["content_hash"]
    with store.transaction():
        led = pl.DataFrame({"content_hash": names, "leader": names.gather(clusters)})
        store.append("clusters", led, on_conflict="replace")
        store.run("clear_selections")
        store.append(
            "selections",
            pl.DataFrame(
                [
                    {"content_hash": d.content_hash, "stratum": d.stratum, "weight": d.weight, "position": i}
                    for i, d in enumerate(drawn)
                ]
            ),
        )


def estimate_core(store: Store, who: dict[str, str], builtin_model: str) -> CoreEstimate:
    """Prevalence and the builtin labeller's agreement, from the labelled random core."""
    rows = store.query("core_labels", builtin_model=builtin_model, **who)
    told = rows.drop_nulls("profile")
    weights = told["weight"].to_list()
    profiles = told["profile"].to_list()
    if not profiles:
        return CoreEstimate(0, {}, None)
    return CoreEstimate(
        n=told.height,
        prevalence={name: share([p == name for p in profiles], weights) for name in PROFILES},
        agreement=share([a == b for a, b in told.select("profile", "builtin").iter_rows()], weights),
    )


def priced(client: Client, prices: Path | None, ask: AskOptions) -> tuple[ModelPrice | None, AskOptions]:
    """The model's price today and the options with the budget filled in.

    Raises UserError where a budget could not be kept because the price is not known; a model on this machine
    may go without.
    """
    from dataclasses import replace

    from router_audit.llm import on_loopback
    from router_audit.pricing import load_prices

    provider = client.provider if client.provider in {"anthropic", "openai"} else None
    found = load_prices(prices).resolve(provider, client.model, datetime.now(UTC).date())
    if isinstance(found, ModelPrice):
        return found, ask if ask.budget_usd is not None else replace(ask, budget_usd=BUDGET_USD)
    if ask.budget_usd is None and on_loopback(f"http://{client.host}"):
        return None, ask
    raise UserError(
        f"has no price in the list, so no budget can be kept ({found.reason}); add it by --prices FILE",
        where=client.model,
    )


def _answered(put: Any, names: list[str], answers: Any, ask: AskOptions) -> Iterator[tuple[str, Answer]]:
    """(content, answer); the first is asked alone, so that a wrong key or model costs nothing more.

    A model that cannot fit the tool call into its tokens is asked for JSON by a schema instead.
    """
    from dataclasses import replace

    if not names:
        return
    form: Form = "tool"
    singly = replace(ask, batch=False)
    [(first, answer)] = islice(answers(put("tool", names[:1]), singly), 1)
    if answer.status == "error" and answer.reason[:3] in {"400", "401", "403", "404"}:
        raise ModelError(
            f"the provider refuses: {answer.reason}", where="the first prompt, nothing was spent"
        )
    if answer.status == "truncated" and verdict(answer).profile is None:
        [(_, again)] = islice(answers(put("schema", names[:1]), singly), 1)
        if verdict(again).profile is not None:
            form = "schema"
            answer = again if again.cached else replace(again, cost_usd=again.cost_usd + answer.cost_usd)
    yield first.name, answer
    for each, found in answers(put(form, names[1:]), ask):
        yield each.name, found


@dataclass(slots=True)
class _Writer:
    store: Store
    who: dict[str, str]
    strata: dict[str, str]
    labelled: int = 0
    cost_usd: Decimal = Decimal(0)
    at_risk_usd: Decimal = Decimal(0)
    reasons: Counter[str] = field(default_factory=Counter)
    rows: list[dict[str, Any]] = field(default_factory=list)

    def add(self, name: str, profile: str | None, reason: str, cost_usd: Decimal) -> None:
        self.rows.append(
            {"content_hash": name, "profile": profile, "probability": 0.0 if profile is None else 1.0}
            | {"reason": reason, "cost_usd": cost_usd, "stratum": self.strata[name]}
        )
        self.labelled += 1
        if len(self.rows) >= AT_ONCE:
            self.flush()

    def missed(self, answer: Answer) -> None:
        self.reasons[f"{answer.status}: {answer.reason}"] += 1
        self.spent(answer)

    def spent(self, answer: Answer) -> None:
        if not answer.cached:
            self.cost_usd += answer.cost_usd
            self.at_risk_usd += answer.at_risk_usd

    def flush(self) -> None:
        import polars as pl

        frame = pl.DataFrame(
            self.rows, schema_overrides={"profile": pl.String, "cost_usd": pl.Decimal(20, 10)}
        ).with_columns(*(pl.lit(value).alias(name) for name, value in self.who.items()))
        self.rows.clear()
        self.store.append("labels", frame, on_conflict="replace")
