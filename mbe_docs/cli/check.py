"""`mbe-docs check`: everything that is wrong, at once."""

from __future__ import annotations

from pathlib import Path

import click

from mbe_docs.cli.output import counted_findings, print_findings, project_option


@click.command("check")
@click.option(
    "--fail-on",
    type=click.Choice(["error", "warning", "note"]),
    default="error",
    show_default=True,
    help="Exit 1 at findings of this severity or above.",
)
@project_option
def command(fail_on: str, root: Path | None) -> int:
    """Check notes, evidence and the numbers in prose; print every finding with place and fix."""
    from mbe_docs.project import Project

    findings = Project.find(root).check()
    print_findings(findings)
    click.echo(counted_findings(findings))
    order = ["note", "warning", "error"]
    return int(any(order.index(finding.severity) >= order.index(fail_on) for finding in findings))
