"""`mbe-docs ingest`: read eval logs into the evidence store."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mbe_docs.cli.output import is_quiet, print_findings, project_option
from mbe_docs.text import terminal_safe

if TYPE_CHECKING:
    from mbe_docs.project.ingest import Advance, FileResult


@click.command("ingest")
@click.argument("paths", nargs=-1, required=True, metavar="PATH…")
@click.option(
    "--mapping",
    "mappings",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Mapping file for tables, besides those in behaviors/mappings/; may be repeated.",
)
@click.option("--dry-run", is_flag=True, help="Say what would be taken from each file; write nothing.")
@click.option("--allow-unreadable", is_flag=True, help="Exit 0 even if a log could not be read.")
@click.option("--allow-empty", is_flag=True, help="Exit 0 even if no log was found.")
@project_option
def command(
    paths: tuple[str, ...],
    mappings: tuple[Path, ...],
    dry_run: bool,
    allow_unreadable: bool,
    allow_empty: bool,
    root: Path | None,
) -> int:
    """Read logs from PATH…: files, folders or globs. Known files are not read again.

    Exit 1 if something could not be read, 2 if nothing was found.
    """
    from mbe_docs.project import Project

    project = Project.find(root)
    with _progress(quiet=is_quiet()) as advance:
        summary = project.ingest(paths, mappings=mappings, dry_run=dry_run, advance=advance)
    print_findings(summary.findings)
    for result in summary.files:
        if result.outcome in ("read", "refused") or dry_run:
            click.echo(terminal_safe(_line(result), one_line=True))
    word = "would be read" if dry_run else "read"
    click.echo(
        f"{summary.count('read')} {word}, {summary.count('known')} known already, "
        f"{summary.count('refused')} not readable, {summary.count('ignored')} other files; "
        f"{summary.observations:,} scores from {summary.runs:,} runs"
    )
    if not summary.files or summary.count("ignored") == len(summary.files):
        if allow_empty:
            return 0
        click.echo(terminal_safe(f"no log was found in {', '.join(paths)}", one_line=True), err=True)
        click.echo("  fix: name files, folders or globs of logs; --allow-empty if none is fine", err=True)
        return 2
    return 0 if allow_unreadable or not summary.count("refused") else 1


def _line(result: FileResult) -> str:
    if result.outcome == "refused":
        return f"✗ {result.uri}: {result.reason}"
    if result.outcome in ("known", "ignored"):
        return f"· {result.uri}: {result.reason or 'known already'}"
    return f"✓ {result.uri}: {result.runs} runs, {result.observations:,} scores ({result.source})"


class _progress:  # noqa: N801  a context manager used like a function
    """A bar on a terminal, nothing elsewhere: no control characters in logs of a build."""

    def __init__(self, *, quiet: bool) -> None:
        self.quiet = quiet or not sys.stderr.isatty()

    def __enter__(self) -> Advance | None:
        if self.quiet:
            return None
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

        self.bar = Progress(
            "[progress.description]{task.description}",
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self.bar.start()
        self.task = self.bar.add_task("reading", total=None)
        return lambda done, total: self.bar.update(self.task, completed=done, total=total)

    def __exit__(self, *_: object) -> None:
        if not self.quiet:
            self.bar.stop()
