"""CPU seconds and memory of 100,000 comparisons from 8 million observations, end to end from Parquet.

One subject after another answers the same samples of each behavior, several times each; every behavior is
compared between neighbours. The evidence is written first, untimed, in another process. Timed is everything
after: the manifest, the SHA-256 of every part, the SQL, the intervals and the verdicts.

    python benchmarks/comparisons.py [--rows 8000000] [--comparisons 100000] [--epochs 4] [--memory 600MB]

Exits with 1 above 10 CPU seconds or 1 GB of peak memory.
"""

import argparse
import hashlib
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

CPU_SECONDS, PEAK_MB = 10.0, 1000.0
BEHAVIORS = 1000
OUTCOMES = ("scored", "model_error", "infra_error")


def shape(args):
    """Behaviors, subjects, samples of a behavior, attempts at a sample."""
    behaviors = min(BEHAVIORS, args.comparisons)
    subjects = -(-args.comparisons // behaviors) + 1
    samples = max(1, round(args.rows / (behaviors * subjects * args.epochs)))
    return behaviors, subjects, samples, args.epochs


def run_key(subject, behavior):
    """The key of the run of a behavior on a subject."""
    return f"bench:{subject:04d}-{behavior:05d}"


def write_subject(store, subject, behaviors, samples, epochs):
    """The entry of one log with a run for every behavior."""
    import numpy as np
    import pyarrow as pa

    from mbe_docs.evidence import columns, parts
    from mbe_docs.evidence.manifest import PartEntry, RunEntry

    schema = columns.observation_schema()
    random = np.random.default_rng(subject)
    keys = [run_key(subject, behavior) for behavior in range(behaviors)]
    per_run, n = samples * epochs, behaviors * samples * epochs
    behavior = np.repeat(np.arange(behaviors), per_run)
    sample = np.tile(np.repeat(np.arange(samples), epochs), behaviors)
    hashes = [
        hashlib.sha256(f"{b}/{s}".encode()).hexdigest()[:32] for b in range(behaviors) for s in range(samples)
    ]
    outcome = random.choice(3, n, p=[0.97, 0.02, 0.01])
    easy = np.random.default_rng(10**6).beta(2, 1, behaviors * samples)[behavior * samples + sample]
    passed = random.random(n) < np.clip(easy + random.normal(0, 0.05), 0, 1)
    second = np.arange(n) % 86_400
    clock = [f"2026-01-01T{s // 3600:02d}:{s // 60 % 60:02d}:{s % 60:02d}Z" for s in range(86_400)]

    def text(values, index):
        return pa.DictionaryArray.from_arrays(pa.array(index, pa.int32()), pa.array(values)).cast(pa.string())

    filled = {
        "run_key": text(keys, behavior),
        "sample_id": text([str(s) for s in range(samples)], sample),
        "input_hash": text(hashes, behavior * samples + sample),
        "epoch": pa.array(np.tile(np.arange(1, epochs + 1), behaviors * samples), pa.int32()),
        "scorer": text(["correct"], np.zeros(n)),
        "value": pa.array(passed.astype(float), mask=outcome > 0),
        "outcome": text(OUTCOMES, outcome),
        "tokens_in": pa.array(random.integers(100, 2000, n)),
        "tokens_out": pa.array(random.integers(10, 800, n)),
        "cost_nusd": pa.array(random.integers(10**5, 10**7, n)),
        "latency_us": pa.array(random.lognormal(14, 0.5, n).astype(np.int64)),
        "started_at": text(clock, second),
    }
    topics = pa.array([[("topic", f"t{i % 7}")] for i in range(7)], schema.field("metadata").type)
    filled["metadata"] = topics.take(pa.array(sample % 7))
    table = pa.RecordBatch.from_arrays(
        [filled[f.name] if f.name in filled else pa.nulls(n, f.type) for f in schema], schema=schema
    )
    with parts.TableWriter(store.root / "tmp", schema) as writer:
        for start in range(0, n, parts.ROWS_PER_GROUP):
            writer.write(table.slice(start, parts.ROWS_PER_GROUP))
        part, size = writer.finish(store.root / "parts", {parts.RUNS_KEY: "[]"})
    runs = tuple(
        RunEntry(key, "success", f"task-{b}", f"model-{subject}", None, None) for b, key in enumerate(keys)
    )
    source = hashlib.sha256(str(subject).encode()).hexdigest()
    return PartEntry(source, f"{subject}.log", "bench", part, None, size, n, runs)


def generate(args):
    """Write the evidence."""
    from mbe_docs.evidence.store import EvidenceStore

    behaviors, subjects, samples, epochs = shape(args)
    store = EvidenceStore(Path(args.store))
    store.commit(write_subject(store, s, behaviors, samples, epochs) for s in range(subjects))


def timed(args):
    """Everything from files to verdicts; one JSON line with CPU seconds by step."""
    begin = cpu()
    from mbe_docs import stats
    from mbe_docs.evidence.aggregate import Aggregation
    from mbe_docs.evidence.selection import Selected
    from mbe_docs.evidence.store import EvidenceStore

    behaviors, subjects, _, _ = shape(args)
    selection = [
        Selected(s * behaviors + b, run_key(s, b), "correct", 0.0, 0.0, 1.0)
        for s in range(subjects)
        for b in range(behaviors)
    ]
    pairs = [
        ((s - 1) * behaviors + b, s * behaviors + b) for s in range(1, subjects) for b in range(behaviors)
    ]
    pairs = pairs[: args.comparisons]
    steps = {"imports, selection": cpu() - begin}

    def step(name, work):
        start = cpu()
        result = work()
        steps[name] = cpu() - start
        return result

    store = EvidenceStore(Path(args.store))
    memory = args.memory or None
    aggregation = step(
        "manifest, SHA-256, samples", lambda: Aggregation(store, selection, memory_limit=memory)
    )
    with aggregation:
        arms = step("arms", aggregation.arms)
        sums = step("pairs", lambda: aggregation.pairs(pairs))

    def decide(reading):
        found = stats.paired_difference(stats.PairSums(**reading.columns()), margin=0.05)
        page = sums.keys.pair // behaviors
        better = ["higher"] * len(pairs)
        return stats.page_verdicts(found.diff, found.p_diff, found.p_equivalent, better, family=page)

    def rates():
        for reading in (arms.primary, arms.strict, arms.scored_only):
            stats.rate_interval(stats.RateSums(**reading.columns()), binary=arms.is_binary)

    step("intervals of rates", rates)
    verdicts, strict = step("differences, verdicts", lambda: (decide(sums.primary), decide(sums.strict)))
    total = cpu() - begin
    words = {word: verdicts.verdict.count(word) for word in sorted(set(verdicts.verdict))}
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    agree = sum(map(str.__eq__, verdicts.verdict, strict.verdict))
    print(
        json.dumps(
            {
                "rows": int(arms.attempts.sum()),
                "comparisons": len(verdicts.verdict),
                "steps": steps,
                "cpu_seconds": total,
                "peak_mb": peak,
                "verdicts": words,
                "primary_and_strict_agree": agree,
            }
        )
    )


def cpu():
    """CPU seconds of this process, all threads, user and system."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def child(step, args, store):
    """Run one step in a process of its own."""
    command = [sys.executable, __file__, "--step", step, "--store", str(store), "--memory", args.memory]
    for name in ("rows", "comparisons", "epochs"):
        command += [f"--{name}", str(getattr(args, name))]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def main():
    """Write, measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=8_000_000)
    parser.add_argument("--comparisons", type=int, default=100_000)
    parser.add_argument("--epochs", type=int, default=4, help="attempts at each sample")
    parser.add_argument("--memory", default="", help="DuckDB's memory limit, such as 600MB")
    parser.add_argument("--keep", type=Path, help="folder to write the evidence to, or to take it from")
    parser.add_argument("--step", choices=["generate", "timed"], help=argparse.SUPPRESS)
    parser.add_argument("--store", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.step:
        return {"generate": generate, "timed": timed}[args.step](args)
    with tempfile.TemporaryDirectory(prefix="mbe-bench-") as folder:
        store = args.keep or Path(folder)
        if not (store / "manifests").is_dir():
            begin = time.perf_counter()
            child("generate", args, store)
            print(f"evidence written in {time.perf_counter() - begin:.0f} s (not counted)")
        size = sum(path.stat().st_size for path in (store / "parts").iterdir()) / 1e6
        found = json.loads(child("timed", args, store))
    print(f"{found['rows']:,} observations, {args.epochs} attempts a sample, {size:.0f} MB of Parquet")
    print(f"{found['comparisons']:,} comparisons: {found['verdicts']}")
    for name, seconds in found["steps"].items():
        print(f"  {seconds:6.2f} s  {name}")
    print(f"  {found['cpu_seconds']:6.2f} s  CPU in all; at most {CPU_SECONDS:.0f}")
    print(f"  {found['peak_mb']:6.0f} MB peak memory; at most {PEAK_MB:.0f}")
    return int(found["cpu_seconds"] > CPU_SECONDS or found["peak_mb"] > PEAK_MB)


if __name__ == "__main__":
    sys.exit(main())
