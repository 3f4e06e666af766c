"""Exit codes and error lines: 0 done, 1 a check failed, 2 an error the user can mend, 130 interrupted."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import typer
from typer.core import TyperGroup

from router_audit.errors import CheckFailed, UserError

if TYPE_CHECKING:
    from collections.abc import Sequence

CHECK_FAILED = 1
USER_ERROR = 2
INTERRUPTED = 130


class ExitCodes(TyperGroup):
    """Turns every error a user can mend into one line and its exit code, for the script and for test runners."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        """Run the command line; see `typer.Typer`. Exits unless `standalone_mode` is off."""
        words = list(sys.argv[1:] if args is None else args)
        as_json = "--json" in words
        try:
            code = super().main(
                args=words,
                prog_name=prog_name,
                complete_var=complete_var,
                standalone_mode=False,
                windows_expand_args=windows_expand_args,
                **extra,
            )
        except UserError as error:
            found = error.problems if isinstance(error, CheckFailed) else ()
            _fail(error.kind, error.message, error.where, _code(error), as_json=as_json, problems=found)
        except typer.TyperException as error:
            if not words:
                typer.echo(error.format_message(), err=True)
                sys.exit(USER_ERROR)
            _fail("usage", error.format_message(), "", USER_ERROR, as_json=as_json)
        except typer.Abort:
            typer.echo("Interrupted: what was finished is kept, nothing is half-written.", err=True)
            sys.exit(INTERRUPTED)
        except BrokenPipeError:
            sys.stderr.close()
            sys.exit(0)
        except OSError as error:
            _fail(
                "input", error.strerror or str(error), str(error.filename or ""), USER_ERROR, as_json=as_json
            )
        except Exception as error:
            if type(error).__module__.partition(".")[0] not in {"duckdb", "_duckdb"}:
                raise
            _fail("store", str(error).splitlines()[0], "", USER_ERROR, as_json=as_json)
        if code == INTERRUPTED:
            typer.echo("Interrupted: what was finished is kept, nothing is half-written.", err=True)
        if standalone_mode:
            sys.exit(code if isinstance(code, int) else 0)
        return code


def _code(error: UserError) -> int:
    return CHECK_FAILED if isinstance(error, CheckFailed) else USER_ERROR


def _fail(
    kind: str, message: str, where: str, code: int, *, as_json: bool, problems: tuple[str, ...] = ()
) -> NoReturn:
    line = f"{where}: {message}" if where else message
    if as_json:
        listed = {"problems": list(problems)} if problems else {}
        typer.echo(json.dumps({"error": {"kind": kind, "message": message, "where": where, **listed}}))
    typer.echo(f"Error: {' '.join(line.split())}", err=True)
    sys.exit(code)
