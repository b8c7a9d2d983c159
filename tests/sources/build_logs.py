"""Builds logs in the shape of Inspect's, by hand: no Inspect, no clock, nothing random.

`python -m tests.sources.build_logs FOLDER` writes the small set that is kept in `tests/fixtures/logs`.
"""

from __future__ import annotations

import json
import struct
import sys
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import zstandard

from mbe_docs.records.evals import Excerpt, Observation, Run
from mbe_docs.records.findings import Finding
from mbe_docs.sources.inspect_ai import SOURCE
from mbe_docs.sources.interface import LogFile, Settings

MODEL = "mock/model-1"


def header(status: str | None = "success", **changes: Any) -> dict[str, Any]:
    """A header; `changes` replace top-level keys, and `eval` is merged."""
    spec: dict[str, Any] = {
        "eval_id": "EvalId1",
        "run_id": "RunId1",
        "created": "2026-11-01T10:00:00+00:00",
        "task": "arithmetic",
        "task_id": "TaskId1",
        "task_version": 0,
        "dataset": {"name": "sums", "samples": 2, "sample_ids": [1, 2]},
        "model": MODEL,
        "model_generate_config": {},
        "config": {"epochs": 1},
        "packages": {"inspect_ai": "0.3.285"},
        "scorers": [{"name": "match", "options": {"numeric": True}, "metrics": []}],
    }
    spec |= changes.pop("eval", {})
    made: dict[str, Any] = {
        "version": 2,
        "status": status,
        "eval": spec,
        "plan": {"name": "plan", "steps": [{"solver": "generate", "params": {}}], "config": {}},
        "results": None,
        "stats": {"started_at": "2026-11-01T10:00:01+00:00", "completed_at": "2026-11-01T10:01:00+00:00"},
    } | changes
    if status is None:
        del made["status"]
    return made


def sample(id: int | str = 1, epoch: int = 1, value: Any = "C", **changes: Any) -> dict[str, Any]:
    """A sample with one score of `match`."""
    return {
        "id": id,
        "epoch": epoch,
        "input": f"What is {id} + {id}?",
        "target": "2",
        "messages": [{"role": "user", "content": f"What is {id} + {id}?"}],
        "output": {
            "model": "model-1-20261101",
            "choices": [{"message": {"role": "assistant", "content": "2"}, "stop_reason": "stop"}],
            "completion": "2",
            "time": 1.5,
        },
        "scores": {"match": {"value": value, "answer": "2", "explanation": "because"}},
        "metadata": {"kind": "easy"},
        "model_usage": {MODEL: {"input_tokens": 10, "output_tokens": 2, "total_tokens": 12}},
        "started_at": "2026-11-01T10:00:02+00:00",
        "total_time": 3.0,
        "working_time": 2.0,
    } | changes


def encoded(value: Any) -> bytes:
    """JSON as Python writes it: with NaN and lone surrogates."""
    return json.dumps(value).encode()


def archive(
    members: Iterable[tuple[str, bytes]], *, method: int = 93, frames: int = 1, descriptor: bool = False
) -> bytes:
    """A zip archive; `frames` cuts Zstandard data, `descriptor` leaves sizes out of local headers."""
    body, directory, count = b"", b"", 0
    for name, data in members:
        raw = name.encode()
        packed = pack(data, method, frames)
        crc, flags = zlib.crc32(data), 8 if descriptor else 0
        stated = (0, 0, 0) if descriptor else (crc, len(packed), len(data))
        at = len(body)
        body += struct.pack("<4s5H3I2H", b"PK\x03\x04", 20, flags, method, 0, 0, *stated, len(raw), 0)
        body += raw + packed
        if descriptor:
            body += struct.pack("<4s3I", b"PK\x07\x08", crc, len(packed), len(data))
        directory += struct.pack(
            "<4s6H3I5H2I", b"PK\x01\x02", 20, 20, flags, method, 0, 0, crc, len(packed), len(data),
            len(raw), 0, 0, 0, 0, 0, at,
        ) + raw  # fmt: skip
        count += 1
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, count, count, len(directory), len(body), 0)
    return body + directory + end


