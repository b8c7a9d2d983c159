"""The logs that the benchmarks read are logs as the harnesses write them: nothing in them is passed over."""

from __future__ import annotations

import zipfile
from collections import Counter

import pytest

from benchmarks.generated import logs
from mbe_docs.project.reading import claimant, sources
from mbe_docs.records.evals import Observation, Run
from mbe_docs.records.findings import Finding
from mbe_docs.sources.interface import LogFile, Settings

ROWS = 6


def made(folder):
    """One file of each kind, the samples that it must give, and the scorers of each."""
    return {
        "inspect": (logs.inspect_log(folder / "a.eval", ROWS, seed=1), ROWS, set(logs.SCORERS)),
        "lm-eval": (
            logs.lm_eval_logs(folder, ROWS, seed=2)[0],
            ROWS,
            {"exact_match,strict", "format,strict"},
        ),
        "promptfoo": (
            logs.promptfoo_export(folder / "p.json", ROWS, seed=3),
            ROWS,
            {"pass", "score", "score/tone"},
        ),
    }


@pytest.mark.parametrize("kind", ["inspect", "lm-eval", "promptfoo"])
def test_every_generated_sample_is_read_with_every_score(tmp_path, kind):
    """A benchmark over rows that are skipped would measure nothing."""
    path, rows, scorers = made(tmp_path)[kind]
    log = LogFile(path, path.name)
    source = claimant(log, sources())
    items = list(source.read(log, Settings()))

    assert source.name == kind
    assert not [item for item in items if isinstance(item, Finding)]
    last = {item.run_key: item.status for item in items if isinstance(item, Run)}
    assert set(last.values()) == {"success"}
    counts = Counter(item.scorer for item in items if isinstance(item, Observation))
    assert counts == dict.fromkeys(scorers, rows)


def test_generated_text_compresses_like_text(tmp_path):
    """Repeated text would make decompression, which every reader pays, cost nothing."""
    path = logs.inspect_log(tmp_path / "a.eval", 20, seed=1)
    members = [one for one in zipfile.ZipFile(path).infolist() if one.filename.startswith("samples/")]

    assert 3 < sum(one.file_size for one in members) / sum(one.compress_size for one in members) < 9


def test_the_hash_of_a_log_is_taken_once(tmp_path):
    """An ingest and the reader of a format both ask for it."""
    path = tmp_path / "a.json"
    path.write_bytes(b"abc")
    log = LogFile(path, "a.json")
    # SHA-256 of "abc", from FIPS 180-2, appendix B.1.
    digest = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

    assert log.sha256() == digest
    path.unlink()
    assert log.sha256() == digest
