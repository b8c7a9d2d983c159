"""`mbe-docs diff`: what changed between two models."""

from __future__ import annotations

from pathlib import Path

import click

from mbe_docs.cli.output import print_findings, project_option, write_text


@click.command("diff")
@click.argument("old")
@click.argument("new")
@click.option("--behavior", "behaviors", multiple=True, help="Only this behavior; may be repeated.")
@click.option("--format", "form", default="text", show_default=True, help="text, markdown or json-v1.")
@click.option(
    "--fail-on",
    type=click.Choice(["regressed", "inconclusive", "any-change", "never"]),
    default="regressed",
    show_default=True,
    help="What counts as a finding.",
)
@click.option("-o", "--output", default="-", help="File to write, or - for stdout.")
@project_option
def command(
    old: str, new: str, behaviors: tuple[str, ...], form: str, fail_on: str, output: str, root: Path | None
) -> int:
    """Compare OLD with NEW: snapshots, variants or aliases, measured on the same samples.

    Exit 0: nothing at or above --fail-on. 1: something. 2: could not be compared at all.
    """
    from mbe_docs.project import Project

    project = Project.find(root)
    outcome = project.diff(old, new, behaviors=behaviors)
    print_findings(outcome.findings)
    write_text(output, project.report(outcome, form))
    return outcome.exit_code(fail_on)
