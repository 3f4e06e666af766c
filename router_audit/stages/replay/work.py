"""What a replay is asked to do, what it plans, and the work behind the plan."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from router_audit.stages.asking import AskOptions
from router_audit.types import HUGE_CONTEXT_TOKENS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import date
    from decimal import Decimal
    from pathlib import Path

    from router_audit.llm import Client
    from router_audit.proof.sampling import Sampled
    from router_audit.stages.replay.need import Need
    from router_audit.types import Context, Profile
    from router_audit.types.price import ModelPrice


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """What to try, on what, and for how much."""

    candidates: tuple[str, ...]
    budget_usd: Decimal
    judge: str | None = None
    allow_own_family: bool = False
    for_humans: bool = False
    """Replay also what only a person can grade."""
    trials: int | None = None
    """Per candidate and row; None takes what a certificate is likely to need."""
    profiles: tuple[str, ...] = ()
    epsilon: float = 0.05
    delta: float = 0.05
    last: int | None = None
    huge_context_tokens: int = HUGE_CONTEXT_TOKENS
    prices: Path | None = None
    prices_date: date | None = None
    base_urls: Mapping[str, str] = field(default_factory=dict)
    """Provider to address; `*` is every provider."""
    logprobs: bool = False
    """Ask for log-probabilities: a candidate that has them can keep what it is sure of, and pass on the rest."""
    concurrency: int = 8
    timeout_s: float = 120.0
    max_retries: int = 4
    ask_again: bool = False
    confirm: Callable[[ReplayPlan], bool] = lambda _: False
    """Shown the plan; nothing leaves the machine unless it says yes."""

    def asking(self) -> AskOptions:
        """As `stages.asking` takes it."""
        return AskOptions(self.budget_usd, concurrency=self.concurrency, ask_again=self.ask_again)


@dataclass(frozen=True, slots=True)
class Model:
    """A model ready to be asked."""

    ref: str
    """`provider/model`, `@effort` where the effort is part of its identity."""
    effort: str | None
    price: ModelPrice
    client: Client


@dataclass(frozen=True, slots=True)
class LinePlan:
    """One candidate on one row of the table."""

    profile: Profile
    context: Context
    candidate: str
    sessions: int
    """Sessions that could be sampled: at most one request of each."""
    by_rule: int
    """Of the sample, requests that a rule can grade; the others need a judge or a person."""
    trials: int
    """How many will be made."""
    least: int
    """Trials that would certify without a single regret; after a look: in all, without a further one."""
    wanted: int
    """Trials, in all, that certify four times in five if the true regret is a fifth of epsilon."""
    again: bool
    """Whether its trials were looked at before, in a table or at the end of a replay: then it takes more of them."""
    stored: int
    """Of `trials`, those whose answer is in the store already."""
    likely_usd: Decimal
    """The judge included."""
    worst_usd: Decimal


@dataclass(frozen=True, slots=True)
class ReplayPlan:
    """Everything that would happen, before anything does."""

    lines: tuple[LinePlan, ...]
    epsilon: float
    delta: float
    rows: int
    """Rows of the table that share delta."""
    least: int
    """Trials without a regret that certify at a first look."""
    wanted: int
    """Trials that certify at a first look, four times in five if the true regret is a fifth of epsilon."""
    least_later: int
    """Trials without a regret that certify at any later look."""
    prompts: int
    """Whole requests that would leave the machine, once for each candidate."""
    judgements: int
    """Calls of the judge, two for each pair; each shows an excerpt of the request and both answers."""
    megabytes: float
    hosts: tuple[str, ...]
    judge: str | None
    likely_usd: Decimal
    worst_usd: Decimal
    budget_usd: Decimal
    barred: dict[str, int]
    """Requests that cannot be asked again, by the reason."""
    left_out: tuple[str, ...]
    """Candidates on rows that they are not tried on, and why."""


@dataclass(frozen=True, slots=True)
class Line:
    """The work behind one `LinePlan`."""

    cell: tuple[Profile, Context]
    model: Model
    sample: tuple[Sampled, ...]
    """In the order of asking."""
    ungradable: tuple[Sampled, ...]
    """Of the same sample, what nobody could grade: not asked, and counted."""
    need: Need


@dataclass(frozen=True, slots=True)
class Work:
    """What a plan stands for."""

    plan: ReplayPlan
    lines: tuple[Line, ...]
    judge: Model | None
    labels: Mapping[str, frozenset[str]]
    """Template to its closed set of answers."""
    share: float
    """The level that each row starts with."""
