"""`mbe-docs init`: start a registry in a folder."""

from __future__ import annotations

from pathlib import Path

import click

from mbe_docs.cli.output import say


@click.command("init")
@click.argument("path", type=click.Path(file_okay=False, path_type=Path), default=Path())
@click.option("--title", default=None, help="Title of the site; by default the folder's name.")
def command(path: Path, title: str | None) -> int:
    """Start a registry in PATH: settings, closed lists, and templates of a behavior, a quirk and a model.

    Files that are there already are left as they are.
    """
    from mbe_docs.project import Project

    written, kept = Project.init(path, title=title)
    for name in written:
        click.echo(f"wrote {name}")
    for name in kept:
        say(f"kept  {name}")
    say(f"Next: cd {path} && mbe-docs ingest LOGS && mbe-docs check && mbe-docs build")
    return 0
