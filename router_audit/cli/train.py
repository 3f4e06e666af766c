"""`router-audit train`."""

from __future__ import annotations

from router_audit.cli.options import Db, EncoderName, Json, Last, Quiet, Wait
from router_audit.cli.output import opened, output

EXAMPLE = "Example: router-audit train"


def train(
    *,
    db: Db = None,
    last: Last = None,
    encoder: EncoderName = None,
    wait: Wait = 0.0,
    json: Json = False,
    quiet: Quiet = False,
) -> None:
    """Train the classifier on the labels, measure it on templates it has not seen, and tag all traffic with it."""
    from router_audit.cli.show import show_training
    from router_audit.stages import train as stage

    with output(json=json, quiet=quiet) as out, opened(db, wait) as store:
        result = stage.train(store, stage.TrainOptions(last=last, encoder=encoder), out.progress)
        out.result(result, lambda console: show_training(console, result))
