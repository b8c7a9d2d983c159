"""`mbe-docs ingest`: read eval logs into the evidence store."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from mbe_docs.cli.engines import engine_options, spark_settings
from mbe_docs.cli.output import is_quiet, is_verbose, print_findings, project_option, say
from mbe_docs.text import terminal_safe

if TYPE_CHECKING:
    from mbe_docs.project.ingest import Advance, Engine, IngestSummary, Progress
    from mbe_docs.project.reading import FileResult
    from mbe_docs.project.watching import Watch


@click.command("ingest")
@click.argument("paths", nargs=-1, required=True, metavar="PATH…")
@click.option(
    "--mapping",
    "mappings",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Mapping file for tables, besides those in behaviors/mappings/; may be repeated.",
)
@click.option(
    "--jobs",
    type=click.IntRange(min=1),
    default=None,
    help="Processes to read with; by default one for each processor. Few logs are read by one.",
)
@engine_options("Where logs are read")
@click.option("--dry-run", is_flag=True, help="Say what would be taken from each file; write nothing.")
@click.option("--watch", is_flag=True, help="Go on reading logs as they appear, until interrupted.")
@click.option(
    "--interval",
    type=click.FloatRange(min=0.01),
    default=2.0,
    show_default=True,
    help="Seconds between two looks of --watch.",
)
@click.option("--allow-unreadable", is_flag=True, help="Exit 0 even if a log could not be read.")
@click.option("--allow-empty", is_flag=True, help="Exit 0 even if no log was found.")
@project_option
def command(
    paths: tuple[str, ...],
    mappings: tuple[Path, ...],
    jobs: int | None,
    engine: str,
    conf: tuple[str, ...],
    dry_run: bool,
    watch: bool,
    interval: float,
    allow_unreadable: bool,
    allow_empty: bool,
    root: Path | None,
) -> int:
    """Read logs from PATH…: files, folders or globs. Known files are not read again.

    Every file that was left out is named with the reason. Exit 1 if one of them looked like a log, 2 if
    nothing was found.
    """
    from mbe_docs.project import Project

    if watch and dry_run:
        raise click.UsageError("--watch and --dry-run exclude each other")
    project = Project.find(root)
    reading = _reading(engine, conf, jobs)
    if watch:
        summary = _watched(project.watch(paths, mappings=mappings, engine=reading), interval)
    else:
        with _progress(quiet=is_quiet()) as advance:
            summary = project.ingest(
                paths, mappings=mappings, dry_run=dry_run, engine=reading, advance=advance
            )
        print_findings(summary.findings)
        print_files(summary, everything=dry_run or is_verbose())
    print_counts(summary, "would be read" if dry_run else "read")
    if summary.found_nothing:
        if allow_empty:
            return 0
        click.echo(terminal_safe(f"no log was found in {', '.join(paths)}", one_line=True), err=True)
        click.echo("  fix: name files, folders or globs of logs; --allow-empty if none is fine", err=True)
        return 2
    return 0 if allow_unreadable or not summary.skipped_logs else 1


def _watched(watch: Watch, interval: float) -> IngestSummary:
    """What was read until somebody interrupted, each look said at once."""
    say(f"looking for logs every {interval:g} s; Ctrl-C ends it")
    try:
        while True:
            summary = watch.look()
            print_findings(summary.findings)
            print_files(summary, everything=is_verbose())
            sys.stdout.flush()
            time.sleep(interval)
    except KeyboardInterrupt:
        return watch.total


def _reading(engine: str, conf: tuple[str, ...], jobs: int | None) -> Engine:
    settings = spark_settings(engine, conf)
    if settings is None:
        from mbe_docs.project.ingest import local

        return local(jobs or processors())
    from mbe_docs.project.cluster import spark

    if jobs:
        raise click.UsageError("--jobs is for this machine; Spark has its own settings")
    return spark(settings)


def processors() -> int:
    """Processors that this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def print_files(summary: IngestSummary, *, everything: bool = False) -> None:
    """A line for each file that was read or left out; with `everything` for those that were known, too."""
    for result in summary.files:
        if everything or result.outcome != "known":
            click.echo(terminal_safe(_line(result), one_line=True))


def print_counts(summary: IngestSummary, word: str = "read") -> None:
    """What it all came to, in one line."""
    click.echo(
        f"{summary.count('read')} {word}, {summary.count('known')} known already, "
        f"{summary.count('refused')} not readable, {summary.count('ignored')} other files; "
        f"{summary.observations:,} scores from {summary.runs:,} runs"
    )


def _line(result: FileResult) -> str:
    if result.outcome == "known":
        return f"· {result.uri}: known already"
    if result.outcome == "read":
        return f"✓ {result.uri}: {result.runs} runs, {result.observations:,} scores ({result.source})"
    return f"{'✗' if result.is_skipped_log else '·'} {result.uri}: {result.reason}"


class _progress:  # noqa: N801  a context manager used like a function
    """A bar on a terminal, nothing elsewhere: no control characters in logs of a build."""

    def __init__(self, *, quiet: bool) -> None:
        self.quiet = quiet or not sys.stderr.isatty()

    def __enter__(self) -> Advance | None:
        if self.quiet:
            return None
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            DownloadColumn,
            Progress,
            TimeRemainingColumn,
            TransferSpeedColumn,
        )

        self.bar = Progress(
            "{task.fields[files]} files",
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self.bar.start()
        self.task = self.bar.add_task("", total=None, files="0")
        return self._show

    def _show(self, done: Progress) -> None:
        files = f"{done.files:,} of {done.all_files:,}"
        self.bar.update(self.task, completed=done.bytes, total=done.all_bytes, files=files)

    def __exit__(self, *_: object) -> None:
        if not self.quiet:
            self.bar.stop()
