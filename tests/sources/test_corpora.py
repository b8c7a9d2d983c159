"""Damaged and hostile files of public corpora, read by `ingest`: little memory, little time, and never a result.

The corpora lie beside the project; `HOSTILE` is a small set of our own, in the same spirit, that is always there.
"""

from __future__ import annotations

import multiprocessing
import os
import resource
import shutil
import sys
import time
import zlib
from multiprocessing import forkserver
from pathlib import Path
from typing import NamedTuple

import pytest

from mbe_docs.evidence.store import EvidenceStore
from mbe_docs.project.ingest import ingest
from mbe_docs.project.logs import FoundLog
from mbe_docs.sources.interface import Settings
from tests.conftest import ROOT
from tests.sources.build_logs import archive, header, members, sample

CORPORA = ROOT.parent / "shared" / "corpora"
published = [
    pytest.mark.published,
    pytest.mark.skipif(not CORPORA.is_dir(), reason="the corpora are not beside the project"),
]
MOST_BYTES = 200 * 2**20
MOST_SECONDS = 2.0

MAPPING = """\
files: ["*.jsonl", "*.csv"]
task: sums
model: {column: model}
sample_id: {column: id}
metrics: {accuracy: {column: score}}
"""


class Read(NamedTuple):
    """What became of one file."""

    name: str
    outcome: str
    observations: int
    codes: tuple[str, ...]
    reason: str
    seconds: float


def _read_all(folder: Path, files: list[Path], pipe) -> None:
    """In a process of its own: ingest files one by one, and send what became of them and the peak memory."""
    mapping = folder / "mapping.yaml"
    mapping.write_text(MAPPING, encoding="utf-8")
    store, found = EvidenceStore(folder / "store"), []
    for path in files:
        begun = time.process_time()
        summary = ingest([FoundLog(str(path), path.name)], store, Settings(mappings=(mapping,)))
        seconds = time.process_time() - begun
        (result,) = summary.files
        codes = tuple(finding.code for finding in summary.findings)
        found.append(Read(path.name, result.outcome, result.observations, codes, result.reason, seconds))
    pipe.send((found, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024))


def read_all(folder: Path, files: list[Path]) -> dict[str, Read]:
    """What became of each file; the limits of memory and time hold, and the store is whole."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.sources.test_corpora", "pyarrow.parquet"])
    with pytest.MonkeyPatch.context() as monkeypatch:
        # Before Python 3.13 a fork server preloads without the path of its parent, and fails without a word.
        monkeypatch.setenv("PYTHONPATH", os.pathsep.join(sys.path))
        forkserver.ensure_running()
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_read_all, args=(folder, files, theirs))
    child.start()
    theirs.close()
    found, peak = ours.recv()
    child.join()

    assert child.exitcode == 0
    assert peak <= MOST_BYTES, f"{peak / 2**20:.0f} MiB"
    assert {read.name: read.seconds for read in found if read.seconds > MOST_SECONDS} == {}
    assert EvidenceStore(folder / "store").verify() == ()
    return {read.name: read for read in found}


def hostile(folder: Path) -> list[Path]:
    """A bomb, a lie, a cut, a flipped bit, two archives in one file, a false end, depth, numbers, entities."""
    listed = members(header(), [sample(1), sample(2, value="I")])
    whole = archive(listed, method=8)
    bomb = archive([*listed, ("samples/3_epoch_1.json", b" " * (100 * 2**20))], method=8)
    flipped = bytearray(whole)
    flipped[whole.index(b"samples/1_epoch_1.json") + 40] ^= 1
    end = b"PK\x05\x06" + bytes(18)
    at = whole.rindex(b"PK\x05\x06")
    hidden = whole[: at + 20] + len(end).to_bytes(2, "little") + end
    contents = {
        "bomb.eval": bomb,
        "cut.eval": whole[: len(whole) // 2],
        "flipped.eval": bytes(flipped),
        "twice.eval": whole + archive(members(header(), [sample(7)]), method=8),
        "hidden.eval": hidden,
        "noise.eval": b"PK\x03\x04" + zlib.compress(b"noise" * 99),
        "deep.json": b'{"version": 2, "eval": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        "digits.json": b'{"version": 2, "eval": {"n": ' + b"9" * 5_000 + b"}}",
        "entities.xml": b'<?xml version="1.0"?><!DOCTYPE t [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
        b'<testsuite name="&b;" tests="1"><testcase name="x"/></testsuite>',
    }
    for name, content in contents.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in contents]


def test_our_own_hostile_files_cost_little_and_prove_nothing(tmp_path):
    """What can be read is read, what cannot is named, and no damaged log is a result."""
    found = read_all(tmp_path, hostile(tmp_path))

    assert {name: (read.outcome, read.observations) for name, read in found.items()} == {
        "bomb.eval": ("read", 2),
        "cut.eval": found["cut.eval"][1:3],
        "flipped.eval": ("read", 1),
        "twice.eval": ("read", 2),
        "hidden.eval": ("read", 2),
        "noise.eval": ("refused", 0),
        "deep.json": found["deep.json"][1:3],
        "digits.json": found["digits.json"][1:3],
        "entities.xml": ("refused", 0),
    }
    for name in ("bomb.eval", "flipped.eval"):
        assert "MBE210" in found[name].codes, name
    assert "MBE213" in found["twice.eval"].codes, "that there are two archives is said"
    assert found["cut.eval"].outcome in ("read", "refused")
    assert found["cut.eval"].observations < 2
    assert found["deep.json"].observations == found["digits.json"].observations == 0


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=published)
        for name in ("eval_zip", "json", "json_bombs", "xml_bombs", "csv", "parquet_bad")
    ],
)
def test_the_corpora_cost_little_and_crash_nothing(tmp_path, name):
    """As whole files: read with findings, refused with a reason, or nobody's; JSON and XML of no eval never count."""
    found = read_all(tmp_path, sorted(path for path in (CORPORA / name).iterdir() if path.is_file()))

    assert found
    for read in found.values():
        assert read.outcome in ("read", "refused", "ignored"), read
        assert read.outcome != "refused" or read.reason, read
        if name != "eval_zip":
            assert (read.outcome == "read", read.observations) == (False, 0), read


