"""What a replay would do: which requests to which candidates, how many a certificate needs, what it costs."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import msgspec

from router_audit.errors import UserError
from router_audit.graders import by_rule
from router_audit.graders.judge import family_of, questions
from router_audit.graders.label import closed_set
from router_audit.llm import client_for
from router_audit.policy import CELLS
from router_audit.pricing import load_prices
from router_audit.projection import incumbent_costs_usd, mean_costs_usd
from router_audit.proof.proving import route_name
from router_audit.proof.sampling import Sampled, order
from router_audit.stages.asking import plan_asks
from router_audit.stages.audited import audited
from router_audit.stages.replay.need import Need, audit_of
from router_audit.stages.replay.requests import ask_of, logged_reply, record_of
from router_audit.stages.replay.work import Line, LinePlan, Model, ReplayOptions, ReplayPlan, Work
from router_audit.types.grading import Task
from router_audit.types.price import ModelPrice

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from contextlib import ExitStack

    from router_audit.stages.audited import Audited
    from router_audit.store import Store
    from router_audit.types import Context, Profile
    from router_audit.types.ask import Ask

EFFORTS = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
UNSAID_OUTCOMES = {"error", "re-ask", "retry"}
"""Origins of an outcome that nobody stated: no reason to call an answer failed."""
AT_ONCE = 32


def prepare(store: Store, options: ReplayOptions, clients: ExitStack) -> Work:
    """The plan and its work; `clients` closes the models' connections.

    Raises UserError where a candidate, price or judge cannot be used, or nothing is left to replay.
    """
    book = load_prices(options.prices)
    seen = audited(
        store,
        book,
        last=options.last,
        huge_context_tokens=options.huge_context_tokens,
        as_of=options.prices_date,
    )
    if seen.classifier is None:
        raise UserError(
            "no request has a profile yet; run `router-audit tag` and `train` first", where="replay"
        )

    def model(ref: str) -> Model:
        found = model_of(ref, book.resolve_ref(ref, seen.as_of), options)
        clients.callback(found.client.close)
        return found

    models = [model(ref) for ref in dict.fromkeys(options.candidates)]
    judge = model(options.judge) if options.judge else None
    samples, barred = _samples(store, seen, options)
    if judge is not None and not options.allow_own_family:
        _refuse_own_family(judge, models, seen)
    pairs, left_out = _pairs(seen, models, samples)
    if not pairs:
        raise UserError(
            "; ".join(left_out) or "no request can be asked again: " + _counted(barred),
            where="nothing to replay",
        )
    audit = audit_of(store, book, seen, pairs, options)
    fresh = audit.first_need
    drawn = {
        (cell, candidate.ref): samples[cell][: options.trials or fresh.wanted] for cell, candidate in pairs
    }
    labels = labels_of(store, {each.template_id for sample in drawn.values() for each in sample})
    lines, plans = [], []
    for cell, candidate in pairs:
        line, plan = _line(store, cell, candidate, drawn[cell, candidate.ref], fresh, judge, labels, options)
        lines.append(line)
        plans.append(plan)
    asked = audit.of(store, [(line.cell, line.model.ref) for line in lines if line.sample])
    lines = [replace(line, need=asked.need(line.cell, line.model.ref)) for line in lines]
    hosts = sorted(
        {line.model.client.host for line in lines if line.sample} | ({judge.client.host} if judge else set())
    )
    zero = Decimal(0)
    summary = ReplayPlan(
        lines=tuple(
            LinePlan(
                profile=line.cell[0],
                context=line.cell[1],
                candidate=line.model.ref,
                sessions=len(samples[line.cell]),
                by_rule=each.by_rule,
                trials=len(line.sample),
                least=line.need.least,
                wanted=line.need.wanted,
                again=bool(line.need.first),
                stored=each.stored,
                likely_usd=each.likely_usd,
                worst_usd=each.worst_usd,
            )
            for line, each in zip(lines, plans, strict=True)
        ),
        epsilon=options.epsilon,
        delta=options.delta,
        rows=audit.rows,
        least=fresh.least,
        wanted=fresh.wanted,
        least_later=audit.least_later,
        prompts=sum(each.fresh for each in plans),
        judgements=sum(each.judgements for each in plans),
        megabytes=sum(each.sent_bytes for each in plans) / 1e6,
        hosts=tuple(hosts),
        judge=judge.ref if judge else None,
        likely_usd=sum((each.likely_usd for each in plans), zero),
        worst_usd=sum((each.worst_usd for each in plans), zero),
        budget_usd=options.budget_usd,
        barred=barred,
        left_out=tuple(left_out),
    )
    return Work(summary, tuple(lines), judge, labels, audit.share)


def bodies(store: Store, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Whole requests, by name."""
    rows = store.query("request_bodies", names=list(names))
    return {row["request_id"]: row for row in rows.iter_rows(named=True)}


