"""What points at a person, masked before anything is stored: e-mail addresses, phone and card numbers, IBANs.

Phone numbers are found by phonenumbers (international ones anywhere, national ones of the United States), cards and
IBANs by their check digits (python-stdnum), so that order numbers and dates stay.
"""

from __future__ import annotations

import re
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

import msgspec

from router_audit.errors import UserError

if TYPE_CHECKING:
    from router_audit.types import LoggedRequest, Message, Part, Rejected

EMAIL, PHONE, CARD, IBAN = "[email]", "[phone]", "[card]", "[iban]"

_EMAIL = re.compile(r"[A-Za-z0-9._%+'-]+@[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?\.[A-Za-z]{2,24}")
_CARD = re.compile(r"(?<![\d.-])\d(?:[ -]?\d){12,18}(?![\d-])")
_IBAN = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\b")
_DIGITS = re.compile(r"\d[\d\s().+/\\n-]{5,}\d")
"""Enough digits in a row for a phone number; without, the finder need not start."""
_REGION = "US"


def require() -> None:
    """Raises UserError where the libraries that find numbers are not installed."""
    try:
        import phonenumbers  # noqa: F401
        import stdnum  # noqa: F401
    except ImportError as error:
        raise UserError(
            f"--redact needs the package {error.name}; pip install {error.name}", where="--redact"
        ) from None


def text(raw: str) -> str:
    """The text with what points at a person masked."""
    if "@" in raw:
        raw = _EMAIL.sub(EMAIL, raw)
    if _DIGITS.search(raw):
        raw = _IBAN.sub(_iban, raw)
        raw = _CARD.sub(_card, raw)
        raw = _phones(raw)
    return raw


def _card(found: re.Match[str]) -> str:
    from stdnum import luhn

    digits = re.sub(r"[ -]", "", found[0])
    return CARD if luhn.is_valid(digits) and len(set(digits)) > 1 else found[0]


def _iban(found: re.Match[str]) -> str:
    from stdnum import iban

    return IBAN if iban.is_valid(found[0]) else found[0]


def _phones(raw: str) -> str:
    import phonenumbers

    made: list[str] = []
    at = 0
    for match in phonenumbers.PhoneNumberMatcher(raw, _REGION, leniency=phonenumbers.Leniency.VALID):
        made += [raw[at : match.start], PHONE]
        at = match.end
    return "".join([*made, raw[at:]]) if made else raw


def _any(value: Any) -> Any:
    """A JSON value with its texts, and numbers that are card numbers, masked."""
    if isinstance(value, str):
        return text(value)
    if isinstance(value, dict):
        return {_any(name): _any(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [_any(inner) for inner in value]
    if isinstance(value, int) and not isinstance(value, bool) and value >= 10**9:
        masked = text(str(value))
        return value if masked == str(value) else masked
    return value


def _part(part: Part) -> Part:
    return msgspec.structs.replace(
        part,
        content=None if part.content is None else text(part.content),
        arguments=_any(part.arguments),
        response=_any(part.response),
    )


def _messages(messages: list[Message]) -> list[Message]:
    return [msgspec.structs.replace(one, parts=[_part(part) for part in one.parts]) for one in messages]


def _pseudonym(name: str | None) -> str | None:
    """A user stays the same user, without the address or number that named it."""
    if name is None or text(name) == name:
        return name
    return f"user-{blake2b(name.encode('utf-8', 'replace'), digest_size=6).hexdigest()}"


def redacted(request: LoggedRequest) -> LoggedRequest:
    """The request with every text masked; users keep an identity of their own."""
    return msgspec.structs.replace(
        request,
        system=None if request.system is None else text(request.system),
        messages=_messages(request.messages),
        output=_messages(request.output),
        tools=_any(request.tools),
        params=_any(request.params),
        tags=_any(request.tags),
        routing=_any(request.routing),
        user=_pseudonym(request.user),
        session_id=_pseudonym(request.session_id),
        error_type=None if request.error_type is None else text(request.error_type),
    )


def rejected(reject: Rejected) -> Rejected:
    """The reject with its excerpt and reason masked."""
    return msgspec.structs.replace(reject, reason=text(reject.reason), excerpt=text(reject.excerpt))
