"""How one window of traffic differs from the one before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from datetime import datetime

Size = Literal["stable", "moved", "shifted"]
"""Of a population stability index: below 0.1, below 0.25, above (the usual reading of credit scoring)."""


@dataclass(frozen=True, slots=True)
class Stability:
    """A mix of categories in two windows."""

    of: str
    """`profile` or `template`."""
    index: float
    """Population stability index."""
    size: Size
    shares: tuple[tuple[str, float, float], ...]
    """(category, share before, share now), the most moved first."""


@dataclass(frozen=True, slots=True)
class TwoSamples:
    """Can a classifier tell the two windows of one profile apart by what is asked?"""

    profile: str
    before: int
    now: int
    """Requests compared, one of each session."""
    accuracy: float
    """On requests it was not fitted on; one half where the windows are alike."""
    p_value: float
    differs: bool


@dataclass(frozen=True, slots=True)
class NewTemplate:
    """A template the earlier window does not have."""

    template_id: str
    profile: str | None
    requests: int
    share: float
    example: str
    """Of its last turn; addresses, links, keys and digits masked."""


@dataclass(frozen=True, slots=True)
class Drift:
    """Both windows compared."""

    since: datetime | None
    """Where the later window begins; None where the log has no earlier one."""
    days: float
    before: int
    now: int
    stability: tuple[Stability, ...]
    tests: tuple[TwoSamples, ...]
    untested: dict[str, str]
    """Profile to why it was not tested."""
    new_templates: tuple[NewTemplate, ...]

    @property
    def drifted(self) -> bool:
        """Some mix has shifted, or some profile asks for other things than before."""
        return any(s.size == "shifted" and s.of == "profile" for s in self.stability) or any(
            test.differs for test in self.tests
        )
