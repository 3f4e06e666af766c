"""Paid questions: planned, confirmed, asked under a budget, and every answer kept the moment it is there.

Labelling, replay and judging all ask through here. A call is written to the store before it leaves and
again when its answer comes. What a stopped run had under way is never asked again by itself: it may have
been billed (`lost`). A batch of a stopped run is collected instead.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from router_audit.errors import UserError
from router_audit.llm import Budget, ask_all, likely_usd, worst_case_usd
from router_audit.types.ask import Answer
from router_audit.types.price import ModelPrice, Rates

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from router_audit.llm import Client
    from router_audit.store import Store
    from router_audit.types.ask import Ask
    from router_audit.types.progress import Progress

LOST = "asked by a run that was stopped; it may have been paid, so it is not asked again (--ask-again does)"
IN_A_BATCH = "in a batch that a stopped run sent; --batch collects it"


@dataclass(frozen=True, slots=True)
class AskPlan:
    """What would leave the machine, where to, and what it would cost."""

    purpose: str
    provider: str
    model: str
    host: str
    prompts: int
    """Calls that would be made."""
    stored: int
    """Calls whose answer is in the store already: free."""
    lost: int
    """Calls that a stopped run had under way: not made again."""
    likely_usd: Decimal
    worst_usd: Decimal
    """If every byte were a token and every output token used."""
    budget_usd: Decimal | None
    """Never passed; None where the model has no price."""
    price_source: str
    batch: bool


@dataclass(frozen=True, slots=True)
class AskOptions:
    """How to ask."""

    budget_usd: Decimal | None = None
    confirm: Callable[[AskPlan], bool] = lambda _: False
    """Shown the plan; nothing leaves the machine unless it says yes."""
    concurrency: int = 8
    batch: bool = False
    ask_again: bool = False
    """Ask also what a stopped run had under way, at the risk of paying twice."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What the store knows about a call."""

    answer: Answer | None
    """None while it is under way."""
    by_batch: bool = False


def plan_asks(
    store: Store,
    client: Client,
    asks: Sequence[Ask],
    price: ModelPrice | None,
    options: AskOptions,
    purpose: str,
) -> AskPlan:
    """What `ask_stored` would do with the same arguments."""
    known = kept(store, [ask.key(client.origin, client.model) for ask in asks])
    fresh: dict[str, Ask] = {}
    stored = lost = 0
    for ask in asks:
        key = ask.key(client.origin, client.model)
        match _due(known.get(key), options):
            case "ask":
                fresh[key] = ask
            case "lost":
                lost += 1
            case _:  # also what waits in a batch of an earlier run: paid for already
                stored += 1
    rate = _rate(price, batch=options.batch)
    zero = Decimal(0)
    return AskPlan(
        purpose=purpose,
        provider=client.provider,
        model=client.model,
        host=client.host,
        prompts=len(fresh),
        stored=stored,
        lost=lost,
        likely_usd=sum((likely_usd(ask, rate) for ask in fresh.values()), zero) if rate else zero,
        worst_usd=sum((worst_case_usd(ask, rate) for ask in fresh.values()), zero) if rate else zero,
        budget_usd=options.budget_usd,
        price_source=rate.source if rate else "",
        batch=options.batch,
    )


def ask_stored(
    store: Store,
    client: Client,
    asks: Sequence[Ask],
    price: ModelPrice | None,
    budget: Budget,
    options: AskOptions,
    *,
    purpose: str,
    progress: Progress,
) -> Iterator[tuple[Ask, Answer]]:
    """Each ask with its answer: first those in the store, then the others as they come, kept at once.

    Asks that are equal in all that is sent are paid once. Without a price, costs count as zero.
    """
    from router_audit.stages.batching import ask_by_batch

    rate = _rate(price, batch=options.batch) or _free(client)
    names: dict[str, list[Ask]] = {}
    for ask in asks:
        names.setdefault(ask.key(client.origin, client.model), []).append(ask)
    known = kept(store, list(names))
    progress.stage("asking", len(asks))
    fresh: dict[str, Ask] = {}
    for key, same in names.items():
        found = known.get(key)
        due = _due(found, options)
        if due in {"ask", "batch"}:
            fresh[key] = same[0]
            continue
        assert found is not None
        answer = found.answer or Answer("lost", reason=IN_A_BATCH if found.by_batch else LOST)
        progress.advance(len(same))
        yield from ((ask, replace(answer, cached=True)) for ask in same)

    note = Notebook(store, client, purpose, by_batch=options.batch)
    answers = (
        ask_by_batch(note, fresh, rate, budget)
        if options.batch
        else _one_by_one(note, fresh, rate, budget, options.concurrency)
    )
    for key, answer in answers:
        progress.advance(len(names[key]))
        yield from ((ask, answer) for ask in names[key])


