"""Names in logs become prices in force on a date, or stay unresolved with a reason."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import TYPE_CHECKING

import polars as pl
import pytest

from router_audit.errors import InputError
from router_audit.pricing import default_ladder, load_prices, read_ladders
from router_audit.pricing.incumbents import price_incumbents
from router_audit.types.price import ModelPrice, Unresolved

if TYPE_CHECKING:
    from pathlib import Path

DAY = date(2026, 11, 23)
BOOK = load_prices()


@pytest.mark.parametrize(
    ("provider", "model", "ref"),
    [
        ("anthropic", "claude-haiku-4-5", "anthropic/claude-haiku-4-5"),
        ("anthropic", "claude-haiku-4-5-20251001", "anthropic/claude-haiku-4-5"),
        ("anthropic", "claude-sonnet-4-6[1m]", "anthropic/claude-sonnet-4-6"),
        ("anthropic", "claude-haiku-4-5@high", "anthropic/claude-haiku-4-5"),
        (None, "anthropic/claude-haiku-4-5", "anthropic/claude-haiku-4-5"),
        ("litellm", "gpt-4o-mini", "openai/gpt-4o-mini"),
        ("litellm", "azure/gpt-4o", "azure/gpt-4o"),
        ("openai", "gpt-5-mini-2025-08-07", "openai/gpt-5-mini"),
        ("azure.ai.openai", "gpt-4o-2024-08-06", "azure/gpt-4o"),
        ("openrouter", "anthropic/claude-haiku-4.5", "openrouter/anthropic/claude-haiku-4.5"),
        (
            None,
            "openrouter/anthropic/claude-haiku-4.5:nitro",
            "openrouter/anthropic/claude-haiku-4.5",
        ),
        ("openrouter", "deepseek/deepseek-r1:free", "openrouter/deepseek/deepseek-r1:free"),
        (
            "aws.bedrock",
            "us.anthropic.claude-haiku-4-5-20251001-v1:0",
            "aws/regional.anthropic.claude-haiku-4-5-20251001-v1:0",
        ),
        (
            None,
            "bedrock/converse/us.anthropic.claude-haiku-4-5-20251001-v1:0",
            "aws/regional.anthropic.claude-haiku-4-5-20251001-v1:0",
        ),
        (
            None,
            "arn:aws:bedrock:us-east-1:1:inference-profile/global.anthropic.claude-haiku-4-5-20251001-v1:0",
            "aws/global.anthropic.claude-haiku-4-5-20251001-v1:0",
        ),
        (
            "aws",
            "arn:aws:bedrock:us-east-1::foundation-model/amazon.nova-lite-v1:0",
            "aws/amazon.nova-lite-v1:0",
        ),
        (None, "us.anthropic.claude-sonnet-4-6", "aws/regional.anthropic.claude-sonnet-4-6-v1:0"),
        ("gcp.vertex_ai", "claude-haiku-4-5@20251001", "google/claude-haiku-4-5"),
        (
            "gcp.vertex_ai",
            "projects/p/locations/l/publishers/google/models/gemini-2.5-pro",
            "google/gemini-2.5-pro",
        ),
        ("openai", "anthropic/claude-haiku-4-5", "anthropic/claude-haiku-4-5"),
    ],
)
def test_a_name_in_a_log_resolves(provider: str | None, model: str, ref: str) -> None:
    found = BOOK.resolve(provider, model, DAY)

    assert isinstance(found, ModelPrice)
    assert found.ref == ref


@pytest.mark.parametrize(
    ("provider", "model"),
    [
        ("anthropic", "claude-haiku-4-5-fake"),
        ("anthropic", "<synthetic>"),
        ("anthropic", None),
        ("azure", "prod-chat"),
        ("aws", "arn:aws:bedrock:us-east-1:1:application-inference-profile/abc"),
        ("my-proxy", "gpt-4o"),
        ("openai", "gpt-4o-my-own"),
        ("openai", "whisper-1"),
        (None, "llama-3.3-70b"),
    ],
)
def test_what_is_not_plain_is_unresolved_with_a_reason(provider: str, model: str | None) -> None:
    found = BOOK.resolve(provider, model, DAY)

    assert isinstance(found, Unresolved)
    assert found.reason


def test_prices_follow_the_date() -> None:
    before = BOOK.resolve("anthropic", "claude-sonnet-4-6", date(2026, 3, 1))
    after = BOOK.resolve("anthropic", "claude-sonnet-4-6", DAY)

    assert isinstance(before, ModelPrice)
    assert isinstance(after, ModelPrice)
    assert [band.over_input_tokens for band in before.bands] == [200_000]
    assert before.bands[0].rates.output_mtok == Decimal("22.5")
    assert after.bands == ()
    assert after.since == date(2026, 3, 13)


def test_known_changes_and_cheaper_peers() -> None:
    flash = BOOK.resolve("google", "gemini-3.8-flash", DAY)
    opus = BOOK.resolve("anthropic", "claude-opus-4-7", DAY)

    assert isinstance(flash, ModelPrice)
    assert isinstance(opus, ModelPrice)
    assert [change.on for change in BOOK.changes(flash, DAY)] == [date(2027, 1, 1)]
    assert BOOK.changes(flash, date(2027, 1, 1)) == []
    peers = BOOK.peers(opus, DAY)
    assert "anthropic/claude-sonnet-4-6" in {peer.ref for peer in peers}
    assert all(peer.input_mtok < opus.input_mtok for peer in peers)


def test_the_snapshot_says_its_age() -> None:
    snapshot = BOOK.snapshot

    assert snapshot.models > 2000
    assert snapshot.age_days(DAY) == (DAY - snapshot.as_of).days
    assert snapshot.version in snapshot.source


def write(folder: Path, text: str) -> Path:
    path = folder / "prices.toml"
    path.write_text(text, "utf-8")
    return path


def test_a_users_file_lies_over_the_snapshot(tmp_path: Path) -> None:
    book = load_prices(
        write(
            tmp_path,
            """
            source = "contract 17"
            [aliases]
            "azure/prod-chat" = "azure/gpt-4o"
            [[price]]
            provider = "anthropic"
            model = "claude-haiku-4-5"
            from = 2026-06-01
            input_mtok = 0.80
            output_mtok = 4
            over = [{ input_tokens = 100000, input_mtok = 1.6, output_mtok = 6 }]
            batch = { input_mtok = 0.4, output_mtok = 2 }
            [[price]]
            provider = "anthropic"
            model = "claude-haiku-4-5"
            from = 2026-12-01
            input_mtok = 0.70
            output_mtok = 3.5
            [[price]]
            provider = "vllm"
            model = "Our-Llama"
            from = 2026-01-01
            input_mtok = 0.01
            output_mtok = 0.02
            """,
        )
    )

    own = book.resolve("anthropic", "claude-haiku-4-5-20251001", DAY)
    assert isinstance(own, ModelPrice)
    assert (own.input_mtok, own.source) == (Decimal("0.80"), "contract 17 (prices.toml)")
    assert own.tier("batch").output_mtok == 2
    assert own.bands[0].rates.output_mtok == 6
    assert [change.on for change in book.changes(own, DAY)] == [date(2026, 12, 1)]
    listed = book.resolve("anthropic", "claude-haiku-4-5", date(2026, 5, 31))
    assert isinstance(listed, ModelPrice)
    assert listed.input_mtok == 1
    deployed = book.resolve("azure.ai.openai", "prod-chat", DAY)
    assert isinstance(deployed, ModelPrice)
    assert deployed.ref == "azure/gpt-4o"
    for name in (("vllm", "our-llama"), (None, "vllm/Our-Llama")):
        assert isinstance(book.resolve(*name, DAY), ModelPrice)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[price]\n", "is not TOML"),
        ("prices = 1\n", "unknown key 'prices'"),
        ("[[price]]\nprovider='a'\nmodel='b'\ninput_mtok=1\noutput_mtok=1\n", "needs `from`"),
        ("as_of=2026-01-01\n[[price]]\nmodel='b'\ninput_mtok=1\noutput_mtok=1\n", "needs `provider`"),
        ("as_of=2026-01-01\n[[price]]\nprovider='a'\nmodel='b'\ninput_mtok=1\n", "needs `output_mtok`"),
        (
            "as_of=2026-01-01\n[[price]]\nprovider='a'\nmodel='b'\ninput_mtok=-1\noutput_mtok=1\n",
            "not negative",
        ),
        ("as_of=2026-01-01\n[[price]]\nprovider='a'\nmodel='b'\ninput_mtok=nan\noutput_mtok=1\n", "finite"),
        ("as_of=2026-01-01\n[[price]]\nprovider='a'\nmodel='b'\ninput_mtok='1'\noutput_mtok=1\n", "a number"),
        (
            "as_of=2026-01-01\n[[price]]\nprovider='a'\nmodel='b'\ninput_mtok=30000\noutput_mtok=1\n",
            "*million*",
        ),
        ("as_of=2026-01-01\n[[price]]\nprovider='a'\nmodel='b'\ninputmtok=3\noutput_mtok=1\n", "unknown key"),
        ("as_of='2026-01-01'\n", "is no date"),
        ("[aliases]\n'prod'='gpt-4o'\n", "provider/model"),
        (
            "as_of=2026-01-01\n" + 2 * "[[price]]\nprovider='a'\nmodel='b'\ninput_mtok=1\noutput_mtok=1\n",
            "a second price",
        ),
    ],
)
def test_a_broken_price_file_says_where_and_what(tmp_path: Path, text: str, message: str) -> None:
    path = write(tmp_path, text)

    with pytest.raises(InputError) as error:
        load_prices(path)

    assert message in error.value.message
    assert str(path) in error.value.where


def test_shipped_ladders_are_listed_undeprecated_and_rise() -> None:
    for ladder in read_ladders().values():
        prices = [BOOK.resolve(m.provider, m.model, DAY) for m in ladder.models]
        for price in prices:
            assert isinstance(price, ModelPrice)
            assert not price.deprecated
            assert price.retires is None
        by_tier = [
            max(p.blended_mtok for p, m in zip(prices, ladder.models, strict=True) if m.tier == tier)
            for tier in ladder.tiers
        ]
        assert by_tier == sorted(set(by_tier))
        if ladder.long_context:
            long = BOOK.resolve(ladder.long_context.provider, ladder.long_context.model, DAY)
            assert isinstance(long, ModelPrice)
            assert not long.deprecated
            assert (long.context_window or 0) > 200_000


def test_the_ladder_follows_the_spend() -> None:
    assert default_ladder({"anthropic": 3.0, "openai": 1.0}).name == "anthropic-with-gemini"
    assert default_ladder({"openai": 1.0}).name == "openai"
    assert default_ladder({}).long_context is not None


def test_incumbents_are_resolved_and_the_rest_is_counted() -> None:
    frame = pl.DataFrame(
        {
            "provider": ["anthropic", "azure", "anthropic"],
            "request_model": ["claude-opus-4-7", "prod-chat", "claude-nothing"],
            "response_model": [None, "gpt-4o-2024-08-06", None],
            "input_tokens": [10, 20, 30],
            "output_tokens": [1, 2, 3],
        }
    )

    found = price_incumbents(frame, BOOK, DAY)

    assert found.frame["incumbent"].to_list() == ["anthropic/claude-opus-4-7", "azure/gpt-4o", None]
    assert [(u.model, u.requests, u.input_tokens) for u in found.unpriced] == [("claude-nothing", 1, 30)]
