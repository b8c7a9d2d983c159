"""Printing, the same in every command: findings to stderr, the product to stdout, both safe to show."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import click

from mbe_docs.records.findings import Finding
from mbe_docs.text import terminal_safe

F = TypeVar("F", bound=Callable[..., object])

project_option = click.option(
    "--project",
    "root",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    help="Project folder; by default the nearest one upwards that has behaviors/.",
)
"""Where the registry is; the same flag on every command."""


def write_text(path: str, text: str) -> None:
    """To a file, whole or not at all, or to stdout for `-`."""
    if path == "-":
        click.echo(text, nl=not text.endswith("\n"))
        return
    target = Path(path)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    temporary.write_text(text, encoding="utf-8")
    temporary.replace(target)


def print_findings(findings: Iterable[Finding]) -> None:
    """Every finding on stderr, in order of place."""
    colours = {"error": "red", "warning": "yellow", "note": "blue"}
    for finding in sorted(findings, key=Finding.sort_key):
        place = click.style(terminal_safe(str(finding.at), one_line=True), bold=True)
        word = click.style(f"{finding.code} {finding.severity}", fg=colours[finding.severity])
        click.echo(f"{place}: {word}: {terminal_safe(finding.problem)}", err=True)
        click.echo(f"  fix: {terminal_safe(finding.fix)}", err=True)


def counted_findings(findings: Iterable[Finding]) -> str:
    """`2 errors, 1 warning`."""
    words = [finding.severity for finding in findings]
    parts = [
        f"{words.count(name)} {name}{'s' if words.count(name) != 1 else ''}"
        for name in ("error", "warning", "note")
        if name in words
    ]
    return ", ".join(parts) or "nothing to report"
