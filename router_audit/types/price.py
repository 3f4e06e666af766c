"""What a token costs on a date, and where that knowledge comes from.

Prices are USD per million tokens (`_mtok`), as providers publish them, in Decimal. None means that the
provider states no price of its own for that kind of token; `Rates.filled` says what is charged then.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from decimal import ROUND_HALF_EVEN, Decimal
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import date

PICO_PER_MTOK = 1_000_000
"""1 USD per million tokens is 1,000,000 pico-USD (1e-12 USD) per token."""


@dataclass(frozen=True, slots=True)
class Rates:
    """What each kind of token costs, in USD per million tokens."""

    input_mtok: Decimal
    """Input tokens that were neither read from nor written to a cache."""
    output_mtok: Decimal
    """Output tokens without reasoning."""
    cache_read_mtok: Decimal | None = None
    cache_write_mtok: Decimal | None = None
    """Written to a cache of five minutes (or of the provider's only lifetime)."""
    cache_write_1h_mtok: Decimal | None = None
    reasoning_mtok: Decimal | None = None
    """Reasoning tokens, where they have a price of their own."""

    def filled(self) -> tuple[int, int, int, int, int, int]:
        """Pico-USD per token: input, output, reasoning, cache read, cache write, cache write of 1 h.

        A kind without a price is charged as the kind that contains it (genai-prices' decomposition): cache
        reads and writes as input, one-hour writes as writes, reasoning as output.
        """
        write = self.input_mtok if self.cache_write_mtok is None else self.cache_write_mtok
        return (
            pico(self.input_mtok),
            pico(self.output_mtok),
            pico(self.output_mtok if self.reasoning_mtok is None else self.reasoning_mtok),
            pico(self.input_mtok if self.cache_read_mtok is None else self.cache_read_mtok),
            pico(write),
            pico(write if self.cache_write_1h_mtok is None else self.cache_write_1h_mtok),
        )

    def scaled(self, factor: Decimal) -> Rates:
        """Every price times `factor`."""

        def times(price: Decimal | None) -> Decimal | None:
            return None if price is None else price * factor

        return Rates(
            self.input_mtok * factor,
            self.output_mtok * factor,
            times(self.cache_read_mtok),
            times(self.cache_write_mtok),
            times(self.cache_write_1h_mtok),
            times(self.reasoning_mtok),
        )


def pico(price_mtok: Decimal) -> int:
    """USD per million tokens as whole pico-USD per token; exact to six decimals of the price."""
    return int((price_mtok * PICO_PER_MTOK).to_integral_value(ROUND_HALF_EVEN))


@dataclass(frozen=True, slots=True)
class Band:
    """The rates of a whole request whose input is over a threshold (a cliff, not a slice)."""

    over_input_tokens: int
    """A request of more input tokens than this, cached ones included, pays `rates` for all its tokens."""
    rates: Rates


@dataclass(frozen=True, slots=True)
class ModelPrice:
    """A model's price in force on one date."""

    provider: str
    """genai-prices' id of who sends the bill."""
    model: str
    rates: Rates
    as_of: date
    """The date this price was in force on: the date that was asked for."""
    source: str
    """Who says so: the snapshot and its version, or the user's file."""
    bands: tuple[Band, ...] = ()
    """Long-context bands, ascending."""
    variants: Mapping[str, ModelPrice] = field(default_factory=dict)
    """Prices of other service tiers: `batch`, `priority`, `flex`, `fast`."""
    request_fee_pico: int = 0
    """Charged once per request, in pico-USD."""
    since: date | None = None
    """When this price began, where it is known."""
    context_window: int | None = None
    """Largest input in tokens, where it is known."""
    deprecated: bool = False
    retires: date | None = None
    """The day the provider has said it stops, where it is known."""
    note: str = ""

    @property
    def ref(self) -> str:
        """`provider/model`."""
        return f"{self.provider}/{self.model}"

    @property
    def input_mtok(self) -> Decimal:
        """USD per million uncached input tokens."""
        return self.rates.input_mtok

    @property
    def output_mtok(self) -> Decimal:
        """USD per million output tokens."""
        return self.rates.output_mtok

    @property
    def cache_read_mtok(self) -> Decimal | None:
        """USD per million tokens read from a cache."""
        return self.rates.cache_read_mtok

    @property
    def cache_write_mtok(self) -> Decimal | None:
        """USD per million tokens written to a five-minute cache."""
        return self.rates.cache_write_mtok

    @property
    def cache_write_1h_mtok(self) -> Decimal | None:
        """USD per million tokens written to a one-hour cache."""
        return self.rates.cache_write_1h_mtok

    @property
    def blended_mtok(self) -> Decimal:
        """USD per million tokens at three input to one output: one figure to order models by, no bill."""
        return (3 * self.input_mtok + self.output_mtok) / 4

    def tier(self, service_tier: str | None) -> ModelPrice:
        """The price of that service tier; the standard one where the tier has no price of its own."""
        return self.variants.get((service_tier or "").lower(), self)

    def scaled(self, factor: Decimal) -> ModelPrice:
        """The price of one token *of another tokenizer*, of which `factor` tokens of this model's make one.

        Multiplying the price and dividing the thresholds is the same as multiplying every token count, and
        keeps the counts whole.
        """
        if factor == 1:
            return self
        return replace(
            self,
            rates=self.rates.scaled(factor),
            bands=tuple(Band(int(b.over_input_tokens / factor), b.rates.scaled(factor)) for b in self.bands),
            variants={name: price.scaled(factor) for name, price in self.variants.items()},
            context_window=None if self.context_window is None else int(self.context_window / factor),
        )


@dataclass(frozen=True, slots=True)
class Unresolved:
    """A model name that no price could be found for: counted and shown, never guessed."""

    provider: str | None
    model: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class PriceChange:
    """A change of price or a retirement that is already known."""

    on: date
    model: str
    """`provider/model`."""
    what: str
    """`price` or `retirement`."""
    input_mtok: Decimal | None = None
    output_mtok: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The offline price list in use."""

    name: str
    version: str
    as_of: date
    """The newest date the list itself mentions as already past when it was released."""
    models: int

    def age_days(self, today: date) -> int:
        """Days since `as_of`."""
        return (today - self.as_of).days

    @property
    def source(self) -> str:
        """As it is printed beside a price."""
        return f"{self.name} {self.version} ({self.as_of.isoformat()})"