def _one_by_one(
    note: Notebook, fresh: dict[str, Ask], price: ModelPrice, budget: Budget, concurrency: int
) -> Iterator[tuple[str, Answer]]:
    for ask, answer in ask_all(
        note.client,
        fresh.values(),
        price,
        budget,
        concurrency=concurrency,
        on_start=lambda ask: note.asked({note.key(ask): ask}, price),
    ):
        key = note.key(ask)
        if answer.status != "unaffordable":
            note.answered([(key, answer)])
        yield key, answer


@dataclass(frozen=True, slots=True)
class Notebook:
    """Writes the calls of one run into the store."""

    store: Store
    client: Client
    purpose: str
    by_batch: bool

    def key(self, ask: Ask) -> str:
        """Under what the store keeps a call."""
        return ask.key(self.client.origin, self.client.model)

    def asked(self, asks: dict[str, Ask], price: ModelPrice) -> None:
        """These calls are about to leave."""
        now = _now()
        self._write(
            {"ask_key": key, "status": "asked", "answer": "", "cost_usd": Decimal(0), "asked_at": now}
            | {"at_risk_usd": worst_case_usd(ask, price)}
            for key, ask in asks.items()
        )

    def answered(self, answers: Iterable[tuple[str, Answer]], batch_id: str | None = None) -> None:
        """These answers have come."""
        now = _now()
        self._write(
            {
                "ask_key": key,
                "status": answer.status,
                "batch_id": batch_id,
                "answer": msgspec.json.encode(answer).decode(),
                "cost_usd": answer.cost_usd,
                "at_risk_usd": answer.at_risk_usd,
                "asked_at": now,
            }
            for key, answer in answers
        )

    def _write(self, rows: Iterable[dict[str, object]]) -> None:
        import polars as pl

        money = pl.Decimal(20, 10)
        about = {
            "origin": self.client.origin,
            "model": self.client.model,
            "purpose": self.purpose,
            "by_batch": self.by_batch,
        }
        frame = pl.DataFrame(
            [{"batch_id": None} | row | about for row in rows],
            schema_overrides={"batch_id": pl.String, "cost_usd": money, "at_risk_usd": money},
        )
        self.store.append("answers", frame, on_conflict="replace")


def kept(store: Store, keys: Sequence[str]) -> dict[str, Kept]:
    """What the store knows about these calls."""
    found = {}
    for row in store.query("answers_of", keys=list(keys)).iter_rows(named=True):
        under_way = row["status"] == "asked"
        answer = None if under_way else msgspec.json.decode(row["answer"], type=Answer)
        found[row["ask_key"]] = Kept(answer, row["by_batch"])
    return found


def agreed(plan: AskPlan, options: AskOptions) -> None:
    """Raises UserError unless there is nothing to ask or the plan is confirmed."""
    if plan.prompts and not options.confirm(plan):
        raise UserError("nothing was sent and nothing was spent; --yes confirms the plan", where=plan.purpose)


def _due(found: Kept | None, options: AskOptions) -> str:
    if found is None:
        return "ask"
    if found.answer is None:
        if found.by_batch and options.batch:
            return "batch"
        return "ask" if options.ask_again and not found.by_batch else "lost"
    if found.answer.final:
        lost = found.answer.lost_attempts and found.answer.status in {"error", "malformed"}
        return "ask" if lost and options.ask_again else "stored"
    return "ask"


def _rate(price: ModelPrice | None, *, batch: bool) -> ModelPrice | None:
    return price.tier("batch") if price is not None and batch else price


def _free(client: Client) -> ModelPrice:
    zero = Decimal(0)
    return ModelPrice(client.provider, client.model, Rates(zero, zero), _now().date(), "no price known")


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
