"""Printing, the same in every command: findings to stderr, the product to stdout, both safe to show."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TypeVar

import click

from mbe_docs.errors import MbeDocsError
from mbe_docs.records.findings import Finding
from mbe_docs.text import terminal_safe

F = TypeVar("F", bound=Callable[..., object])

project_option = click.option(
    "--project",
    "root",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    envvar="MBE_DOCS_PROJECT",
    help="Project folder; by default the nearest one upwards that has behaviors/.",
)
"""Where the registry is; the same flag on every command."""


def write_text(path: str, text: str) -> None:
    """To a file, whole or not at all, or to stdout for `-`."""
    text = _escaped(text)
    if path == "-":
        click.echo(text, nl=not text.endswith("\n"))
        return
    target = Path(path)
    temporary = target.with_name(f".{target.name}.{os.getpid()}.tmp")
    temporary.write_text(text, encoding="utf-8", newline="\n")
    temporary.replace(target)


def _escaped(text: str) -> str:
    """The text with what a terminal would act on as JSON escapes: a report format may let it through.

    In JSON such a character can only be part of a string, where its escape means the same.
    """
    if terminal_safe(text) == text:
        return text
    return "".join(
        json.dumps(char)[1:-1] if char != "\n" and terminal_safe(char) != char else char for char in text
    )


def is_quiet() -> bool:
    """Whether `--quiet` was given."""
    context = click.get_current_context(silent=True)
    return bool(context and (context.find_root().obj or {}).get("quiet"))


def is_verbose() -> bool:
    """Whether `--verbose` was given."""
    context = click.get_current_context(silent=True)
    return bool(context and (context.find_root().obj or {}).get("verbose"))


def say(text: str) -> None:
    """A line about the run on stderr; nothing if quiet."""
    if not is_quiet():
        click.echo(terminal_safe(text), err=True)


def print_findings(findings: Iterable[Finding]) -> None:
    """Every finding on stderr, in order of place; only errors if quiet.

    A line that a log smuggled into a text is indented, so that it cannot pass for a finding of ours.
    """
    colours = {"error": "red", "warning": "yellow", "note": "blue"}
    quiet = is_quiet()
    for finding in sorted(findings, key=Finding.sort_key):
        if quiet and finding.severity != "error":
            continue
        place = click.style(terminal_safe(str(finding.at), one_line=True), bold=True)
        word = click.style(f"{finding.code} {finding.severity}", fg=colours[finding.severity])
        click.echo(f"{place}: {word}: {_indented(finding.problem)}", err=True)
        click.echo(f"  fix: {_indented(finding.fix)}", err=True)


def print_error(error: MbeDocsError) -> None:
    """Why nothing could be done, on stderr; a line that comes with a value is indented, as in findings."""
    place = f"{terminal_safe(str(error.at), one_line=True)}: " if error.at else ""
    click.echo(f"{place}{_indented(error.problem)}", err=True)
    if error.fix:
        click.echo(f"  fix: {_indented(error.fix)}", err=True)


def _indented(text: str) -> str:
    """Safe for a terminal, every line but the first indented."""
    return terminal_safe(text).replace("\n", "\n    ")


def counted_findings(findings: Iterable[Finding]) -> str:
    """`2 errors, 1 warning`."""
    words = [finding.severity for finding in findings]
    parts = [
        f"{words.count(name)} {name}{'s' if words.count(name) != 1 else ''}"
        for name in ("error", "warning", "note")
        if name in words
    ]
    return ", ".join(parts) or "nothing to report"
