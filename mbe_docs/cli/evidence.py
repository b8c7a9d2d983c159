"""`mbe-docs evidence`: what is stored."""

from __future__ import annotations

from pathlib import Path

import click

from mbe_docs.cli.output import print_findings, project_option
from mbe_docs.text import terminal_safe


@click.group("evidence")
def command() -> None:
    """List what is stored, check its checksums."""


@command.command("list")
@project_option
def list_runs(root: Path | None) -> int:
    """Every run in the store, one a line."""
    from mbe_docs.project import Project

    for stored in Project.find(root).store.runs():
        run = stored.run
        word = "superseded" if stored.superseded_by else run.status
        date = (run.started_at or "unknown")[:10]
        click.echo(
            terminal_safe(
                f"{run.run_key}  {word:<10} {date}  {run.task}  {run.model_requested}", one_line=True
            )
        )
    return 0


@command.command("verify")
@project_option
def verify(root: Path | None) -> int:
    """Check the checksum of everything stored; exit 1 if something is damaged."""
    from mbe_docs.project import Project

    findings = Project.find(root).store.verify()
    print_findings(findings)
    click.echo(f"{len(findings)} damaged" if findings else "whole")
    return int(bool(findings))
