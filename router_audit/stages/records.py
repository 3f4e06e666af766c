"""Stored requests as the prompt records that labellers and classifiers read."""

from __future__ import annotations

from typing import Any

import msgspec


def prompt_record(row: dict[str, Any]) -> dict[str, Any]:
    """A stored request as a prompt record: `{"system"?, "messages", "tools"?, "response_format"?}`."""
    record: dict[str, Any] = {"messages": msgspec.json.decode(row["messages"])}
    if row["system"]:
        record["system"] = row["system"]
    if tools := msgspec.json.decode(row["tools"]):
        record["tools"] = tools
    if row["response_format"]:
        record["response_format"] = msgspec.json.decode(row["response_format"])
    return record
