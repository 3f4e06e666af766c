"""One decision per request from a table in a file: no network, no store, safe between threads, reloaded when the table changes."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from router_audit import routing
from router_audit.errors import InputError, UserError
from router_audit.incoming import read_request
from router_audit.tablefile import newest_table, read_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router_audit.embedding import Encoder
    from router_audit.incoming import Incoming
    from router_audit.live_classifier import LiveClassifier
    from router_audit.pricing import PriceBook
    from router_audit.routing import Facts, Rules
    from router_audit.text_recipe import PromptView
    from router_audit.types import AnswerSignal, Decision, Escalation

CANARY_KEY = "ROUTER_AUDIT_CANARY_KEY"
SESSIONS = 10_000
"""Sessions whose model is remembered, the least recent forgotten first."""
SESSION_S = 3600.0
"""A session idle for longer has no warm cache to keep: one hour is the longest any provider sells."""

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Loaded:
    """One version of a table, ready to decide."""

    rules: Rules
    classifier: LiveClassifier
    signature: tuple[Any, ...]
    """The file it was read from, and that file's identity, size and time."""
    prices_as_of: str


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything that one decision followed from."""

    decision: Decision
    facts: Facts
    instruction: str
    """What the classifier was shown: the sentences that ask for something."""
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
        self._sticky = sticky_sessions
        self._sessions: OrderedDict[str, tuple[str, str, float]] = OrderedDict()
        self._sessions_lock = threading.Lock()
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
        the table names; `fast` decides by the light part of the builtin head, without an encoder; `canary_key`
        falls back to the environment's `ROUTER_AUDIT_CANARY_KEY`. Raises UserError where the table or its
        classifier cannot be used.
        """
        where = Path(path)
        if not 0 <= canary_share <= 1:
            raise UserError(f"the canary's share must be between 0 and 1, not {canary_share}")
        key = os.environ.get(CANARY_KEY, "") if canary_key is None else canary_key
        return cls(
            where,
            _load(where, encoder, fast=fast),
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
        self._remember(incoming, decision)
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
            held=self._held(incoming.session_id, loaded.rules.version),
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

    def _held(self, session_id: str | None, version: str) -> str | None:
        if session_id is None or not self._sticky:
            return None
        with self._sessions_lock:
            entry = self._sessions.get(session_id)
        if entry is None or entry[0] != version or time.monotonic() - entry[2] > SESSION_S:
            return None
        return entry[1]

    def _remember(self, incoming: Incoming, decision: Decision) -> None:
        if incoming.session_id is None or not self._sticky or not decision.moved or decision.model is None:
            return
        with self._sessions_lock:
            self._sessions[incoming.session_id] = (decision.table_version, decision.model, time.monotonic())
            self._sessions.move_to_end(incoming.session_id)
            while len(self._sessions) > SESSIONS:
                self._sessions.popitem(last=False)

    def _look_for_news(self) -> None:
        """At most every `check_every_s`: has the table changed? It is loaded aside; requests go on meanwhile."""
        now = time.monotonic()
        if now < self._next_check:
            return
        self._next_check = now + self._check_every_s
        if not self._reloading.acquire(blocking=False):
            return
        signature = _signature(self._path)
        if signature is None or signature in (self._loaded.signature, self._refused):
            self._reloading.release()
            return
        threading.Thread(target=self._reload_aside, name="router-audit-reload", daemon=True).start()

    def _reload_aside(self) -> None:
        try:
            self._reload()
        except UserError as error:
            self._refused = _signature(self._path)
            log.warning("table %s stays in use: %s", self.version, error)
        finally:
            self._reloading.release()

    def _reload(self) -> bool:
        if _signature(self._path) == self._loaded.signature:
            return False
        before = self.version
        self._loaded = _load(self._path, self._loaded.classifier.encoder, fast=self._fast)
        self._refused = None
        log.info("table %s replaces %s", self.version, before)
        return True


def _file(path: Path) -> Path:
    return newest_table(path) if path.is_dir() else path


def _signature(path: Path) -> tuple[Any, ...] | None:
    """What tells one state of the table from another; None where there is none to read."""
    try:
        file = _file(path)
        found = file.stat()
    except (OSError, UserError):
        return None
    return (str(file), found.st_ino, found.st_size, found.st_mtime_ns)


def _load(path: Path, encoder: Encoder | None, *, fast: bool) -> Loaded:
    from router_audit.live_classifier import load_classifier

    signature = _signature(path)
    file = _file(path)
    table = read_table(file)
    rules = routing.rules_of(table)
    if table["classifier"] is None or table["encoder"] is None:
        raise InputError(
            "names no classifier, so it cannot decide; run `router-audit train`, then build the table again",
            where=str(file),
        )
    return Loaded(
        rules=rules,
        classifier=load_classifier(
            file.parent, table["classifier"], table["encoder"], encoder=encoder, fast=fast
        ),
        signature=signature or (),
        prices_as_of=table["prices"]["as_of"],
    )
