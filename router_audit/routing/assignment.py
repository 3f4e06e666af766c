"""Which requests are in the canary: a keyed hash of their id, stateless and exactly auditable."""

from __future__ import annotations

import hashlib

CANARY_SHARE = 0.01
"""Of the requests that are moved: the premium tier answers them, the routed model beside it."""


def in_canary(request_id: str, key: bytes, share: float) -> bool:
    """Whether a request is in the canary: a keyed hash of its id, so that anyone with the key can check it."""
    return canary_draw(request_id, key) < share


def canary_draw(request_id: str, key: bytes) -> float:
    """The request's place in [0, 1): the first 53 bits of BLAKE2b(request id, key)."""
    digest = hashlib.blake2b(request_id.encode("utf-8", "surrogatepass"), key=key[:64], digest_size=8)
    return (int.from_bytes(digest.digest(), "big") >> 11) / (1 << 53)
