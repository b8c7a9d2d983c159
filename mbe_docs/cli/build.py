"""`mbe-docs build`: evidence and notes into registry.json, Markdown and a site."""

from __future__ import annotations

from pathlib import Path

import click

from mbe_docs.cli.engines import engine_options, spark_settings
from mbe_docs.cli.output import counted_findings, print_findings, project_option


@click.command("build")
@click.option("--pages-only", is_flag=True, help="Write registry.json and Markdown, run no site generator.")
@engine_options("Where scores are added up")
@project_option
def command(pages_only: bool, engine: str, conf: tuple[str, ...], root: Path | None) -> int:
    """Build the registry, its pages and the site. The previous site stays whole until the new one is ready.

    Exit 1 if a note is wrong: nothing is published then.
    """
    from mbe_docs.project import Project

    project = Project.find(root)
    if (settings := spark_settings(engine, conf)) is not None:
        from mbe_docs.evidence.spark import on_spark, start

        project.engine = on_spark(start(settings))
    result = project.build(pages_only=pages_only)
    print_findings(result.findings)
    if not result.published:
        click.echo(f"not built: {counted_findings(result.findings)}", err=True)
        return 1
    click.echo(f"{result.pages} pages from {result.runs} runs: {result.where}")
    return 0
