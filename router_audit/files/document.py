"""The routing table as a document: canonical bytes, digests, and what the schema refuses."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from router_audit.types import RoutingTable

SCHEMA_VERSION = 1
_NAMES_NOT_CONTENT = frozenset({"version", "parent", "digest", "content_digest"})


def canonical(document: Mapping[str, Any]) -> bytes:
    """The one spelling of a document: sorted keys, no spaces, UTF-8. Raises ValueError on NaN."""
    return json.dumps(
        document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    ).encode()


def _digest(document: Mapping[str, Any]) -> str:
    return "sha256:" + sha256(canonical(document)).hexdigest()


def content_digest(document: Mapping[str, Any]) -> str:
    """Digest of what the table says, whatever it is called: the same inputs give the same one."""
    return _digest({key: value for key, value in document.items() if key not in _NAMES_NOT_CONTENT})


def digest(document: Mapping[str, Any]) -> str:
    """Digest of the whole document but for the digest itself."""
    return _digest({key: value for key, value in document.items() if key != "digest"})


def sealed(content: Mapping[str, Any], *, version: str, parent: str | None) -> RoutingTable:
    """The content named, and signed with both digests."""
    document = {**content, "version": version, "parent": parent}
    document["content_digest"] = content_digest(document)
    document["digest"] = digest(document)
    return document


def problems(document: Any, schema: Mapping[str, Any]) -> list[str]:
    """What is wrong with a table: schema violations first, else digests that do not follow. Empty when sound."""
    return shape_problems(document, schema) or digest_problems(document)


def shape_problems(document: Any, schema: Mapping[str, Any]) -> list[str]:
    """Where the document breaks the schema, an unknown field included."""
    from jsonschema import Draft202012Validator

    return [
        f"{'/'.join(str(step) for step in error.absolute_path) or 'table'}: {error.message}"
        for error in Draft202012Validator(schema).iter_errors(document)
    ]


def digest_problems(document: Mapping[str, Any]) -> list[str]:
    """Digests that do not follow from the document; it has to have the shape of a table."""
    try:
        content, whole = content_digest(document), digest(document)
    except (ValueError, RecursionError) as error:
        return [f"table: has no canonical form ({error})"]
    found = []
    if document["content_digest"] != content:
        found.append("content_digest: the content was changed after it was written")
    if document["digest"] != whole:
        found.append("digest: the table was changed after it was written")
    return found


def pretty(document: Mapping[str, Any]) -> str:
    """The document as a file: sorted keys, two spaces, one final newline."""
    return json.dumps(document, sort_keys=True, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