def task_of(row: Mapping[str, Any], profile: Profile, labels: Mapping[str, frozenset[str]]) -> Task:
    """What graders may know of a stored request."""
    stated = row["outcome_origin"] not in UNSAID_OUTCOMES
    return Task(
        request_id=row["request_id"],
        profile=profile,
        schema=record_of(row)["response_schema"],
        labels=labels.get(row["template_id"], frozenset()),
        resolved=row["resolved"] if stated else None,
    )


def model_of(ref: str, price: Any, options: ReplayOptions) -> Model:
    """A model ready to be asked, by `provider/model[@effort]` and its price as the book resolved it.

    Raises UserError where the name, the effort or the price cannot be used, ModelError without a key.
    """
    name, _, effort = ref.partition("@")
    provider, _, model = name.partition("/")
    if not provider or not model:
        raise UserError("write provider/model, or provider/model@effort", where=ref)
    if effort and effort not in EFFORTS:
        raise UserError(f"knows no effort {effort!r}; it is one of {', '.join(EFFORTS)}", where=ref)
    if not isinstance(price, ModelPrice):
        raise UserError(
            f"has no price, so no budget can be kept ({price.reason}); add it with --prices", where=ref
        )
    client = client_for(
        provider,
        model,
        base_url=options.base_urls.get(provider, options.base_urls.get("*")),
        timeout_s=options.timeout_s,
        max_retries=options.max_retries,
    )
    return Model(f"{price.ref}@{effort}" if effort else price.ref, effort or None, price, client)


def _samples(
    store: Store, seen: Audited, options: ReplayOptions
) -> tuple[dict[tuple[Profile, Context], list[Sampled]], dict[str, int]]:
    """The order of sampling of each row, and what is barred from it."""
    frame = seen.frame.join(
        store.query("replayable", classifier=seen.classifier or ""), on="request_id", how="inner"
    )
    if options.profiles:
        frame = frame.filter(frame["profile"].is_in(list(options.profiles)))
    barred = dict(frame["barred"].drop_nulls().value_counts().iter_rows())
    frame = frame.filter(frame["barred"].is_null())
    found = {}
    for cell in CELLS:
        rows = frame.filter((frame["profile"] == cell[0]) & (frame["context"] == cell[1]))
        requests = rows.select("request_id", "session_id", "template_id").iter_rows()
        found[cell] = order(Sampled(*each) for each in requests)
    return found, {str(reason): int(count) for reason, count in sorted(barred.items())}


def _pairs(
    seen: Audited, models: Sequence[Model], samples: Mapping[tuple[Profile, Context], Sequence[Sampled]]
) -> tuple[list[tuple[tuple[Profile, Context], Model]], list[str]]:
    """Which candidate is tried on which row: only where it costs less than what serves the row today."""
    costs = mean_costs_usd(seen.frame, {model.ref: model.price for model in models})
    today = incumbent_costs_usd(seen.frame)
    largest = dict(seen.frame.group_by("context").agg(_largest()).iter_rows())
    pairs, left_out = [], []
    for cell in CELLS:
        if not samples[cell]:
            continue
        for model in models:
            window = model.price.context_window
            if cell not in today or (cell, model.ref) not in costs:
                left_out.append(f"{model.ref} on {route_name(cell)}: no request of it has a price")
            elif costs[cell, model.ref] >= today[cell]:
                left_out.append(f"{model.ref} on {route_name(cell)}: costs no less than what serves it today")
            elif cell[1] == "huge" and window is not None and window < (largest.get("huge") or 0):
                left_out.append(f"{model.ref} on {route_name(cell)}: its context window is too small")
            else:
                pairs.append((cell, model))
    return pairs, left_out


