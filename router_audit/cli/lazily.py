"""Commands that are imported when they are run: twenty of them would cost more than all the help they show."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

import typer

from router_audit.cli.errors import ExitCodes

if TYPE_CHECKING:
    from collections.abc import Mapping


class Commands(ExitCodes):
    """A group whose members are imported one by one."""

    table: ClassVar[Mapping[str, str]]
    """Command to its one line of help."""

    def list_commands(self, ctx: Any) -> list[str]:
        """The names, in the order a newcomer needs them."""
        return list(self.table)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """The command, built from its module; None where there is no such name."""
        if cmd_name not in self.table:
            return None
        if cmd_name not in self.commands:
            self.commands[cmd_name] = command(cmd_name)
        return self.commands[cmd_name]

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """The table of commands, without importing one of them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(self.table.items()))


def command(name: str) -> Any:
    """The command `name` of its module `router_audit.cli.NAME`: a function with an EXAMPLE, or a group `app`."""
    attribute = name.replace("-", "_")
    module = import_module(f"router_audit.cli.{attribute}")
    if hasattr(module, "app"):
        made = typer.main.get_command(module.app)
    else:
        alone = typer.Typer(
            rich_markup_mode=None,
            pretty_exceptions_enable=False,
            add_completion=False,
            context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
        )
        alone.command(name, epilog=module.EXAMPLE)(getattr(module, attribute))
        made = typer.main.get_command(alone)
    made.name = name
    return made
