"""The `mbe-docs` command: finds the sub-command, turns errors into exit codes."""

from __future__ import annotations

import importlib
import io
import logging
import os
import sys
import traceback
import warnings
from typing import Final

import click

from mbe_docs import __version__
from mbe_docs.errors import MbeDocsError
from mbe_docs.text import terminal_safe

COMMANDS: Final = {
    "init": "Start a registry in a folder.",
    "ingest": "Read eval logs into the evidence store.",
    "check": "Say everything that is wrong, at once, with its place and fix.",
    "build": "Evidence and notes into registry.json, pages and a site.",
    "serve": "Live preview; rebuilds when something changes.",
    "diff": "What changed between two models; exit 0, 1 or 2.",
    "bless": "Pin what is measured as the baseline of later diffs.",
    "evidence": "What is stored: list, show, verify, compact, forget.",
}
ISSUES: Final = "the project's issue tracker"


class _Commands(click.Group):
    """Sub-commands are imported when they run: `--help` stays fast."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        if ctx.resilient_parsing:
            return click.Command(cmd_name, help=COMMANDS[cmd_name])
        return importlib.import_module(f"mbe_docs.cli.{cmd_name}").command  # type: ignore[no-any-return]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "MBE_DOCS"},
    epilog="Exit codes: 0 nothing to report, 1 findings, 2 could not run.",
)
@click.version_option(__version__, prog_name="mbe-docs")
@click.option("-q", "--quiet", is_flag=True, help="Nothing on stderr but errors.")
@click.option("-v", "--verbose", count=True, help="Say more; twice says every decision.")
@click.pass_context
def cli(ctx: click.Context, quiet: bool, verbose: int) -> None:
    """Behavior cards, quirk catalogues and upgrade diffs for AI models, from eval logs and notes."""
    ctx.obj = {"quiet": quiet, "verbose": verbose}
    level = logging.ERROR if quiet else (logging.WARNING, logging.INFO, logging.DEBUG)[min(verbose, 2)]
    if os.environ.get("NO_COLOR"):
        ctx.color = False
    elif os.environ.get("FORCE_COLOR"):
        ctx.color = True
    if not (verbose or sys.warnoptions):
        warnings.simplefilter("ignore")  # those of libraries: nothing that a user of ours could act on
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_SafeFormatter("%(message)s"))
    logger = logging.getLogger("mbe_docs")
    logger.handlers = [handler]
    logger.setLevel(level)
    logger.propagate = False


class _SafeFormatter(logging.Formatter):
    """Names of files and logs are nothing a terminal should act on."""

    def format(self, record: logging.LogRecord) -> str:
        return terminal_safe(super().format(record)).replace("\n", "\n    ")


def main() -> None:
    """Entry point: 0 nothing to report, 1 findings, 2 could not run."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a character that the terminal has not is no reason to stop
            stream.reconfigure(errors="backslashreplace")
    sys.exit(_exit_code())


def _exit_code() -> int:
    try:
        result = cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        return 130
    except click.ClickException as error:
        error.show()
    except MbeDocsError as error:
        from mbe_docs.cli.output import print_error

        print_error(error)
    except (BrokenPipeError, SystemExit):  # click exits by itself where nobody reads stdout any more
        pass
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        click.echo(terminal_safe(f"{place}{error.strerror or error}", one_line=True), err=True)
        click.echo("  fix: mend the path or its permissions, or make room on the disk", err=True)
        _trace()
    except Exception as error:  # the last stop: a bug is said in one line, with the trace on request
        said = "; ".join((f"{type(error).__name__}: {error}", *getattr(error, "__notes__", ())))
        click.echo(f"mbe-docs: internal error: {terminal_safe(said, one_line=True)}", err=True)
        click.echo(
            f"  fix: this is a bug; report it to {ISSUES} with the output of `mbe-docs -v …`", err=True
        )
        _trace()
    else:
        return result if isinstance(result, int) else 0
    return 2


def _trace() -> None:
    if any(flag in sys.argv for flag in ("-v", "-vv", "--verbose")):
        click.echo(terminal_safe(traceback.format_exc()), err=True)