def _largest() -> Any:
    import polars as pl

    return pl.col("input_tokens").max()


def _refuse_own_family(judge: Model, models: Sequence[Model], seen: Audited) -> None:
    own = family_of(judge.ref)
    judged = {model.ref for model in models} | set(seen.prices)
    same = sorted(ref for ref in judged if family_of(ref) == own)
    if same:
        raise UserError(
            f"would judge its own family ({', '.join(same[:3])}); name a judge of another maker, or --allow-own-family",
            where=f"--judge {judge.ref}",
        )


def labels_of(store: Store, templates: set[str]) -> dict[str, frozenset[str]]:
    """The closed set that the incumbents' answers under a template come from, where they do."""
    answers: dict[str, list[str]] = {}
    for template, output in store.query("template_answers", templates=sorted(templates)).iter_rows():
        parts = [part for message in msgspec.json.decode(output) for part in message["parts"]]
        answers.setdefault(template, []).append(
            "".join(part.get("content") or "" for part in parts if part["type"] == "text")
        )
    return {template: found for template, said in answers.items() if (found := closed_set(said))}


@dataclass(slots=True)
class _Cost:
    by_rule: int = 0
    fresh: int = 0
    stored: int = 0
    judgements: int = 0
    sent_bytes: int = 0
    likely_usd: Decimal = Decimal(0)
    worst_usd: Decimal = Decimal(0)


def _line(
    store: Store,
    cell: tuple[Profile, Context],
    model: Model,
    drawn: Sequence[Sampled],
    need: Need,
    judge: Model | None,
    labels: Mapping[str, frozenset[str]],
    options: ReplayOptions,
) -> tuple[Line, _Cost]:
    """The sample of one candidate on one row, and its cost; bodies are read a few at a time."""
    cost = _Cost()
    sample: list[Sampled] = []
    ungradable: list[Sampled] = []
    for start in range(0, len(drawn), AT_ONCE):
        part = drawn[start : start + AT_ONCE]
        rows = bodies(store, [each.request_id for each in part])
        asks: list[Ask] = []
        judged: list[Ask] = []
        for each in part:
            row = rows[each.request_id]
            reply = logged_reply(row)
            ruled = by_rule(task_of(row, cell[0], labels), reply)
            cost.by_rule += ruled
            if not ruled and judge is None and not options.for_humans:
                ungradable.append(each)
                continue
            sample.append(each)
            record = record_of(row)
            asks.append(ask_of(record, effort=model.effort, logprobs=options.logprobs, name=each.request_id))
            if judge is not None and not ruled:
                judged += questions(record, reply, reply, name=each.request_id)
        said = plan_asks(store, model.client, asks, model.price, options.asking(), "replay")
        cost.fresh += said.prompts
        cost.stored += said.stored + said.lost
        cost.likely_usd += said.likely_usd
        cost.worst_usd += said.worst_usd
        cost.sent_bytes += sum(_size(ask) for ask in asks)
        if judge is not None and judged:
            said = plan_asks(store, judge.client, judged, judge.price, options.asking(), "judge")
            cost.judgements += len(judged)
            cost.likely_usd += said.likely_usd
            cost.worst_usd += said.worst_usd
            cost.sent_bytes += sum(_size(ask) for ask in judged)
    return Line(cell, model, tuple(sample), tuple(ungradable), need), cost


def _size(ask: Ask) -> int:
    return len(msgspec.json.encode([ask.system, ask.messages, ask.tools, ask.response_schema]))


def _counted(reasons: Mapping[str, int]) -> str:
    told = Counter(reasons).most_common()
    return ", ".join(f"{count} {reason}" for reason, count in told) or "none has a profile"
