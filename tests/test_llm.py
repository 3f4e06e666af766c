"""The provider clients, through the real SDKs, against a real server: every answer, every failure, no overspending."""

from __future__ import annotations

import threading
from contextlib import closing, contextmanager
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router_audit.errors import ModelError
from router_audit.llm import Budget, ask_all, client_for, worst_case_tokens, worst_case_usd
from router_audit.types.ask import Ask
from router_audit.types.price import ModelPrice, Rates
from tests.loopback import (
    BROKEN,
    BROKEN_ARGUMENTS,
    EMPTY,
    OUT_OF_TOKENS,
    OVERLOADED,
    RATE_LIMITED,
    REFUSES,
    UNAUTHORISED,
    WRONG_TOOL,
    Call,
    Cuts,
    Drops,
    Loopback,
    Says,
    Sleeps,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from router_audit.llm import Client

HAIKU = ModelPrice(
    "anthropic",
    "claude-haiku-4-5",
    Rates(Decimal(1), Decimal(5), Decimal("0.1"), Decimal("1.25")),
    date(2026, 11, 1),
    "test",
)
PLAIN = replace(HAIKU, rates=Rates(Decimal(1), Decimal(5)))
TOOL = {
    "name": "profile",
    "description": "The kind of work.",
    "parameters": {
        "type": "object",
        "properties": {"profile": {"type": "string", "enum": ["reasoning", "extraction"]}},
        "required": ["profile"],
    },
}
PROVIDERS = ("anthropic", "openai")


def ask(text: str = "hello", **about: object) -> Ask:
    made = {"system": "Sort.", "tools": (TOOL,), "tool_choice": "profile", "max_tokens": 30} | about
    return Ask(messages=({"role": "user", "content": text},), name=text, **made)  # type: ignore[arg-type]


@contextmanager
def client(server: Loopback, provider: str, *, retries: int = 2, timeout_s: float = 5.0) -> Iterator[Client]:
    url = server.url if provider == "anthropic" else server.openai_url
    with closing(client_for(provider, "m", base_url=url, timeout_s=timeout_s, max_retries=retries)) as made:
        yield made


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_forced_tool_call_comes_back_decoded(provider: str) -> None:
    with Loopback() as server, client(server, provider) as used:
        answer = used.ask(ask())

    sent = server.calls[0].body
    assert answer.status == "ok"
    assert answer.tool_calls == ({"name": "profile", "arguments": {"profile": "reasoning"}},)
    assert answer.input_tokens == server.ledger[0].input_tokens
    assert answer.lost_attempts == 0
    assert "profile" in str(sent["tool_choice"])


def test_anthropic_caches_the_system_prompt_and_counts_it() -> None:
    with Loopback() as server, client(server, "anthropic") as used:
        first, second = (used.ask(ask(system="rules " * 100)) for _ in range(2))

    assert server.calls[0].body["system"][0]["cache_control"] == {"type": "ephemeral"}
    assert (first.cache_write_tokens, first.cache_read_tokens) == (150, 0)
    assert (second.cache_write_tokens, second.cache_read_tokens) == (0, 150)
    assert first.input_tokens == second.input_tokens == server.ledger[0].input_tokens


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("failure", [RATE_LIMITED, OVERLOADED], ids=["429", "529"])
def test_a_turned_away_call_is_tried_again_and_costs_nothing(provider: str, failure: object) -> None:
    with (
        Loopback(lambda call: failure if call.attempt == 1 else None) as server,
        client(server, provider) as used,
    ):
        answer = used.ask(ask(), lambda: False)

    assert answer.status == "ok"
    assert answer.lost_attempts == 0
    assert [call.attempt for call in server.calls] == [1, 2]
    assert len(server.ledger) == 1


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize(
    ("behaviour", "status", "said"),
    [
        (REFUSES, "refused", ""),
        (OUT_OF_TOKENS, "truncated", ""),
        (EMPTY, "malformed", "empty"),
        (Cuts(), "malformed", "no JSON"),
        (UNAUTHORISED, "error", "401 authentication_error"),
        (OVERLOADED, "error", "529 overloaded_error"),
        (Drops(), "error", ""),
        (Sleeps(2), "error", "timed out"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_whatever_a_provider_does_is_an_answer(
    provider: str, behaviour: object, status: str, said: str
) -> None:
    with Loopback(lambda _: behaviour) as server, client(server, provider, retries=0, timeout_s=0.5) as used:
        answer = used.ask(ask())

    assert answer.status == status
    assert said in answer.reason
    assert answer.reason


def test_broken_tool_arguments_are_malformed_and_paid() -> None:
    with Loopback([BROKEN_ARGUMENTS]) as server, client(server, "openai") as used:
        answer = used.ask(ask())

    assert answer.status == "malformed"
    assert "not JSON" in answer.reason
    assert answer.output_tokens > 0


@pytest.mark.parametrize("provider", PROVIDERS)
def test_another_tool_than_the_forced_one_is_handed_on_by_its_name(provider: str) -> None:
    with Loopback([WRONG_TOOL]) as server, client(server, provider) as used:
        answer = used.ask(ask())

    assert [call["name"] for call in answer.tool_calls] == ["get_weather"]


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("lost", [Drops(), Sleeps(1.0), BROKEN], ids=["drop", "timeout", "500"])
def test_an_attempt_whose_answer_was_lost_is_counted(provider: str, lost: object) -> None:
    with (
        Loopback(lambda call: lost if call.attempt == 1 else None) as server,
        client(server, provider, timeout_s=0.4) as used,
    ):
        answer = used.ask(ask())

    assert answer.status == "ok"
    assert answer.lost_attempts == 1


@pytest.mark.parametrize("provider", PROVIDERS)
def test_a_retry_of_a_lost_attempt_needs_the_budget(provider: str) -> None:
    with Loopback(lambda _: Drops()) as server, client(server, provider, retries=4) as used:
        answer = used.ask(ask(), lambda: False)

    assert answer.status == "error"
    assert answer.lost_attempts == len(server.calls) == 1
    assert "budget" in answer.reason


@pytest.mark.parametrize("provider", PROVIDERS)
def test_the_cost_is_what_the_server_billed(provider: str) -> None:
    price = HAIKU if provider == "anthropic" else PLAIN
    budget = Budget(Decimal(1))
    with Loopback() as server, client(server, provider) as used:
        answers = list(ask_all(used, [ask(str(i)) for i in range(20)], price, budget))

    assert sum(answer.cost_usd for _, answer in answers) == server.billed_usd == budget.spent_usd
    assert budget.reserved_usd == 0
    assert 1 < server.peak <= 8


def mixed(call: Call) -> object:
    """A bad day: a third of the calls is lost once, billed; others are turned away first, cut off, or refused."""
    number = int(call.prompt)
    if call.attempt == 1:
        return [Drops(), None, RATE_LIMITED, Sleeps(0.6), Cuts(), REFUSES][number % 6]
    return Says(tool={"profile": "reasoning"}, output_tokens=30)


@pytest.mark.parametrize("provider", PROVIDERS)
@pytest.mark.parametrize("calls_worth", [0.5, 3.5, 9.0, 40.0])
def test_no_bad_day_passes_the_budget(provider: str, calls_worth: float) -> None:
    price = HAIKU if provider == "anthropic" else PLAIN
    limit = worst_case_usd(ask("0"), price) * Decimal(calls_worth)
    budget = Budget(limit)
    with Loopback(mixed) as server, client(server, provider, timeout_s=0.3) as used:
        answers = list(ask_all(used, [ask(str(i)) for i in range(40)], price, budget, concurrency=8))

    unaffordable = [a for _, a in answers if a.status == "unaffordable"]
    assert server.billed_usd <= budget.spent_usd <= limit
    assert len(answers) == 40
    assert budget.reserved_usd == 0
    assert bool(unaffordable) == (calls_worth < 40)
    assert (server.billed_usd > 0) == (calls_worth >= 1)


def test_an_interrupt_hands_on_what_is_under_way() -> None:
    import _thread

    started = threading.Event()

    def script(call: Call) -> object:
        if call.number == 3:
            started.set()
        return Says(delay_s=0.3)

    got = []
    with Loopback(script) as server, client(server, "anthropic") as used:
        threading.Thread(target=lambda: (started.wait(), _thread.interrupt_main()), daemon=True).start()
        asks = [ask(str(i)) for i in range(200)]
        with pytest.raises(KeyboardInterrupt):
            got.extend(ask_all(used, asks, HAIKU, Budget(Decimal(1)), concurrency=4))
        got_or_lost = len(server.ledger)

    assert 4 <= got_or_lost < 20


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=400), st.lists(st.text(max_size=40), max_size=5))
def test_the_worst_case_is_no_less_than_the_tokens_of_any_byte_tokenizer(text: str, words: list[str]) -> None:
    made = ask(text, system=" ".join(words))

    assert worst_case_tokens(made) >= len(text.encode()) + len(" ".join(words).encode()) + 1000


def test_the_key_tells_where_and_what_but_not_whose() -> None:
    one = ask("x")

    assert one.key("a", "m") == replace(one, name="other").key("a", "m")
    assert len({one.key("a", "m"), one.key("b", "m"), one.key("a", "n"), ask("y").key("a", "m")}) == 4


def test_a_missing_key_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("ANTHROPIC_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_BASE_URL", "OPENAI_BASE_URL"):
        monkeypatch.delenv(name, raising=False)

    with pytest.raises(ModelError, match="ANTHROPIC_API_KEY"):
        client_for("anthropic", "claude-haiku-4-5")
    with pytest.raises(ModelError, match="OPENAI_API_KEY"):
        client_for("openai-compatible", "m", base_url="https://models.example/v1")
    with pytest.raises(ModelError, match="no address"):
        client_for("acme", "m")
    with pytest.raises(ModelError, match="is no address"):
        client_for("openai-compatible", "m", base_url="localhost:8000")
