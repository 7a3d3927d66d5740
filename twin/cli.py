"""The command `heatloop`: its sub-commands, and what the user sees when something is wrong.

A mistake in what was handed to heatloop (a site, a file, an option) ends with one paragraph on stderr that says what
was wrong, where, and what to do, and exit code 2; :mod:`twin.mistakes` says what counts as one. Anything else is a
defect of heatloop: it shows its traceback, exit code 1. ``--debug``, anywhere on the line, shows the traceback of the
first kind as well.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from twin.commands import bench, field, maps, operate, runs, sites
from twin.mistakes import explain, is_expected

EXIT_USER_ERROR = 2

app = typer.Typer(
    name="heatloop",
    help="Digital twin and optimal control of liquid-cooled GPU data centres that give their heat away.",
    epilog="SITE is the name of a shipped site (heatloop sites) or the path of a site file. "
    "Every command has its own --help.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"heatloop {version('heatloop')}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version and stop.", callback=_show_version, is_eager=True)
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error; allowed anywhere.")] = False,
) -> None:
    """Options of all commands; their values are read before this runs."""


app.command("sites")(sites.sites)
app.command("check")(sites.check)
app.command("draw")(sites.draw)
app.command("signals")(sites.signals)
app.command("simulate")(runs.simulate)
app.command("study")(runs.study)
app.command("report")(runs.report)
app.command("demo")(runs.demo)
app.command("run")(field.run)
app.command("override")(operate.override)
app.command("command")(operate.command)
app.command("alarms")(operate.alarms)
app.command("mode")(operate.mode)
app.command("journal")(operate.journal)
field.hil.command("test")(bench.run_tests)
field.hil.command("faults")(bench.faults)
field.hil.command("proxy")(bench.proxy)
app.add_typer(field.hil, name="hil")
app.add_typer(maps.maps, name="map")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line (default: ``sys.argv``) and exit: 0, 1 for a defect, 2 for a user's mistake."""
    asked = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in asked
    try:
        app([word for word in asked if word != "--debug"], prog_name="heatloop")
    except Exception as error:
        if debug or not is_expected(error):
            raise
        typer.echo(f"heatloop: {explain(error)}", err=True)
        sys.exit(EXIT_USER_ERROR)


if __name__ == "__main__":
    main()
