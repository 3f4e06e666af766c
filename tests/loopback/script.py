"""What a played provider may do with a call, and what a call carries."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping
    from decimal import Decimal

Protocol = Literal["anthropic", "openai"]


@dataclass(frozen=True)
class Says:
    """The model answers: 200, a whole body, billed."""

    text: str | None = None
    tool: Mapping[str, Any] | None = None
    """The arguments of a call of the forced (else the first) tool."""
    tool_name: str | None = None
    """Another tool than the forced one."""
    arguments: str | None = None
    """OpenAI only: the arguments as they stand on the wire, e.g. broken JSON."""
    finish: str | None = None
    """The stop reason in the protocol's own words; the fitting one where None."""
    refusal: bool = False
    output_tokens: int | None = None
    logprob: float | None = None
    """OpenAI only: the log-probability of each token."""
    delay_s: float = 0.0


@dataclass(frozen=True)
class Fails:
    """The provider says no before any work: an error status, never billed."""

    status: int
    kind: str = "api_error"
    retry_after_s: float | None = None
    message: str = "no"


@dataclass(frozen=True)
class Sleeps:
    """The work is done and billed, but the answer comes after `seconds`: a client with less patience hangs up."""

    seconds: float


@dataclass(frozen=True)
class Cuts:
    """200 and a JSON body that stops in the middle; billed."""


@dataclass(frozen=True)
class Drops:
    """The connection closes without an answer; billed where the work was `done`."""

    done: bool = True


@dataclass(frozen=True)
class Ends:
    """In a batch only: the entry ends `errored`, `expired` or `canceled`, not billed."""

    kind: Literal["errored", "expired", "canceled"]


Behaviour = Says | Fails | Sleeps | Cuts | Drops | Ends

RATE_LIMITED = Fails(429, "rate_limit_error", retry_after_s=0.01)
OVERLOADED = Fails(529, "overloaded_error", retry_after_s=0.01)
BROKEN = Fails(500, "api_error", retry_after_s=0.01)
UNAUTHORISED = Fails(401, "authentication_error")
REFUSES = Says(refusal=True)
WRONG_TOOL = Says(tool={"city": "Turku"}, tool_name="get_weather")
WRONG_ARGUMENTS = Says(tool={"verdict": 7})
BROKEN_ARGUMENTS = Says(arguments='{"profile": "extr')
OUT_OF_TOKENS = Says(tool={}, finish="length")
EMPTY = Says(text="")


@dataclass(frozen=True)
class Call:
    """One request that arrived."""

    number: int
    protocol: Protocol
    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    attempt: int
    """How often this very body has come, this time included."""
    batch: str | None = None

    @property
    def prompt(self) -> str:
        """The text of every message but the system prompt."""
        return "\n".join(
            text_of(message.get("content"))
            for message in self.body.get("messages", ())
            if message.get("role") not in {"system", "developer"}
        )

    @property
    def system(self) -> str:
        """The system prompt."""
        if self.protocol == "anthropic":
            return text_of(self.body.get("system"))
        return "\n".join(
            text_of(m.get("content")) for m in self.body.get("messages", ()) if m.get("role") == "system"
        )

    @property
    def key(self) -> str:
        """Equal bodies have equal keys."""
        return sha256(json.dumps(self.body, sort_keys=True).encode()).hexdigest()


@dataclass(frozen=True)
class Bill:
    """One piece of work that was paid for."""

    key: str
    prompt: str
    model: str
    input_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    output_tokens: int
    usd: Decimal
    batch: bool = False


def text_of(content: Any) -> str:
    if isinstance(content, list):
        return "\n".join(text_of(part) for part in content)
    if isinstance(content, dict):
        return str(content.get("text") or text_of(content.get("content") or ""))
    return str(content or "")
