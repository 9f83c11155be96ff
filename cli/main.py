"""Entry point of the command: finds the sub-command and imports only what that one needs."""

import os
import sys
from importlib import import_module
from typing import Annotated, Literal

import typer
from typer.core import TyperCommand, TyperGroup

from cli import language

GROUPS = {
    "db": ("cli.db", "Create or migrate the database."),
    "roster": ("cli.roster.commands", "Check and import rosters."),
    "cycle": ("cli.cycle.commands", "Plan, launch and steer a yearly cycle."),
    "letters": ("cli.letters", "See every kind of letter."),
    "mail": ("cli.mail.commands", "The outbox: deliver, status, certificate."),
    "audit": ("cli.audit", "The audit, step by step, and its verification."),
    "trail": ("cli.trail", "Verify the record of all changes."),
    "export": ("cli.export", "Results for people and for other systems."),
}
COMMANDS = {
    "backup": ("cli.machine.backup", "Copy the database, the secret and the settings, while everything runs."),
    "restore": ("cli.machine.restore", "Put a backup in place; no letter goes out before you say so."),
    "serve": ("cli.machine.serve", "Run everything on one machine."),
    "simulate": ("cli.show.simulate", "A whole year on the virtual clock, in a throwaway database."),
    "demo": ("cli.show.demo", "One year of an example agency for real, with robots for people."),
}


OWN_FILES = ("serve", "demo", "db", "mail", "roster", "cycle")
"""Commands that write into the installation's own folder; what others write is meant for somebody."""


_only_listed: list[bool] = []
"""Not empty in a process that only lists the commands: none of them is imported then."""


class Lazy(TyperGroup):
    """Lists all commands without importing them: `--help` answers at once."""

    def list_commands(self, ctx: object) -> list[str]:
        return sorted([*GROUPS, *COMMANDS])

    def get_command(self, ctx: object, cmd_name: str) -> object:  # type: ignore[override]
        if cmd_name not in GROUPS and cmd_name not in COMMANDS:
            return None
        module, words = (GROUPS | COMMANDS)[cmd_name]
        if _only_listed:
            return TyperCommand(cmd_name, help=words)
        command = typer.main.get_command(import_module(module).app)
        command.name, command.help = cmd_name, command.help or words
        return command


app = typer.Typer(
    cls=Lazy, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="Workflow engine for the yearly appraisal cycles of civil servants (ASN).",
)  # fmt: skip


@app.callback()
def _root(
    locale: Annotated[
        Literal["id", "en", ""],
        typer.Option(help="Language: id or en, behind any command; else APPRAISAL_LOCALE."),
    ] = "",
) -> None:
    language.choose(locale)


def main() -> None:
    """Run the command; bad input ends in one plain message and exit code 2, never in a traceback."""
    from cli.machine import loopback
    from cli.refusals import explain
    from private_files import UMASK

    loopback.spare(os.environ)
    if sys.argv[1:2] and sys.argv[1] in OWN_FILES:
        os.umask(UMASK)
    try:
        app(args=language.hoist(sys.argv[1:]))
    except Exception as refused:
        if (said := explain(refused)) is None:
            raise
        typer.secho(said, err=True, fg=typer.colors.RED)
        raise SystemExit(2) from None


if __name__ == "__main__":
    main()
