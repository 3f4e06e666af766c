"""Many calls at once under a budget, each answer handed on as soon as it is there."""

from __future__ import annotations

from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from typing import TYPE_CHECKING

from router_audit.llm.budget import cost_usd, worst_case_usd
from router_audit.types.ask import Answer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from decimal import Decimal

    from router_audit.llm import Client
    from router_audit.llm.budget import Budget
    from router_audit.types.ask import Ask
    from router_audit.types.price import ModelPrice


class _Reservation:
    """What one call has set aside: the worst case of an attempt, and of each retry that may be billed as well."""

    def __init__(self, budget: Budget, one_usd: Decimal) -> None:
        self.budget = budget
        self.one_usd = one_usd
        self.held_usd = one_usd - one_usd

    def another(self) -> bool:
        if not self.budget.reserve(self.one_usd):
            return False
        self.held_usd += self.one_usd
        return True


def ask_all(
    client: Client,
    asks: Iterable[Ask],
    price: ModelPrice,
    budget: Budget,
    *,
    concurrency: int = 8,
    on_start: Callable[[Ask], None] | None = None,
) -> Iterator[tuple[Ask, Answer]]:
    """Put many calls, `concurrency` at a time, and yield each answer, with its cost, as soon as it is there.

    The worst case of each attempt is reserved before it leaves; a call the budget cannot hold is not made and
    comes back `unaffordable`. An attempt whose answer was lost is booked at its worst case (`at_risk_usd`).
    `on_start` is called in the caller's thread before a call leaves. An interrupt lets the calls under way
    finish, yields them, starts no other, and is raised at the end.
    """
    waiting = iter(asks)
    interrupted: KeyboardInterrupt | None = None
    with ThreadPoolExecutor(max_workers=concurrency) as pool:
        under_way: dict[Future[Answer], tuple[Ask, _Reservation]] = {}
        exhausted = False
        while True:
            while not exhausted and interrupted is None and len(under_way) < concurrency:
                ask = next(waiting, None)
                if ask is None:
                    exhausted = True
                    break
                reservation = _Reservation(budget, worst_case_usd(ask, price))
                if not reservation.another():
                    yield ask, Answer("unaffordable", reason="the budget cannot hold its worst case")
                    continue
                if on_start is not None:
                    on_start(ask)
                under_way[pool.submit(client.ask, ask, reservation.another)] = (ask, reservation)
            if not under_way:
                break
            try:
                finished, _ = wait(under_way, return_when=FIRST_COMPLETED)
            except KeyboardInterrupt as stop:
                if interrupted is not None:
                    raise
                interrupted = stop
                continue
            for future in finished:
                ask, reservation = under_way.pop(future)
                answer = settled(future.result(), price, reservation.one_usd)
                budget.settle(reservation.held_usd, answer.cost_usd + answer.at_risk_usd)
                yield ask, answer
    if interrupted is not None:
        raise interrupted


def settled(answer: Answer, price: ModelPrice, worst_usd: Decimal) -> Answer:
    """The answer with its cost, and with the worst case of each attempt that was lost."""
    return replace(answer, cost_usd=cost_usd(answer, price), at_risk_usd=worst_usd * answer.lost_attempts)
