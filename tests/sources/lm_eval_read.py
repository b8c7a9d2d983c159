"""What a source read, sorted by kind; and mutated files that no source may crash on."""

from __future__ import annotations

import copy
import datetime
import json
import math
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from mbe_docs.errors import SourceError
from mbe_docs.records.evals import Excerpt, Observation, Run
from mbe_docs.records.findings import Finding
from mbe_docs.sources.interface import Limits, LogFile, Settings, Source

LOGS = Path(__file__).parents[1] / "fixtures" / "logs"
SHARED = Path(__file__).parents[3] / "shared"


class Read:
    """Everything that a source says of a file."""

    def __init__(self, source: Source, path: Path, *, member_bytes: int = 2**29, **settings: Any) -> None:
        items = list(source.read(LogFile(path, path.name), Settings(limits=Limits(member_bytes), **settings)))
        last = {item.run_key: item for item in items if isinstance(item, Run)}
        self.runs = list(last.values())
        self.observations = [item for item in items if isinstance(item, Observation)]
        self.excerpts = [item for item in items if isinstance(item, Excerpt)]
        self.findings = [item for item in items if isinstance(item, Finding)]

    @property
    def run(self) -> Run:
        """The only run."""
        (run,) = self.runs
        return run

    @property
    def codes(self) -> list[str]:
        """Codes of the findings, in order."""
        return [finding.code for finding in self.findings]

    def of(self, scorer: str) -> list[Observation]:
        """Observations of one scorer."""
        return [one for one in self.observations if one.scorer == scorer]

    def finding(self, code: str) -> Finding:
        """The only finding of a code."""
        (found,) = [finding for finding in self.findings if finding.code == code]
        return found


def check(source: Source, path: Path, **settings: Any) -> None:
    """Whatever the file holds: a `SourceError`, or items that the store can take."""
    try:
        read = Read(source, path, **settings)
    except SourceError:
        return
    runs = {run.run_key for run in read.runs}
    assert runs
    for run in read.runs:
        assert run.task
        assert run.model_requested
        if run.started_at:
            datetime.date.fromisoformat(run.started_at[:10])
        json.loads(run.model_dump_json())
    for one in read.observations:
        assert one.run_key in runs
        assert one.value is None or math.isfinite(one.value)
        assert (one.value is None) >= (one.outcome in ("unscored", "infra_error"))
        assert one.outcome != "scored" or one.value is not None
        assert one.epoch >= 1
        assert all(isinstance(key, str) and isinstance(text, str) for key, text in one.metadata.items())
        for amount in (one.tokens_in, one.tokens_out, one.cost_nusd, one.latency_us, one.tokens_reasoning):
            assert amount is None or 0 <= amount < 2**63
    attempts = Counter((one.run_key, one.sample_id, one.epoch, one.scorer) for one in read.observations)
    assert not attempts or max(attempts.values()) == 1
    for one in (*read.observations, *read.excerpts):
        repr(one).encode()
    for finding in read.findings:
        assert finding.code.startswith("MBE2")
        assert finding.fix


@st.composite
def torn(draw: st.DrawFn, data: bytes) -> bytes:
    """The bytes of a file with some cut out, doubled, overwritten or missing at the end."""
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(data)))
        length = draw(st.integers(0, 200))
        match draw(st.integers(0, 3)):
            case 0:
                data = data[:at]
            case 1:
                data = data[:at] + data[at + length :]
            case 2:
                data = data[:at] + data[at : at + length] + data[at:]
            case _:
                data = data[:at] + draw(st.binary(max_size=8)) + data[at + length % 8 :]
    return data


DEEP = 800 if sys.version_info < (3, 12) else 3000
"""Nesting that is decoded, and too deep to walk."""


def deep(depth: int = DEEP) -> str:
    """JSON that is nested as deeply."""
    return "[" * depth + "]" * depth


def _nested(depth: int) -> Any:
    value: Any = 0
    for _ in range(depth):
        value = [value]
    return value


HOSTILE = [
    *(None, True, False, 0, -1, 1e308, 2**70, 10**400, -0.0, "", "x", "NaN", "é" * 300, "a/b,c", "\ud800"),
    *([], {}, [1], {"a": 1}, [[["x"]]], {"": None}, [None, {}], math.nan, math.inf, _nested(450)),
    *("2026-13-45T99:99:99+00:00", "2026-01-01T00:00:00Z", 1.7e300),
]


@st.composite
def altered(draw: st.DrawFn, document: Any) -> Any:
    """A JSON document in which a few values are replaced, removed or doubled."""
    document = copy.deepcopy(document)
    for _ in range(draw(st.integers(1, 4))):
        places = list(_places(document))
        if not places:
            break
        parent, key = draw(st.sampled_from(places))
        match draw(st.integers(0, 5)):
            case 0:
                del parent[key]
            case 1 if isinstance(parent, list):
                parent.append(copy.deepcopy(parent[key]))
            case _:
                parent[key] = copy.deepcopy(draw(st.sampled_from(HOSTILE)))
    return document


def _places(value: Any, depth: int = 0) -> Any:
    if depth < 12 and isinstance(value, dict | list):
        for key in value if isinstance(value, dict) else range(len(value)):
            yield value, key
            yield from _places(value[key], depth + 1)


def written(path: Path, document: Any) -> Path:
    """A JSON file as Python writes it, NaN and lone surrogates included; a list of rows for `.jsonl`."""
    if path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in document), encoding="utf-8")
    else:
        path.write_text(json.dumps(document), encoding="utf-8")
    return path


def rows_of(path: Path) -> list[Any]:
    """The lines of a JSON-lines file."""
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
