"""Answers that must be JSON: valid, of the schema, and equal field by field."""

from __future__ import annotations

import re
from typing import Any

from router_audit.graders.normal import as_json, same_value
from router_audit.types.grading import Abstained, Grade, Reply, Task

LONG_TEXT_WORDS = 12
"""A field of more words is prose: it can be right in other words, and somebody has to read it."""


class Fields:
    """Decides where the request demanded JSON, or the incumbent answered in JSON."""

    name = "json"

    def grade(self, task: Task, incumbent: Reply, candidate: Reply) -> Grade | Abstained:
        """Not JSON or not of the schema fails, for either answer; equal fields are good, others are not."""
        reference, theirs = _read(incumbent, task.schema)
        if task.schema is None and (theirs or not isinstance(reference, dict | list)):
            return Abstained("no JSON was demanded, and the incumbent wrote none")
        if not theirs and _prose(reference):
            return Abstained("a field holds prose")
        value, ours = _read(candidate, task.schema)
        if ours or theirs:
            reason = f"candidate {ours or 'valid'}, incumbent {theirs or 'valid'}"
            return Grade(candidate_ok=False, incumbent_ok=not theirs, grader=self.name, reason=reason)
        same = same_value(reference, value)
        return Grade(
            candidate_ok=same, incumbent_ok=True, grader=self.name, reason="" if same else "fields differ"
        )


def _read(reply: Reply, schema: dict[str, Any] | None) -> tuple[Any, str]:
    """(value, what is wrong with it); wrong is empty for a valid one."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    try:
        value = as_json(reply.text)
    except ValueError:
        return None, "not JSON"
    try:
        Draft202012Validator.check_schema(schema or {})
        # An empty registry: a schema in a log may name an address, and nothing is fetched from it.
        checker = Draft202012Validator(schema or {}, registry=Registry())
        error = next(iter(checker.iter_errors(value)), None)
    except (SchemaError, Unresolvable, RecursionError, re.error):
        return value, ""  # the schema itself is at fault: nothing can be held against an answer
    return value, f"not of the schema ({error.message[:80]})" if error else ""


def _prose(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_prose(inner) for inner in value.values())
    if isinstance(value, list):
        return any(_prose(inner) for inner in value)
    return isinstance(value, str) and len(value.split()) > LONG_TEXT_WORDS
