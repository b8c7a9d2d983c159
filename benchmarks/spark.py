"""The same sums on DuckDB and on Spark, from the same rows: what each takes, and that they are equal.

Runs Spark as a cluster of this machine, with two workers in processes of their own. Compared is every column
of every result: sums of arms, histograms of latency, sums of pairs, latency and cost of pairs, samples that
moved.

    python benchmarks/spark.py [--rows 10000000] [--comparisons 1000] [--epochs 4]

Exits with 1 if any column differs. Needs `mbe-docs[spark]` and Java 17.
"""

import argparse
import dataclasses
import os
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

from comparisons import run_key, write_subject

TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid):
    """CPU seconds of a process and of all that it started and that still run."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        found[int(path.parent.name)] = (int(fields[1]), sum(map(int, fields[11:15])) / TICKS)
    below, total = [pid], 0.0
    while below:
        one = below.pop()
        total += found.get(one, (0, 0.0))[1]
        below += [other for other, (parent, _) in found.items() if parent == one]
    return total


def plain(thing):
    """A result as nested plain values, so that everything in it is compared."""
    if dataclasses.is_dataclass(thing):
        return {field.name: plain(getattr(thing, field.name)) for field in dataclasses.fields(thing)}
    if hasattr(thing, "tobytes"):
        return (str(thing.dtype), thing.shape, thing.tobytes())
    if isinstance(thing, dict):
        return {str(key): plain(value) for key, value in thing.items()}
    return [plain(item) for item in thing] if isinstance(thing, tuple | list) else thing


def columns(name, thing):
    """Every leaf of a nested result by its path."""
    if isinstance(thing, dict):
        return {
            path: leaf
            for key, value in thing.items()
            for path, leaf in columns(f"{name}.{key}", value).items()
        }
    return {name: thing}


def measured(label, open_engine, store, selection, pairs):
    """Every column of every result; prints what each took."""
    from mbe_docs.evidence.aggregate import Aggregation

    found = {}
    with Aggregation(store, selection, engine=open_engine) as aggregation:
        work = {
            "arms": aggregation.arms,
            "latency": aggregation.latency,
            "pairs": lambda: aggregation.pairs(pairs),
            "pair_usage": lambda: aggregation.pair_usage(pairs),
            "flipped": lambda: aggregation.flipped(pairs, 5),
        }
        for name, step in work.items():
            cpu, wall = cpu_seconds(os.getpid()), time.monotonic()
            found |= columns(name, plain(step()))
            cpu, wall = cpu_seconds(os.getpid()) - cpu, time.monotonic() - wall
            print(f"{label:8}{name:12}{cpu:10.1f} CPU s{wall:10.1f} s", flush=True)
    return found


def main():
    """Print the figures; 1 if anything differs."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--comparisons", type=int, default=1000)
    parser.add_argument("--epochs", type=int, default=4)
    args = parser.parse_args()
    try:
        import pyspark
    except ImportError:
        print("not measured: pyspark is not installed")
        return 0
    if shutil.which("java") is None:
        print("not measured: Java is not installed")
        return 0
    from mbe_docs.evidence.selection import Selected
    from mbe_docs.evidence.spark import on_spark, start
    from mbe_docs.evidence.store import EvidenceStore

    behaviors = min(100, args.comparisons)
    subjects = -(-args.comparisons // behaviors) + 1
    samples = max(1, round(args.rows / (behaviors * subjects * args.epochs)))
    selection = [
        Selected(s * behaviors + b, run_key(s, b), "correct", 0.0, 0.0, 1.0)
        for s in range(subjects)
        for b in range(behaviors)
    ]
    pairs = [
        ((s - 1) * behaviors + b, s * behaviors + b) for s in range(1, subjects) for b in range(behaviors)
    ]
    with tempfile.TemporaryDirectory() as folder:
        store = EvidenceStore(Path(folder))
        store.commit(write_subject(store, s, behaviors, samples, args.epochs) for s in range(subjects))
        rows = sum(entry.rows for entry in store.list())
        print(f"{rows:,} rows, {len(selection):,} arms, {len(pairs):,} pairs; pyspark {pyspark.__version__}")
        ours = measured("duckdb", None, store, selection, pairs)
        session = start(
            {
                "spark.master": "local-cluster[2,1,2048]",
                "spark.executor.memory": "2g",
                "spark.driver.memory": "2g",
                "spark.driver.host": "127.0.0.1",
                "spark.sql.shuffle.partitions": "8",
            }
        )
        try:
            theirs = measured("spark", on_spark(session), store, selection, pairs)
        finally:
            session.stop()
    different = sorted(name for name in ours.keys() | theirs.keys() if ours.get(name) != theirs.get(name))
    print(f"{len(ours)} columns compared, {len(different)} differ {' '.join(different)}".rstrip())
    return int(bool(different))


if __name__ == "__main__":
    sys.exit(main())
