"""`mbe-docs bless`: pin what is measured as the baseline."""

from __future__ import annotations

from pathlib import Path

import click

from mbe_docs.cli.output import project_option, say
from mbe_docs.text import terminal_safe


@click.command("bless")
@click.argument("subjects", nargs=-1, required=True, metavar="SUBJECT…")
@click.option("--reason", required=True, help="Why this is what later runs are held against.")
@click.option("--behavior", "behaviors", multiple=True, help="Only this behavior; may be repeated.")
@click.option("--dry-run", is_flag=True, help="Say what would be blessed; write nothing.")
@project_option
def command(
    subjects: tuple[str, ...], reason: str, behaviors: tuple[str, ...], dry_run: bool, root: Path | None
) -> int:
    """Pin the runs of SUBJECT… in behaviors/baseline.json, for `mbe-docs diff --baseline`.

    The baseline moves by this command only: newer runs are compared with it, and never replace it.
    """
    from mbe_docs.project import Project
    from mbe_docs.registry.wording import interval_text, n_text, value_text

    done = Project.find(root).bless(subjects, reason=reason, behaviors=behaviors, dry_run=dry_run)
    for blessing in done:
        entry, before = blessing.entry, blessing.before
        rate = f"{value_text(entry.rate, blessing.unit)} {interval_text(entry.rate, blessing.unit)}"
        rate += f", {n_text(entry.n_samples, entry.n_attempts)}"
        word = "kept   " if entry is before else "blessed"
        was = f"; before: {value_text(before.rate, blessing.unit)}" if before and entry is not before else ""
        line = f"{word} {entry.behavior} on {entry.subject}: {rate}{was}"
        click.echo(terminal_safe(line, one_line=True))
    is_new = any(blessing.entry is not blessing.before for blessing in done)
    say("commit behaviors/baseline.json" if is_new and not dry_run else "nothing was written")
    return 0
