"""Which requests are worth a replay: one for each session, spread over the templates, in an order fixed in advance.

Any beginning of the order is a sample stratified in proportion: a larger sample later contains the smaller one,
and nothing is paid for twice. The order depends on ids alone, never on an answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

from router_audit.certify import power, trials_needed
from router_audit.certify.looks import PRESUMED
from router_audit.certify.path import WANTED_POWER

if TYPE_CHECKING:
    from collections.abc import Iterable

KEY = b"router-audit"
"""The key of `certify.tally`: of a session it chooses the same request as is sampled here."""


@dataclass(frozen=True, slots=True)
class Sampled:
    """One request that may be replayed."""

    request_id: str
    session_id: str
    template_id: str


def rank(request_id: str) -> bytes:
    """The place of a request in its session and stratum."""
    return blake2b(request_id.encode(), key=KEY, digest_size=16).digest()


def order(requests: Iterable[Sampled]) -> list[Sampled]:
    """One request of each session, in an order of which every beginning has its share of each template.

    The request of a session is that of the smallest keyed hash. Within a template sessions stand in order of
    hash; the k-th of m stands at (k - 1/2) / m of the whole, moved within its slot by the template's own hash.
    """
    chosen: dict[str, tuple[bytes, Sampled]] = {}
    for request in requests:
        at = (rank(request.request_id), request)
        if request.session_id not in chosen or at[0] < chosen[request.session_id][0]:
            chosen[request.session_id] = at
    strata: dict[str, list[tuple[bytes, Sampled]]] = {}
    for entry in chosen.values():
        strata.setdefault(entry[1].template_id, []).append(entry)
    placed = []
    for template, entries in strata.items():
        shift = int.from_bytes(rank(template)[:6], "big") / 2**48
        for number, (hashed, request) in enumerate(sorted(entries, key=lambda entry: entry[0])):
            placed.append(((number + shift) / len(entries), hashed, request))
    return [request for _, _, request in sorted(placed, key=lambda entry: entry[:2])]


def trials_wanted(epsilon: float, share: float) -> tuple[int, int]:
    """(least, planned): trials that certify without a regret, and with 80% chance at a regret of a fifth of epsilon.

    At level `share`, the part of delta that a route starts with.
    """
    least = trials_needed(epsilon, share)
    planned = least
    while power(planned, PRESUMED * epsilon, epsilon, share) < WANTED_POWER:
        planned += 1
    return least, planned
