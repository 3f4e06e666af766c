"""From what is proven (or assumed) to the routes of a table: cheapest capable model, one escalation target."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from router_audit.types import PROFILES, Route

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from router_audit.types import Context, Evidence, Ladder, LadderModel, Profile, Status

CELLS: tuple[tuple[Profile, Context], ...] = (
    *((profile, "standard") for profile in PROFILES),
    ("classification", "huge"),
    ("extraction", "huge"),
)
"""The rows of every table. Huge context without reasoning or coordination has its own route."""


def cell_of(profile: Profile, *, huge: bool) -> tuple[Profile, Context]:
    """The row that serves a request: huge reasoning and coordination stay with their standard row."""
    return (profile, "huge") if huge and (profile, "huge") in CELLS else (profile, "standard")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the evidence says about one row: a candidate, how it was judged, and on what grounds."""

    status: Status
    candidate: str | None
    """`provider/model` the evidence points to; None where it points to none."""
    reason: str
    threshold: float = 0.0
    evidence: Evidence | None = None
    against: tuple[str, ...] = ()
    """Models that the evidence speaks against on this row: no assumption puts them there."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """The requests of one row in the log."""

    requests: int
    incumbents: Mapping[str, int]
    """`provider/model` to requests served."""

    @property
    def incumbent(self) -> str | None:
        """The most used model; ties go to the name that sorts first."""
        return min(self.incumbents, key=lambda ref: (-self.incumbents[ref], ref), default=None)


NO_EVIDENCE = Verdict(
    "keep-incumbent", None, "no candidate has an outcome on this profile: nothing is claimed"
)


def routes(
    ladder: Ladder,
    traffic: Mapping[tuple[Profile, Context], Traffic],
    verdicts: Mapping[tuple[Profile, Context], Verdict],
    *,
    allow_provisional: bool = False,
    assume_capable: bool = False,
) -> list[Route]:
    """One route per row of `CELLS`, in that order.

    A certified candidate is used; a provisional one only where allowed; with `assume_capable` a row that
    has no certificate takes the ladder's assumed tier and says so, unless the evidence speaks against that
    very model. Everything else keeps its incumbent.
    """
    return [
        _route(
            ladder,
            cell,
            traffic.get(cell, Traffic(0, {})),
            verdicts.get(cell, NO_EVIDENCE),
            allow_provisional=allow_provisional,
            assume_capable=assume_capable,
        )
        for cell in CELLS
    ]


def _route(
    ladder: Ladder,
    cell: tuple[Profile, Context],
    seen: Traffic,
    verdict: Verdict,
    *,
    allow_provisional: bool,
    assume_capable: bool,
) -> Route:
    profile, context = cell
    used = verdict.candidate is not None and (
        verdict.status == "certified" or (verdict.status == "provisional" and allow_provisional)
    )
    if used:
        model, assumed, reason, status = verdict.candidate, False, verdict.reason, verdict.status
    elif (
        assume_capable
        and (default := assumed_model(ladder, cell)) is not None
        and default.ref not in verdict.against
    ):
        model, assumed, status = default.ref, True, "provisional"
        reason = f"assumed capable at --assume-capable, not proven; {verdict.reason}"
    else:
        model, assumed, reason = seen.incumbent, False, verdict.reason
        status = verdict.status if verdict.status != "certified" else "keep-incumbent"
    applied = used or assumed
    return Route(
        profile=profile,
        context=context,
        model=model,
        tier=tier_of(ladder, model),
        incumbent=seen.incumbent,
        status=status,
        applied=applied,
        assumed=assumed,
        reason=reason,
        escalate_to=next_rung(ladder, model) if applied else None,
        threshold=verdict.threshold if used else 0.0,
        evidence=verdict.evidence,
        requests=seen.requests,
        candidate=verdict.candidate,
    )


def assumed_model(ladder: Ladder, cell: tuple[Profile, Context]) -> LadderModel | None:
    """The model that the ladder would put on a row without evidence."""
    profile, context = cell
    if context == "huge" and ladder.long_context is not None:
        return ladder.long_context
    tier = ladder.assumed.get(profile)
    return next((rung for rung in ladder.models if rung.tier == tier), None)


def tier_of(ladder: Ladder, model: str | None) -> str | None:
    """The tier of a `provider/model` on this ladder; None where it is not on it."""
    rungs: Sequence[LadderModel] = ladder.models
    if ladder.long_context is not None:
        rungs = (*rungs, ladder.long_context)
    return next((rung.tier for rung in rungs if rung.ref == model), None)


def next_rung(ladder: Ladder, model: str | None) -> str | None:
    """The first model one tier up; None at the top, or off the ladder."""
    tier = tier_of(ladder, model)
    if tier is None or tier == ladder.tiers[-1]:
        return None
    above = ladder.tiers[ladder.tiers.index(tier) + 1]
    return next((rung.ref for rung in ladder.models if rung.tier == above), None)