@pytest.mark.slow
@pytest.mark.parametrize("name", [pytest.param(name, marks=published) for name in ("json", "json_bombs")])
def test_a_bad_line_of_a_table_costs_itself(tmp_path, name):
    """Each odd document as a line between two good ones, its own line breaks as spaces: both are read."""
    files = []
    for path in sorted((CORPORA / name).iterdir()):
        odd = path.read_bytes().replace(b"\n", b" ").replace(b"\r", b" ")
        lines = [b'{"model": "m", "id": 1, "score": 1}', odd, b'{"model": "m", "id": 2, "score": 0}']
        files.append(tmp_path / f"{path.stem}.jsonl")
        files[-1].write_bytes(b"\n".join(lines) + b"\n")

    found = read_all(tmp_path, files)

    for read in found.values():
        if read.outcome == "known":  # the same bytes as another
            continue
        assert read.outcome == "read", read
        assert read.observations == 2 or (read.observations == 3 and not read.codes), read
        if read.name.startswith("n_") and read.name != "n_single_space.jsonl":  # an empty line is nothing
            assert read.codes, f"{read.name}: what is no JSON is said"


@pytest.mark.parametrize("name", [pytest.param(name, marks=published) for name in (
    "ARROW-GH-41317", "ARROW-GH-41321", "ARROW-GH-43605", "ARROW-RS-GH-6229-DICTHEADER", "ARROW-RS-GH-6229-LEVELS")])  # fmt: skip
def test_a_parquet_file_of_somebody_else_is_never_opened(tmp_path, name):
    """Put in the place of a part, it is found by its hash before any library reads it."""
    store = EvidenceStore(tmp_path / "store")
    path = tmp_path / "a.eval"
    path.write_bytes(archive(members(header(), [sample()])))
    ingest([FoundLog(str(path), "a.eval")], store, Settings())
    (entry,) = store.list()
    shutil.copy(CORPORA / "parquet_bad" / f"{name}.parquet", store.part_path(entry))

    loaded = store.load()

    assert (loaded.runs, [finding.code for finding in loaded.findings]) == ((), ["MBE250"])
    assert ingest([FoundLog(str(path), "a.eval")], store, Settings()).count("read") == 1
    assert store.verify() == ()
