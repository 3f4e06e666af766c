"""What the request/response pairs of all providers share."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .calls import Call


def date_header(ms: int) -> str:
    return datetime.fromtimestamp(ms // 1000, UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")


def dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def envelope(
    call: Call, url: str, body: dict[str, Any], answer: Any, headers: dict[str, str]
) -> dict[str, Any]:
    host = url.split("/")[2]
    return {
        "request": {
            "method": "POST",
            "url": url,
            "headers": {
                "content-type": "application/json",
                "host": host,
                "x-hf-team": call.team,
                "x-hf-session": call.session,
            },
            "body": body,
        },
        "response": {
            "status": call.error[0] if call.error else 200,
            "headers": {"date": date_header(call.start_ms + call.latency_ms), **headers},
            "body": answer,
        },
    }
