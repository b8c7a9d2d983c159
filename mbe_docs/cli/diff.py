"""`mbe-docs diff`: what changed between two models."""

from __future__ import annotations

import datetime
from pathlib import Path

import click

from mbe_docs.cli.output import project_option, write_text

FAIL_ON = ("regressed", "inferior", "inconclusive", "any-change", "never")


@click.command("diff")
@click.argument("names", nargs=-1, metavar="OLD NEW | --baseline [SUBJECT]")
@click.option("--baseline", is_flag=True, help="Compare what was blessed with what was measured since.")
@click.option("--behavior", "behaviors", multiple=True, help="Only this behavior; may be repeated.")
@click.option(
    "--slice", "by", metavar="KEY[=VALUE]", default=None, help="Compare slices, not whole behaviors."
)
@click.option(
    "--format",
    "form",
    default="text",
    show_default=True,
    envvar="MBE_DOCS_DIFF_FORMAT",
    help="text, markdown, json-v1, github, sarif or junit.",
)
@click.option(
    "--fail-on",
    type=click.Choice(FAIL_ON),
    default=None,
    help="What counts as a finding; by default what the policy says, which is regressed.",
)
@click.option("--require-decided", is_flag=True, help="Undecided and not comparable count as findings, too.")
@click.option(
    "--today",
    type=click.DateTime(["%Y-%m-%d"]),
    default=None,
    metavar="DATE",
    help="The day on which exceptions are judged; by default that of the newest run.",
)
@click.option("-o", "--output", default="-", help="File to write, or - for stdout.")
@project_option
def command(
    names: tuple[str, ...],
    baseline: bool,
    behaviors: tuple[str, ...],
    by: str | None,
    form: str,
    fail_on: str | None,
    require_decided: bool,
    today: datetime.datetime | None,
    output: str,
    root: Path | None,
) -> int:
    """Compare OLD with NEW: snapshots, variants, aliases or ALIAS@DATE, measured on the same samples.

    Exit 0: nothing that counts. 1: findings at or above --fail-on. 2: could not be compared at all.
    """
    from mbe_docs.project import Project
    from mbe_docs.registry.gate import Gate

    if baseline and len(names) > 1:
        raise click.UsageError("--baseline takes one SUBJECT, or none")
    if not baseline and len(names) != 2:
        raise click.UsageError("write two models, OLD and NEW; or --baseline")
    project = Project.find(root)
    policy = project.config.policy
    gate = Gate(
        fail_on=fail_on or policy.fail_on,  # type: ignore[arg-type]  # click has checked the word
        require_decided=require_decided or policy.require_decided,
        today=today.date() if today else None,
    )
    if baseline:
        outcome = project.diff_baseline(names[0] if names else None, behaviors=behaviors, by=by, gate=gate)
    else:
        outcome = project.diff(names[0], names[1], behaviors=behaviors, by=by, gate=gate)
    write_text(output, project.report(outcome, form))
    return outcome.exit_code
