"""The options that commands share, spelled once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Paths = Annotated[
    list[str],
    typer.Argument(help="Log files, folders or globs; `-` reads standard input.", show_default=False),
]
Db = Annotated[
    Path | None,
    typer.Option(
        "--db",
        help="The store, one DuckDB file.  [env: ROUTER_AUDIT_DB; default: router_audit.duckdb]",
        show_default=False,
    ),
]
Wait = Annotated[
    float, typer.Option("--wait", help="Seconds to wait for a store that another process holds.", min=0)
]
Json = Annotated[
    bool, typer.Option("--json", help="Print the typed result on stdout, everything else on stderr.")
]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="No progress and no summary; errors still show.")]
Last = Annotated[
    int | None, typer.Option("--last", help="Only the last N requests by time.", min=1, show_default=False)
]
EncoderName = Annotated[
    str | None,
    typer.Option(
        "--encoder",
        help="`minilm` (in the package), `static`, a local model folder, or a hub name.",
        show_default=False,
    ),
]
