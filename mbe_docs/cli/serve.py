"""`mbe-docs serve`: live preview."""

from __future__ import annotations

from pathlib import Path

import click

from mbe_docs.cli.output import print_findings, project_option, say


@click.command("serve")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option(
    "--port", default=8000, show_default=True, type=click.IntRange(0, 65535), help="Port; 0 picks one."
)
@click.option(
    "--interval",
    default=0.5,
    show_default=True,
    type=click.FloatRange(0, min_open=True),
    help="Seconds between looks at the files.",
)
@project_option
def command(host: str, port: int, interval: float, root: Path | None) -> int:
    """Build, serve the site, and build again when a note, template, log or setting changes."""
    from mbe_docs.project import Project

    Project.find(root).serve(host=host, port=port, interval=interval, say=say, report=print_findings)
    return 0
