"""What is never stored: API keys, tokens and private keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterable

KEY = "[api key]"

_MARK = "sk[-_]|AKIA|gh[po]_|github_pat_|xox[abprs]-|AIza|hf_|gsk_|glpat-|Bearer |PRIVATE KEY|eyJ"
"""Cheap to look for; a text without any holds no key."""

_KEYS = (
    r"\b(?:sk-[A-Za-z0-9_-]{16,}|sk_(?:live|test)_[A-Za-z0-9]{16,}|AKIA[0-9A-Z]{16}|gh[po]_[A-Za-z0-9]{30,}"
    r"|github_pat_[A-Za-z0-9_]{30,}|xox[abprs]-[A-Za-z0-9-]{10,}|AIza[0-9A-Za-z_-]{30,}|hf_[A-Za-z0-9]{30,}"
    r"|gsk_[A-Za-z0-9]{30,}|glpat-[A-Za-z0-9_-]{16,}"
    r"|eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,})"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*PRIVATE KEY-----)?"
)
_BEARER = r"(Bearer )[A-Za-z0-9._~+/=-]{20,}"


def masked(arrays: dict[str, Any], columns: Iterable[str]) -> dict[str, Any]:
    """The Arrow columns with these text columns masked."""
    import polars as pl

    for name in columns:
        if arrays[name].null_count < len(arrays[name]):
            series = pl.Series(arrays[name])
            if series.str.contains(_MARK).any():
                masked = series.str.replace_all(_KEYS, KEY).str.replace_all(_BEARER, "${1}" + KEY)
                arrays[name] = masked.to_arrow().cast(arrays[name].type)
    return arrays
