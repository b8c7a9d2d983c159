"""What holds for every format alike: a real file, a page, no crash on damage, and never a silent zero."""

from __future__ import annotations

import shutil
import tempfile
from functools import cache
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mbe_docs.errors import CuratedError, SourceError
from mbe_docs.plugins import discover
from mbe_docs.records.evals import Observation, Run
from mbe_docs.sources.interface import LogFile, Settings
from tests.sources.mutations import junk_scores, mutated
from tests.sources.test_claims_batch2 import checked

ROOT = Path(__file__).parents[2]
LOGS = ROOT / "tests" / "fixtures" / "logs"
SOURCES = {source.name: source for source in discover("sources", "SOURCE").values()}
PAGES = {"inspect": "inspect", "table": "tabular"}
"""Pages whose name is not that of the source."""
MAPPING = LOGS / "table" / "mapping.yaml"
BESIDE = ("helm", "bfcl", "every_eval_ever", "lm-eval")
"""Formats whose runs lie in several files."""


@cache
def logs_of(name: str) -> tuple[Path, ...]:
    """The kept logs that a format claims, as paths below the folder of all."""
    return tuple(
        path.relative_to(LOGS)
        for path in sorted(LOGS.rglob("*"))
        if path.is_file() and SOURCES[name].claims(path, LogFile(path, path.name).head())
    )


def read(source, path: Path, uri: str):
    """What a log is read into, or why it is refused: with a place and a fix, whatever is wrong."""
    log = LogFile(path, uri)
    source.claims(path, log.head())
    try:
        return list(source.read(log, Settings(mappings=(MAPPING,), excerpts=True)))
    except (SourceError, CuratedError) as error:
        refusal = error
    assert refusal.at is not None
    assert refusal.fix
    str(refusal).encode()
    return None


def zeros(items) -> int:
    """Number of scores that are 0 in runs that count."""
    results = {item.run_key for item in items if isinstance(item, Run) and item.status == "success"}
    return sum(one.value == 0 and one.run_key in results for one in items if isinstance(one, Observation))


@pytest.mark.parametrize("name", SOURCES)
def test_every_format_has_a_real_file_and_a_page(name):
    """The page says what is read, from where, and what is lost."""
    page = ROOT / "docs" / "reference" / f"sources-{PAGES.get(name, name.replace('_', '-'))}.md"

    assert logs_of(name)
    headings = [line for line in page.read_text(encoding="utf-8").splitlines() if line.startswith("## ")]
    assert {"## Findings"} <= set(headings)
    assert {"## What is lost", "## What is not kept"} & set(headings)
    assert {"## Which files", "## A mapping"} & set(headings)


@pytest.mark.parametrize("name", SOURCES)
def test_a_kept_log_is_read_with_scores(name):
    """At least one file of each format gives numbers: a mutated one can lose some."""
    found = [read(SOURCES[name], LOGS / path, path.as_posix()) for path in logs_of(name)]

    assert any(isinstance(item, Observation) and item.value is not None for items in found for item in items)


@pytest.mark.parametrize("name", SOURCES)
@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_a_damaged_log_never_crashes_and_never_makes_a_zero(name, data):
    """Cut, flipped, keys missing or twice, values replaced: read in part or refused; unknown stays unknown."""
    source = SOURCES[name]
    small = [path for path in logs_of(name) if (LOGS / path).stat().st_size < 60_000]
    path = data.draw(st.sampled_from(small), label="log")
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        if name in BESIDE:
            shutil.copytree(LOGS / path.parts[0], root / path.parts[0])
        else:
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(LOGS / path, root / path)
        before = zeros(read(source, root / path, path.as_posix()) or ())
        near = [path]
        if name in BESIDE:
            near = [file.relative_to(root) for file in sorted(root.rglob("*")) if file.is_file()]
        hurt = root / data.draw(st.sampled_from(near), label="file")
        damaged, may_be_zero = mutated(hurt.read_bytes(), hurt.name, data.draw)
        hurt.write_bytes(damaged)
        items = read(source, root / path, path.as_posix())
        if items is not None:
            checked(items)
            assert may_be_zero or zeros(items) <= before


MOST_PLACES = 250
"""Places of a file that are tried, spread over it."""


def scored() -> list[Path]:
    """The smallest kept log of each format and ending that has scores in readable places."""
    found: dict[tuple[str, str], Path] = {}
    for name, source in SOURCES.items():
        for path in sorted(logs_of(name), key=lambda path: (LOGS / path).stat().st_size):
            items = read(source, LOGS / path, path.as_posix()) or ()
            has_scores = any(isinstance(item, Observation) and item.value is not None for item in items)
            if has_scores and path.suffix in (".eval", ".json", ".jsonl", ".csv"):
                found.setdefault((name, path.suffix), path)
    return list(found.values())


@pytest.mark.parametrize("path", scored(), ids=str)
def test_junk_in_the_place_of_a_score_is_never_zero(tmp_path, path):
    """Every place that may hold one, in turn, in every file of the run: unknown, or the log is refused."""
    (source,) = (SOURCES[name] for name in SOURCES if path in logs_of(name))
    near = [path]
    if source.name in BESIDE:
        shutil.copytree(LOGS / path.parts[0], tmp_path / path.parts[0])
        near = [file.relative_to(tmp_path) for file in sorted(tmp_path.rglob("*.json*"))]
    else:
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(LOGS / path, tmp_path / path)
    before = zeros(read(source, tmp_path / path, path.as_posix()))
    damaged = [(file, data) for file in near for data in junk_scores((LOGS / file).read_bytes(), file.name)]
    assert damaged

    for file, data in damaged[:: -(-len(damaged) // MOST_PLACES)]:
        (tmp_path / file).write_bytes(data)
        items = read(source, tmp_path / path, path.as_posix())
        assert items is None or zeros(items) <= before, data
        shutil.copyfile(LOGS / file, tmp_path / file)