def pack(data: bytes, method: int, frames: int = 1) -> bytes:
    """Data as a zip member holds it."""
    if method == 8:
        return zlib.compress(data, wbits=-15)
    if method == 93:
        size = -(-len(data) // frames) or 1
        parts = [data[at : at + size] for at in range(0, len(data), size)] or [b""]
        return b"".join(zstandard.ZstdCompressor().compress(part) for part in parts)
    return data


def members(head: dict[str, Any] | None, samples: Iterable[dict[str, Any]]) -> list[tuple[str, bytes]]:
    """Members in the order in which Inspect writes them."""
    start = {key: value for key, value in (head or header()).items() if key in ("version", "eval", "plan")}
    made = [("_journal/start.json", encoded(start))]
    made += [(f"samples/{one.get('id')}_epoch_{one.get('epoch')}.json", encoded(one)) for one in samples]
    return made if head is None else [*made, ("header.json", encoded(head))]


def eval_log(
    path: Path, samples: Iterable[dict[str, Any]], head: dict[str, Any] | None = None, **packing: Any
) -> Path:
    """An `.eval` log; without a status in the header like that of a killed run."""
    head = header() if head is None else head
    listed = members(head if "status" in head else None, samples)
    path.write_bytes(archive(listed, **packing))
    return path


def json_log(path: Path, samples: Iterable[Any] | None, head: dict[str, Any] | None = None) -> Path:
    """A `.json` log."""
    made = dict(head or header())
    if samples is not None:
        made["samples"] = list(samples)
    path.write_bytes(encoded(made))
    return path


class Read:
    """What a log was read into."""

    def __init__(self, path: Path, settings: Settings | None = None, source: Any = SOURCE) -> None:
        self.items = list(source.read(LogFile(path, path.name), settings or Settings()))
        self.runs = [item for item in self.items if isinstance(item, Run)]
        self.observations = [item for item in self.items if isinstance(item, Observation)]
        self.excerpts = [item for item in self.items if isinstance(item, Excerpt)]
        self.findings = [item for item in self.items if isinstance(item, Finding)]

    @property
    def run(self) -> Run:
        """The last run: the one that counts."""
        return self.runs[-1]

    @property
    def codes(self) -> list[str]:
        """Codes of the findings, in order."""
        return [finding.code for finding in self.findings]

    def pairs(self) -> list[tuple[str, float | None]]:
        """Sample id and value of each observation."""
        return [(one.sample_id, one.value) for one in self.observations]


def accuracies(observations: Iterable[Observation]) -> dict[str, float]:
    """Mean over samples of the mean over epochs, by scorer, of the values that there are."""
    values: dict[str, dict[str, list[float]]] = {}
    for one in observations:
        if one.value is not None:
            values.setdefault(one.scorer, {}).setdefault(one.sample_id, []).append(one.value)
    return {
        scorer: sum(sum(some) / len(some) for some in by_sample.values()) / len(by_sample)
        for scorer, by_sample in values.items()
    }


def write_fixtures(folder: Path) -> None:
    """The logs that are kept for other tests."""
    both = [sample(1, value="C"), sample(2, value="I")]
    eval_log(folder / "success-zstd.eval", both)
    eval_log(folder / "success-deflate.eval", both, method=8)
    json_log(folder / "success.json", both)
    eval_log(folder / "killed.eval", both[:1], head=header(None))
    eval_log(folder / "cancelled.eval", both[:1], head=header("cancelled"))
    eval_log(folder / "unscored-nan.eval", [sample(1, value=float("nan")), sample(2)])
    failed = {"scores": None, "output": None, "error": {"message": "Connection reset", "traceback": "…"}}
    eval_log(folder / "all-errored.eval", [sample(1, **failed), sample(2, **failed)])
    edited = members(header(), [*both, sample(2, value="C")])
    (folder / "edited.eval").write_bytes(archive(edited))
    (folder / "truncated.eval").write_bytes(archive(members(header(), both))[:-400])


if __name__ == "__main__":
    write_fixtures(Path(sys.argv[1]))
