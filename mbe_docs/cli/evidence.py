"""`mbe-docs evidence`: what is stored, and housekeeping."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from mbe_docs.cli.output import print_findings, project_option, say, write_text
from mbe_docs.text import terminal_safe

if TYPE_CHECKING:
    from mbe_docs.evidence.manifest import PartEntry
    from mbe_docs.evidence.store import StoredRun
    from mbe_docs.evidence.trail import Attempt, Trail

format_option = click.option(
    "--format",
    "form",
    type=click.Choice(["text", "json-v1"]),
    default="text",
    show_default=True,
    help="json-v1 is for other programs and never changes its shape.",
)


@click.group("evidence")
def command() -> None:
    """List what is stored, look at one run or sample, check, compact, forget."""


@command.command("list")
@format_option
@project_option
def list_runs(form: str, root: Path | None) -> int:
    """Every run in the store, one a line."""
    from mbe_docs.project import Project

    runs = Project.find(root).store.runs()
    if form == "json-v1":
        _print_json({"runs": [_run_json(stored) for stored in runs]})
        return 0
    for stored in runs:
        run = stored.run
        word = "superseded" if stored.superseded_by else run.status
        date = (run.started_at or "unknown")[:10]
        _print(f"{run.run_key}  {word:<10} {date}  {run.task}  {run.model_requested}")
    return 0


@command.command("show")
@click.argument("run")
@click.argument("sample", required=False)
@format_option
@project_option
def show(run: str, sample: str | None, form: str, root: Path | None) -> int:
    """The facts of RUN, or the way of one SAMPLE through it: every attempt with its scores.

    RUN is a key of `evidence list`, the run's own id, or the beginning of one.
    """
    from mbe_docs.evidence.trail import find_run, trail
    from mbe_docs.project import Project

    store = Project.find(root).store
    stored = find_run(store, run)
    if sample is None:
        if form == "json-v1":
            _print_json({"run": _run_json(stored)})
        else:
            _print_run(stored)
        return 0
    found = trail(store, stored, sample)
    if form == "json-v1":
        _print_json({"run": _run_json(stored), "sample": _trail_json(found)})
    else:
        _print_trail(found)
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


@command.command("compact")
@click.option(
    "--keep",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Newest states of the store whose files stay.",
)
@project_option
def compact(keep: int, root: Path | None) -> int:
    """Put small parts together and delete files that the store does not list.

    What is stored stays the same. Nothing is deleted while an ingest is at work.
    """
    from mbe_docs.evidence.compaction import compact
    from mbe_docs.project import Project

    done = compact(Project.find(root).store, keep=keep)
    click.echo(
        f"{done.parts_before} parts are {done.parts_after}; "
        f"{done.deleted_files} files deleted, {done.deleted_bytes:,} bytes"
    )
    if done.at_work:
        say("an ingest is at work, so nothing was deleted; run it again later")
    return 0


@command.command("forget")
@click.argument("name", metavar="RUN|LOG")
@click.option("--dry-run", is_flag=True, help="Say what would be taken out; change nothing.")
@project_option
def forget(name: str, dry_run: bool, root: Path | None) -> int:
    """Take a log out of the store, by its name, its hash, or its run.

    What it superseded counts again. Ingesting the log again brings it back.
    """
    from mbe_docs.evidence.compaction import forget, found_logs
    from mbe_docs.project import Project

    store = Project.find(root).store
    entries = found_logs(store, name)
    word = "would forget" if dry_run else "forgot"
    if not dry_run:
        forget(store, {entry.source_sha256 for entry in entries})
    for entry in entries:
        _print_entry(word, entry)
    if not dry_run:
        say("the text is on the disk until `mbe-docs evidence compact`")
    return 0


def _print_entry(word: str, entry: PartEntry) -> None:
    _print(f"{word} {entry.source_uri}  sha256 {entry.source_sha256[:16]}  {entry.rows:,} scores")
    for run in entry.runs:
        note = "  (superseded)" if run.superseded_by else ""
        _print(f"  {run.run_key}  {run.status}  {run.task}  {run.model_requested}{note}")


def _print(text: str) -> None:
    click.echo(terminal_safe(text, one_line=True))


def _print_json(content: dict[str, Any]) -> None:
    text = json.dumps({"format": "json-v1", **content}, ensure_ascii=False, indent=1, sort_keys=True)
    write_text("-", f"{text}\n")


def _run_json(stored: StoredRun) -> dict[str, Any]:
    superseded = {"superseded_by": stored.superseded_by}
    return stored.run.model_dump(mode="json") | superseded


def _trail_json(found: Trail) -> dict[str, Any]:
    attempts = [_attempt_json(attempt) for attempt in found.attempts]
    return {"sample_id": found.sample_id, "input_hash": found.input_hash, "attempts": attempts}


def _attempt_json(attempt: Attempt) -> dict[str, Any]:
    excerpt = attempt.excerpt
    text = {"input": excerpt.input, "target": excerpt.target, "output": excerpt.output} if excerpt else None
    scores = [dataclasses.asdict(score) for score in attempt.scores]
    facts, metadata = dict(attempt.facts), dict(attempt.metadata)
    return {"epoch": attempt.epoch, "scores": scores, "facts": facts, "metadata": metadata, "text": text}


def _print_run(stored: StoredRun) -> None:
    run = stored.run
    _print(run.run_key)
    for name, value in run.model_dump(mode="json").items():
        if name != "run_key" and value not in (None, [], {}):
            _print(f"  {name}: {_shown(value)}")
    _print(f"  observations: {stored.entry.rows:,} in its log, {len(stored.entry.runs)} runs")


def _print_trail(found: Trail) -> None:
    run = found.stored.run
    _print(f"{run.run_key}  {run.task}  {run.model_requested}")
    _print(f"  log: {run.log_uri}  sha256 {run.file_sha256[:16]}")
    _print(f"  sample: {found.sample_id}  input {found.input_hash[:16]}")
    for attempt in found.attempts:
        _print(f"epoch {attempt.epoch}")
        for score in attempt.scores:
            value = "no value" if score.value is None else f"{score.value:g}"
            label = f" ({score.label})" if score.label is not None else ""
            _print(f"  {score.scorer}: {value}{label}, {score.outcome}")
        facts = {**attempt.facts, **{f"metadata.{key}": text for key, text in attempt.metadata.items()}}
        for name, fact in facts.items():
            _print(f"  {name}: {_shown(fact)}")
        if attempt.excerpt is not None:
            _print_text("input", attempt.excerpt.input)
            _print_text("output", attempt.excerpt.output)


def _print_text(name: str, text: str) -> None:
    """A text of the log, each line marked as such: it cannot pass for a line of ours."""
    click.echo(f"  {name}:")
    lines: Iterable[str] = terminal_safe(text).split("\n")
    click.echo("".join(f"  | {line}\n" for line in lines), nl=False)


def _shown(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
