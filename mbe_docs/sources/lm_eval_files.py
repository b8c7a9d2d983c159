"""Which files of the lm-evaluation-harness belong together: names, dates and beginnings."""

from __future__ import annotations

import re
from pathlib import Path

from mbe_docs.sources.decoding import BYTE_ORDER_MARK
from mbe_docs.sources.interface import HEAD_BYTES
from mbe_docs.sources.lm_eval_lines import instant

_STAMP = re.compile(r"_([0-9]{4}-[0-9]{2}-[0-9]{2})T([0-9]{2})-([0-9]{2})-([0-9]{2}(?:\.[0-9]{1,6})?)$")
_RESULTS = re.compile(
    rb'\s*\{\s*"results"\s*:\s*\{\s*(?:\}\s*,\s*"(?:groups|group_subtasks|configs|versions)"'
    rb'|"[^"\\]*"\s*:\s*\{\s*"[^"\\]*"\s*:\s*(?:-?[0-9]|NaN|-?Infinity|null|"[^"\\]*"\s*[,}]))'
)
_SAMPLES = re.compile(rb'\s*\{\s*"doc_id"\s*:\s*(?:[0-9]+|"[^"\\]*")\s*,\s*"doc"\s*:')


def is_results(head: bytes) -> bool:
    """Whether a file begins like `results_*.json`: an object of tasks, each an object of metrics."""
    return _RESULTS.match(head.removeprefix(BYTE_ORDER_MARK)) is not None


def is_samples(head: bytes) -> bool:
    """Whether a file begins like `samples_*.jsonl`; the hashes may lie far behind a long document."""
    if b'"doc_id"' in head and b'"doc_hash"' in head:
        return True
    return _SAMPLES.match(head.removeprefix(BYTE_ORDER_MARK)) is not None


def stamp_of(path: Path) -> str | None:
    """The date in a file's name, as it stands there: results and samples of one run share it."""
    found = _STAMP.search(path.stem)
    return found[0][1:] if found else None


def time_of(stamp: str) -> str | None:
    """A date of a file name as ISO 8601; the harness writes local time without a zone."""
    found = _STAMP.search(f"_{stamp}")
    return instant(f"{found[1]}T{found[2]}:{found[3]}:{found[4]}") if found else None


def results_beside(samples: Path) -> Path | None:
    """The results file of the run that wrote these samples, in the same folder."""
    stamp = stamp_of(samples)
    if stamp is None:
        return None
    for path in sorted(samples.parent.glob(f"*_{stamp}.json")):
        with path.open("rb") as file:
            if is_results(file.read(HEAD_BYTES)):
                return path
    return None


def samples_beside(results: Path) -> dict[str, Path]:
    """Samples files of the run that wrote these results, by task as their names have it."""
    stamp = stamp_of(results)
    if stamp is None:
        return {}
    return {task_in(path): path for path in sorted(results.parent.glob(f"samples_*_{stamp}.jsonl"))}


def task_in(samples: Path) -> str:
    """The task in the name of a samples file."""
    return _STAMP.sub("", samples.stem).removeprefix("samples_")


def file_name_of(task: str) -> str:
    """A task as the harness writes it in file names."""
    return re.sub(r"\W", "_", task)
