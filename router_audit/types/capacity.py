"""Providers' rate limits, and what a mix of models does to them."""

from __future__ import annotations

from dataclasses import dataclass

LIMIT_KINDS = ("rpm", "input_tpm", "output_tpm")
"""Requests, input tokens and output tokens per minute."""


@dataclass(frozen=True, slots=True)
class Limit:
    """What a provider lets one model take per minute."""

    provider: str
    model: str
    """A model's name, or `*` for every model of the provider together."""
    rpm: int | None = None
    input_tpm: int | None = None
    output_tpm: int | None = None
    cached_input_counts: bool = True
    """Whether tokens read from a cache count towards `input_tpm`."""
    regions: tuple[str, ...] = ()
    """Where the model may be called; empty where that is not known."""

    @property
    def ref(self) -> str:
        """`provider/model`."""
        return f"{self.provider}/{self.model}"


@dataclass(frozen=True, slots=True)
class Limits:
    """A limits file as it was read."""

    limits: tuple[Limit, ...] = ()
    allowed_regions: tuple[str, ...] = ()
    """Where requests may go at all; empty lets them go anywhere."""
    pins: tuple[tuple[str, str], ...] = ()
    """(profile, region): requests of that profile may only go there."""
    max_wait_s: float = 60.0
    """A request that would queue longer than this is refused."""

    def of(self, ref: str) -> Limit | None:
        """The limit that counts a `provider/model`: its own, else its provider's."""
        by_ref = {limit.ref: limit for limit in self.limits}
        return by_ref.get(ref) or by_ref.get(f"{ref.partition('/')[0]}/*")

    def region_bars(self, ref: str, profile: str) -> str | None:
        """Why a model may not serve a profile; None where it may, or where nothing restricts regions."""
        wanted = {region for name, region in self.pins if name == profile} or set(self.allowed_regions)
        if not wanted:
            return None
        limit = self.of(ref)
        offered = set(limit.regions) if limit else set()
        if offered & wanted:
            return None
        said = ", ".join(sorted(offered)) or "no stated region"
        return f"{ref} is offered in {said}; {profile} may go to {', '.join(sorted(wanted))}"


@dataclass(frozen=True, slots=True)
class LimitUse:
    """What a mix takes of one limit."""

    ref: str
    kind: str
    """`rpm`, `input_tpm` or `output_tpm`."""
    limit: int
    peak: float
    """The most taken in any calendar minute."""

    @property
    def peak_share(self) -> float:
        """Of the limit, at the peak minute."""
        return self.peak / self.limit


@dataclass(frozen=True, slots=True)
class CapacityUse:
    """One mix replayed through the limits."""

    mix: str
    """`today` or `proposed`."""
    calls: int
    """Requests, second answers and canaries included."""
    limited: int
    """Of them, to models that have a limit."""
    queued_share: float
    """Of the calls, those that waited."""
    refused_share: float
    """Of the calls, those that would have waited longer than the user allows, or can never fit a bucket."""
    p95_wait_s: float
    """Of those that waited."""
    uses: tuple[LimitUse, ...]
    """Fullest first."""
    refused_by_limit: tuple[tuple[str, float], ...] = ()
    """(`provider/model` of the limit, share of its calls refused), where any is."""

    @property
    def first_to_break(self) -> LimitUse | None:
        """The limit that is reached first as traffic grows."""
        return self.uses[0] if self.uses else None

    @property
    def headroom(self) -> float | None:
        """By what factor traffic may grow until the first limit is reached at its peak minute."""
        first = self.first_to_break
        return None if first is None or first.peak == 0 else 1 / first.peak_share


@dataclass(frozen=True, slots=True)
class Latency:
    """How long answers take, in milliseconds."""

    ref: str
    """`provider/model`, or the name of a mix."""
    requests: int
    p50_ms: float | None
    p95_ms: float | None
    known_share: float = 1.0
    """The share of requests whose latency is known or could be drawn from the same model's."""
