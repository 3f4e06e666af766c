"""Calls by Anthropic's Message Batches: sent once, found again after any stop, collected when they are done."""

from __future__ import annotations

import time
from datetime import UTC, timedelta
from typing import TYPE_CHECKING

from router_audit.errors import UserError
from router_audit.llm import batches, worst_case_usd
from router_audit.llm.anthropic import AnthropicClient
from router_audit.llm.concurrent import settled
from router_audit.types.ask import Answer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from decimal import Decimal

    from router_audit.llm import Budget
    from router_audit.stages.asking import Notebook
    from router_audit.types.ask import Ask
    from router_audit.types.price import ModelPrice

FIRST_WAIT_S = 0.2
LONGEST_WAIT_S = 60.0
CLOCKS_DIFFER = timedelta(minutes=10)


def ask_by_batch(
    note: Notebook, asks: dict[str, Ask], price: ModelPrice, budget: Budget
) -> Iterator[tuple[str, Answer]]:
    """Collect what an earlier run sent, then send the rest, and yield each answer when its batch is done.

    The worst case of a whole batch is reserved before it leaves; calls that the budget cannot hold come back
    `unaffordable`. Raises ModelError where the provider refuses, UserError where it has no batches.
    """
    client = note.client
    if not isinstance(client, AnthropicClient):
        raise UserError("only the provider `anthropic` takes batches; leave --batch out", where="--batch")
    worst = {key: worst_case_usd(ask, price) for key, ask in asks.items()}
    done: set[str] = set()
    for batch_id, keys in _under_way(note, client):
        for key, answer in _collected(note, client, batch_id, keys, price, worst):
            done.add(key)
            budget.settle(0 * price.input_mtok, answer.cost_usd)
            if key in asks:
                yield key, answer
    sent: list[tuple[str, dict[str, Ask]]] = []
    chunk: dict[str, Ask] = {}
    size = 0
    for key, ask in asks.items():
        if key in done:
            continue
        if not budget.reserve(worst[key]):
            yield key, Answer("unaffordable", reason="the budget cannot hold its worst case")
            continue
        chunk[key] = ask
        size += len(repr(ask.messages)) + len(ask.system or "")
        if len(chunk) >= batches.MOST_CALLS or size >= batches.MOST_BYTES:
            sent.append((_send(note, client, chunk, price), chunk))
            chunk, size = {}, 0
    if chunk:
        sent.append((_send(note, client, chunk, price), chunk))
    for batch_id, calls in sent:
        for key, answer in _collected(note, client, batch_id, list(calls), price, worst):
            budget.settle(worst[key], answer.cost_usd)
            yield key, answer


def _send(note: Notebook, client: AnthropicClient, calls: dict[str, Ask], price: ModelPrice) -> str:
    note.asked(calls, price)
    try:
        batch_id = batches.submit(client, calls)
    except batches.UncertainError:
        raise
    except BaseException as error:
        if not isinstance(error, KeyboardInterrupt):
            note.store.run("forget_asked", keys=list(calls))
        raise
    note.store.run("name_batch", batch_id=batch_id, keys=list(calls))
    return batch_id


def _under_way(note: Notebook, client: AnthropicClient) -> Iterator[tuple[str, list[str]]]:
    """(id, keys) of the batches an earlier run sent; one whose id it did not learn is looked for."""
    rows = note.store.query("batches_under_way", origin=client.origin, model=client.model)
    for row in rows.iter_rows(named=True):
        keys = row["ask_keys"]
        if row["batch_id"]:
            yield row["batch_id"], keys
            continue
        since = row["asked_at"].replace(tzinfo=UTC) - CLOCKS_DIFFER
        for batch_id in batches.find(client, since=since, calls=len(keys)):
            _wait(client, batch_id)
            if {key for key, _ in batches.results(client, batch_id)} == set(keys):
                note.store.run("name_batch", batch_id=batch_id, keys=keys)
                yield batch_id, keys
                break
        else:
            note.store.run("forget_asked", keys=keys)


def _collected(
    note: Notebook,
    client: AnthropicClient,
    batch_id: str,
    keys: list[str],
    price: ModelPrice,
    worst: dict[str, Decimal],
) -> Iterator[tuple[str, Answer]]:
    _wait(client, batch_id)
    zero = 0 * price.input_mtok
    answers = {
        key: settled(answer, price, worst.get(key, zero))
        for key, answer in batches.results(client, batch_id)
        if key in set(keys)
    }
    for key in keys:
        answers.setdefault(key, Answer("error", reason="the batch came back without it"))
    note.answered(answers.items(), batch_id)
    yield from answers.items()


def _wait(client: AnthropicClient, batch_id: str) -> None:
    pause_s = FIRST_WAIT_S
    while not batches.ended(client, batch_id):
        time.sleep(pause_s)
        pause_s = min(pause_s * 1.5, LONGEST_WAIT_S)
