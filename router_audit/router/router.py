"""One decision per request from a table in a file: no network, no store, safe between threads, reloaded when the table changes."""

from __future__ import annotations

import logging
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from router_audit import routing
from router_audit.errors import UserError
from router_audit.incoming import read_request
from router_audit.router.loading import load, signature_of
from router_audit.router.sessions import Sessions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router_audit.embedding import Encoder
    from router_audit.incoming import Incoming
    from router_audit.pricing import PriceBook
    from router_audit.recipe.view import PromptView
    from router_audit.router.loading import Loaded
    from router_audit.routing import Facts, Rules
    from router_audit.types import AnswerSignal, Decision, Escalation

CANARY_KEY = "ROUTER_AUDIT_CANARY_KEY"
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that one decision followed from."""

    decision: Decision
    facts: Facts
    instruction: str
    """What the classifier was shown: the sentences that ask for something."""
    order: str
    """Of these the one that asks most."""
    whole: str
    """And the head and tail of the last turn."""
    probabilities: dict[str, float]
    classifier: str
    row: dict[str, Any] | None
    """The table's row for this profile and context."""
    asked_mtok: float | None
    model_mtok: float | None
    """USD per million tokens, three input to one output."""
    canary_draw: float
    """In the canary where this is below the propensity."""


class Router:
    """Decides by the newest table. Build it with `Router.from_table`; share one between threads."""

    def __init__(
        self,
        path: Path,
        loaded: Loaded,
        *,
        fast: bool = False,
        canary_share: float = routing.CANARY_SHARE,
        canary_key: bytes = b"",
        sticky_sessions: bool = True,
        check_every_s: float = 1.0,
    ) -> None:
        self._path = path
        self._loaded, self._fast = loaded, fast
        self._canary_share, self._canary_key = canary_share, canary_key
        self._sessions = Sessions() if sticky_sessions else None
        self._check_every_s = check_every_s
        self._next_check = time.monotonic() + check_every_s
        self._reloading = threading.Lock()
        self._refused: tuple[Any, ...] | None = None
        self._names: dict[str, tuple[str, float | None]] = {}
        self._book: PriceBook | None = None

    @classmethod
    def from_table(
        cls,
        path: str | Path,
        *,
        encoder: Encoder | None = None,
        fast: bool = False,
        canary_share: float = routing.CANARY_SHARE,
        canary_key: str | None = None,
        sticky_sessions: bool = True,
        check_every_s: float = 1.0,
    ) -> Router:
        """A router over one table, or over the newest table of a folder.

        The classifier is read from `classifiers/` beside the table. `encoder` is used where it is the one that
        the table names; `fast` refuses a classifier that needs a forward pass, and takes the builtin head's light form; `canary_key` falls back to the environment's `ROUTER_AUDIT_CANARY_KEY`. Raises UserError where the table or its
        classifier cannot be used.
        """
        where = Path(path)
        if not 0 <= canary_share <= 1:
            raise UserError(f"the canary's share must be between 0 and 1, not {canary_share}")
        key = os.environ.get(CANARY_KEY, "") if canary_key is None else canary_key
        return cls(
            where,
            load(where, encoder, fast=fast),
            fast=fast,
            canary_share=canary_share,
            canary_key=key.encode(),
            sticky_sessions=sticky_sessions,
            check_every_s=check_every_s,
        )

    @property
    def version(self) -> str:
        """The table in use."""
        return self._loaded.rules.version

    @property
    def rules(self) -> Rules:
        """The table in use, indexed."""
        return self._loaded.rules

    def decide(self, request: Mapping[str, Any]) -> Decision:
        """What the table says about a request as providers take it.

        Besides the provider's own keys it may hold `request_id` (for the canary), `session_id` and
        `input_tokens`. Nothing is sent anywhere.
        """
        self._look_for_news()
        loaded = self._loaded
        incoming = read_request(request)
        facts, _ = self._facts(loaded, incoming)
        decision = routing.decide(
            loaded.rules, facts, canary_key=self._canary_key, canary_share=self._canary_share
        )
        if self._sessions is not None:
            self._sessions.remember(incoming.session_id, decision)
        return decision

    def explain(self, request: Mapping[str, Any]) -> Explanation:
        """The same decision with all that it followed from."""
        loaded = self._loaded
        facts, view = self._facts(loaded, read_request(request))
        decision = routing.decide(
            loaded.rules, facts, canary_key=self._canary_key, canary_share=self._canary_share
        )
        row = loaded.rules.routes.get((decision.profile or "", decision.context or ""))
        known = loaded.rules.blended_mtok(decision.asked)
        return Explanation(
            decision=decision,
            facts=facts,
            instruction=view.instruction,
            order=view.order,
            whole=view.whole,
            probabilities=loaded.classifier.probabilities(view),
            classifier=loaded.classifier.version,
            row=dict(row) if row else None,
            asked_mtok=facts.asked_mtok if known is None else known,
            model_mtok=loaded.rules.blended_mtok(decision.model),
            canary_draw=routing.canary_draw(facts.request_id, self._canary_key),
        )

    def escalate(self, decision: Decision, signal: AnswerSignal) -> Escalation | None:
        """The one next rung after a weak answer, or nothing. See `routing.escalate`."""
        return routing.escalate(self._loaded.rules, decision, signal)

    def fall_back(self, decision: Decision) -> Decision | None:
        """Another model of the same tier after a provider's error, or nothing. Not an escalation."""
        return routing.fall_back(decision)

    def reload(self) -> bool:
        """Load the newest table now, if it is another; whether it was. Raises as `from_table`."""
        with self._reloading:
            return self._reload()

    def _facts(self, loaded: Loaded, incoming: Incoming) -> tuple[Facts, PromptView]:
        verdict, view = loaded.classifier.judge(incoming.record)
        asked, asked_mtok = self._asked(loaded, incoming.asked)
        told: Any = None if verdict.abstained else verdict.profile
        facts = routing.Facts(
            profile=told,
            probability=round(verdict.probability, 6),
            abstained=verdict.abstained,
            input_tokens=incoming.input_tokens,
            estimated=incoming.estimated,
            output_tokens=incoming.output_tokens,
            request_id=incoming.request_id,
            asked=asked,
            asked_mtok=asked_mtok,
            held=self._sessions.held(incoming.session_id, loaded.rules.version) if self._sessions else None,
        )
        return facts, view

    def _asked(self, loaded: Loaded, name: str | None) -> tuple[str | None, float | None]:
        """The caller's model as `provider/model`, and its price where the table has none."""
        if name is None or name in loaded.rules.prices:
            return name, None
        if name not in self._names:
            if len(self._names) > 10_000:
                self._names.clear()
            self._names[name] = self._resolve(loaded, name)
        return self._names[name]

    def _resolve(self, loaded: Loaded, name: str) -> tuple[str, float | None]:
        from datetime import date

        from router_audit.pricing import load_prices
        from router_audit.types.price import ModelPrice

        if self._book is None:
            self._book = load_prices()
        price = self._book.resolve_ref(name, date.fromisoformat(loaded.prices_as_of))
        if isinstance(price, ModelPrice):
            return price.ref, float(price.blended_mtok)
        tails = [ref for ref in loaded.rules.prices if ref.partition("/")[2] == name]
        return (tails[0] if len(tails) == 1 else name), None

    def _look_for_news(self) -> None:
        """At most every `check_every_s`: has the table changed? It is loaded aside; requests go on meanwhile."""
        now = time.monotonic()
        if now < self._next_check:
            return
        self._next_check = now + self._check_every_s
        if not self._reloading.acquire(blocking=False):
            return
        signature = signature_of(self._path)
        if signature is None or signature in (self._loaded.signature, self._refused):
            self._reloading.release()
            return
        threading.Thread(target=self._reload_aside, name="router-audit-reload", daemon=True).start()

    def _reload_aside(self) -> None:
        try:
            self._reload()
        except UserError as error:
            self._refused = signature_of(self._path)
            log.warning("table %s stays in use: %s", self.version, error)
        finally:
            self._reloading.release()

    def _reload(self) -> bool:
        if signature_of(self._path) == self._loaded.signature:
            return False
        before = self.version
        self._loaded = load(self._path, self._loaded.classifier.encoder, fast=self._fast)
        self._refused = None
        log.info("table %s replaces %s", self.version, before)
        return True
