"""A person as the grader: blind, the two answers in an order that says nothing about who gave them."""

from __future__ import annotations

from hashlib import blake2b

from router_audit.types.grading import Grade

NAME = "human"
KEY = b"which answer is shown first"


def candidate_first(request_id: str, candidate: str) -> bool:
    """Whether the candidate's answer is shown first: the toss of a keyed coin, the same whenever it is asked."""
    said = f"{request_id}\x1f{candidate}".encode()
    return blake2b(said, key=KEY, digest_size=1).digest()[0] % 2 == 0


def graded(request_id: str, candidate: str, *, first_ok: bool, second_ok: bool) -> Grade:
    """The grade behind a verdict on the first and the second answer as they were shown."""
    swapped = candidate_first(request_id, candidate)
    return Grade(
        candidate_ok=first_ok if swapped else second_ok,
        incumbent_ok=second_ok if swapped else first_ok,
        grader=NAME,
    )
