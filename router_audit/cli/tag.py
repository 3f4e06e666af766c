"""`router-audit tag`."""

from __future__ import annotations

from router_audit.cli.options import Db, EncoderName, Json, Last, Quiet, Wait
from router_audit.cli.output import opened, output

EXAMPLE = "Example: router-audit tag --last 1000"


def tag(
    *,
    db: Db = None,
    last: Last = None,
    encoder: EncoderName = None,
    wait: Wait = 0.0,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Label stored requests with a task profile: classification, extraction, reasoning or coordination."""
    from router_audit.cli.show import show_tags
    from router_audit.stages import tag as stage

    with output(json=json, quiet=quiet) as out, opened(db, wait) as store:
        result = stage.tag(store, stage.TagOptions(last=last, encoder=encoder), out.progress)
        out.result(result, lambda console: show_tags(console, result))
