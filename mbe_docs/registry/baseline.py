"""The baseline: runs that a person blessed, pinned by the hashes of their logs until the next blessing."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from mbe_docs.errors import ConfigError, CuratedError, EvidenceError, Location
from mbe_docs.evidence.store import StoredRun
from mbe_docs.records.base import Record
from mbe_docs.records.behaviors import Unit
from mbe_docs.records.estimates import Comparison, Estimate, Interval
from mbe_docs.records.hashing import canonical_json
from mbe_docs.registry.arms import Arm
from mbe_docs.registry.compare import Page
from mbe_docs.registry.diff import Diff, chosen, compared_arms, make, subject_named
from mbe_docs.registry.estimate import estimates
from mbe_docs.registry.merge import Evidence
from mbe_docs.registry.subjects import Subjects
from mbe_docs.registry.wording import listed, value_text
from mbe_docs.text import terminal_safe

try:
    import fcntl
except ImportError:  # not on Windows: two blessings at once may lose one there
    fcntl = None  # type: ignore[assignment]

FILE: Final = "behaviors/baseline.json"
SUFFIX: Final = "@baseline"
"""What the blessed side of a diff is called: the subject, and this."""
_AGAIN: Final = "ingest its log again, or bless what is there with `mbe-docs bless {subject} --reason …`"


class BlessedRun(Record):
    """A run and the log it was read from."""

    run_key: str
    source_sha256: str


class Blessed(Record):
    """One line of `behaviors/baseline.json`: a behavior on a subject as it was blessed."""

    behavior: str
    subject: str
    runs: tuple[BlessedRun, ...]
    """In the order of run keys."""
    rate: Interval
    """As it was at the blessing."""
    n_samples: int
    n_attempts: int
    reason: str
    as_of: str | None = None
    """Date of the newest of the runs."""


@dataclass(frozen=True, slots=True)
class Blessing:
    """What a blessing did to one line."""

    entry: Blessed
    unit: Unit
    before: Blessed | None
    """The line of before; the same one where the same runs are blessed already: then nothing changes."""


def load_baseline(root: Path) -> tuple[Blessed, ...]:
    """The lines of a baseline, in file order; none where there is no file.

    Raises:
        CuratedError: the file is not what `mbe-docs bless` writes.
    """
    path = root / FILE
    if not path.exists():
        return ()
    fix = "restore the file from version control"
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        line = error.lineno if isinstance(error, json.JSONDecodeError) else None
        raise CuratedError(
            "the baseline is not readable as JSON", at=Location(FILE, line), fix=fix
        ) from error
    entries = content.get("entries") if isinstance(content, dict) else None
    if not isinstance(entries, list) or content.get("format") != 1:
        raise CuratedError(
            "no baseline; expected `format` 1 and a list of `entries`", at=Location(FILE), fix=fix
        )
    found: dict[tuple[str, str], Blessed] = {}
    for line, entry in enumerate(entries, start=2):
        at = Location(FILE, line)
        try:
            blessed = Blessed.model_validate(entry)
        except ValidationError as error:
            detail = error.errors(include_url=False, include_input=False)[0]
            name = ".".join(map(str, detail["loc"])) or "the entry"
            raise CuratedError(f"{name}: {detail['msg'].lower()}", at=at, fix=fix) from error
        if not blessed.runs:
            raise CuratedError("an entry without runs", at=at, fix=fix)
        if (blessed.subject, blessed.behavior) in found:
            raise CuratedError(
                f"{blessed.behavior} on {blessed.subject} is blessed twice",
                at=at,
                fix="keep one of the lines",
            )
        found[blessed.subject, blessed.behavior] = blessed
    return tuple(found.values())


def baseline_json(entries: Iterable[Blessed]) -> str:
    """The text of a baseline: canonical JSON, one entry a line, by subject and behavior."""
    ordered = sorted(entries, key=lambda entry: (entry.subject, entry.behavior))
    lines = ",\n".join(canonical_json(entry.model_dump(mode="json")) for entry in ordered)
    return '{"entries":[\n' + lines + '\n],"format":1}\n'


def bless(
    evidence: Evidence,
    root: Path,
    subjects: Sequence[str],
    *,
    reason: str,
    behaviors: Sequence[str] = (),
    dry_run: bool = False,
) -> tuple[Blessing, ...]:
    """Pin what is measured on these subjects: all behaviors with a finished run, or some.

    Nothing else ever writes the baseline. Behaviors that are blessed with the same runs stay as they are.

    Raises:
        ConfigError: a name is unknown, the reason is empty, or something was not measured by a finished run.
    """
    if not reason.strip():
        raise ConfigError("a blessing needs a reason", fix="write --reason 'why this is the new normal'")
    names = chosen(evidence, behaviors)
    wanted = list(dict.fromkeys(subject_named(evidence, name) for name in subjects))
    arms = [
        arm for arm in evidence.arms if arm.subject in wanted and arm.name in names and not arm.is_partial
    ]
    found: dict[tuple[str, str], Estimate] = {}
    if arms:
        with evidence.measured(arms) as (_, measured):
            found = estimates(measured)
    for subject in wanted:
        missing = [name for name in names if (name, subject) not in found]
        if missing and (behaviors or len(missing) == len(names)):
            raise ConfigError(
                f"no finished run measured {listed(missing[:3])} on {subject}",
                fix="ingest one first; see `mbe-docs evidence list`",
            )
    hashes = {stored.run.run_key: stored.entry.source_sha256 for stored in _live(evidence)}
    made = [
        _blessed(found[arm.name, arm.subject], hashes, reason)
        for arm in arms
        if (arm.name, arm.subject) in found
    ]
    with _locked(root):
        kept = {(entry.subject, entry.behavior): entry for entry in load_baseline(root)}
        done = []
        for entry in made:
            before = kept.get((entry.subject, entry.behavior))
            same = before is not None and before.runs == entry.runs
            after = before if before is not None and same else entry
            kept[entry.subject, entry.behavior] = after
            done.append(Blessing(after, found[entry.behavior, entry.subject].unit, before))
        if not dry_run and any(blessing.entry is not blessing.before for blessing in done):
            _write(root, baseline_json(kept.values()))
    return tuple(done)


def _blessed(estimate: Estimate, hashes: dict[str, str], reason: str) -> Blessed:
    runs = (BlessedRun(run_key=key, source_sha256=hashes[key]) for key in sorted(estimate.runs))
    return Blessed(
        behavior=estimate.behavior,
        subject=estimate.subject,
        runs=tuple(runs),
        rate=estimate.rate,
        n_samples=estimate.n_samples,
        n_attempts=estimate.n_attempts,
        reason=terminal_safe(" ".join(reason.split()), one_line=True),
        as_of=estimate.as_of,
    )


@contextmanager
def _locked(root: Path) -> Iterator[None]:
    """One blessing at a time; the system drops the lock with the process."""
    if fcntl is None:
        yield
        return
    handle = os.open(root / "behaviors", os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _write(root: Path, text: str) -> None:
    path = root / FILE
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    temporary.write_text(text, encoding="utf-8", newline="\n")
    temporary.replace(path)


def diff_baseline(
    evidence: Evidence,
    entries: Sequence[Blessed],
    subject: str | None = None,
    *,
    behaviors: Sequence[str] = (),
    by: str | None = None,
) -> Diff:
    """The blessed runs of a subject against its runs since; the same runs are nothing new, and no row.

    Raises:
        ConfigError: nothing is blessed, or several subjects and none is named.
        EvidenceError: a blessed run is not in the store as it was blessed.
    """
    names = chosen(evidence, behaviors)
    name = _one_subject(evidence, entries, subject)
    mine = {entry.behavior: entry for entry in entries if entry.subject == name}
    if lost := [behavior for behavior in mine if behavior not in evidence.measures]:
        raise ConfigError(
            f"'{lost[0]}' is blessed on {name}, and there is no such behavior to measure",
            fix=f"remove its line from {FILE}",
        )
    old, subjects = name + SUFFIX, Subjects(evidence.curated.families)
    subjects.all[old] = replace(subjects.all[name], id=old)
    arms, same = _sides(evidence, mine, name, old)
    rows: list[Comparison] = []
    if arms:
        rows = compared_arms(evidence, subjects, arms, Page(old, name, tuple(mine)), shown=names, by=by)
    notes = list(_notes(evidence, names, mine, [behavior for behavior in same if behavior in names], name))
    title, days = subjects.all[name].title, [entry.as_of for entry in mine.values() if entry.as_of]
    when = f" of {max(days)}" if days else ""
    made = make(
        evidence,
        old,
        name,
        f"{title}, baseline{when}",
        f"{title}, since",
        [_moved(row, mine) for row in rows],
    )
    return replace(made, notes=tuple(notes))


def _one_subject(evidence: Evidence, entries: Sequence[Blessed], subject: str | None) -> str:
    blessed = sorted({entry.subject for entry in entries})
    name = subject_named(evidence, subject) if subject is not None else None
    if not blessed or (name is not None and name not in blessed):
        what = f"nothing is blessed on {name}" if name else "nothing is blessed"
        raise ConfigError(what, fix=f"run `mbe-docs bless {name or 'SUBJECT'} --reason …`")
    if name is None and len(blessed) > 1:
        raise ConfigError(f"{len(blessed)} subjects are blessed", fix=f"name one of: {', '.join(blessed)}")
    name = name or blessed[0]
    if name not in evidence.subjects.all:
        raise ConfigError(f"no family lists '{name}', which is blessed", fix=f"remove its lines from {FILE}")
    return name


def _sides(
    evidence: Evidence, mine: dict[str, Blessed], subject: str, old: str
) -> tuple[list[Arm], list[str]]:
    """An arm of the blessed runs and one of the runs since, for each behavior with any; and those without."""
    live = {stored.run.run_key: stored for stored in _live(evidence)}
    current = {arm.name: arm for arm in evidence.arms if arm.subject == subject}
    arms: list[Arm] = []
    same: list[str] = []
    for behavior, entry in mine.items():
        runs = tuple(_kept(live, blessed, entry).run for blessed in entry.runs)
        pinned = {run.run_key for run in runs}
        arm = current.get(behavior)
        since = (
            tuple(run for run in arm.runs if run.run_key not in pinned) if arm and not arm.is_partial else ()
        )
        if arm is None or not since:
            same.append(behavior)
            continue
        newest = sorted(runs, key=lambda run: (run.started_at or "", run.run_key), reverse=True)
        arms += [replace(arm, subject=old, runs=tuple(newest), others=()), replace(arm, runs=since)]
    return arms, same


def _kept(live: dict[str, StoredRun], blessed: BlessedRun, entry: Blessed) -> StoredRun:
    """A blessed run as it is in the store."""
    stored = live.get(blessed.run_key)
    at, fix = Location(FILE), _AGAIN.format(subject=entry.subject)
    what = f"the run {blessed.run_key}, blessed for {entry.behavior} on {entry.subject},"
    if stored is None:
        raise EvidenceError(f"{what} is not in the evidence store", at=at, fix=fix)
    if stored.entry.source_sha256 != blessed.source_sha256:
        raise EvidenceError(f"{what} was replaced by an edited log", at=at, fix=fix)
    return stored


def _live(evidence: Evidence) -> Iterator[StoredRun]:
    return (stored for stored in evidence.runs if stored.superseded_by is None)


def _moved(row: Comparison, mine: dict[str, Blessed]) -> Comparison:
    """The row, with a note where the blessed runs give another rate than when blessed: the rule changed."""
    then = mine[row.behavior].rate
    if row.slice or row.old_rate is None or abs(row.old_rate.value - then.value) < 1e-9:
        return row
    note = (
        f"the behavior is measured differently since: the blessed runs gave {value_text(then, row.unit)}, "
        f"and give {value_text(row.old_rate, row.unit)} today"
    )
    return row.model_copy(update={"notes": (*row.notes, note)})


def _notes(
    evidence: Evidence, names: Sequence[str], mine: dict[str, Blessed], same: list[str], subject: str
) -> Iterator[str]:
    if same:
        yield f"nothing new since blessing: {listed(same)}"
    measured = {arm.name for arm in evidence.arms if arm.subject == subject and not arm.is_partial}
    if loose := [name for name in names if name in measured and name not in mine]:
        yield f"measured and not blessed: {listed(loose)}"
