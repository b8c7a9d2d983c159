"""CPU seconds and memory of reading eval logs, beside other readers of the same files in one run.

    python benchmarks/ingest.py [FILE…] [--peer PYTHON] [--rounds 3] [--scale 1.0] [--known 500] [--large MB]

Without files it makes them: two `.eval` logs of 2,000 samples each, 24,000 lm-eval rows, a promptfoo export
of 30,000 rows. Every reader runs in a process of its own; one round runs each once, and the medians count.
Not counted are imports and a first read of a small log. Inspect cannot be installed beside mbe-docs: `--peer`
names a Python that has it. `--large` adds the memory for a generated log of so many megabytes.

Exits with 1 where a ratio is above its bar, and with 2 where `--peer` has no Inspect.
"""

import argparse
import json
import mmap
import resource
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:] = [str(HERE.parent), *(one for one in sys.path if one != str(HERE)), str(HERE)]
# This folder comes last: it has a `statistics.py` of its own.

STREAM_LIMIT = 2**20
"""Bytes above which the streaming reader is made to stream, for its measurement."""


def cpu():
    """CPU seconds of this process, all threads, user and system."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def median(numbers):
    """The middle one, or the upper of two."""
    ordered = sorted(numbers)
    return ordered[len(ordered) // 2]


# -- readers: each takes files and reads all of them


def inspect_peer(files):
    """Inspect's own reader, full samples."""
    from inspect_ai.log import read_eval_log

    for file in files:
        log = read_eval_log(str(file))
        assert log.samples, "Inspect found no samples"


def _unpack(files, check):
    import zlib

    import zstandard

    unzstd = zstandard.ZstdDecompressor()
    for file in files:
        members = [one for one in zipfile.ZipFile(file).infolist() if one.filename.startswith("samples/")]
        with file.open("rb") as opened:
            for member in members:
                opened.seek(member.header_offset + 26)
                lengths = opened.read(4)
                opened.seek(int.from_bytes(lengths[:2], "little") + int.from_bytes(lengths[2:], "little"), 1)
                packed = opened.read(member.compress_size)
                if member.compress_type == 93:
                    data = unzstd.decompress(packed, max_output_size=member.file_size)
                else:
                    data = zlib.decompress(packed, -15) if member.compress_type == 8 else packed
                if check:
                    assert zlib.crc32(data) == member.CRC


def unpacked(files):
    """The members of an archive decompressed, and nothing else."""
    _unpack(files, check=False)


def unpacked_and_checked(files):
    """The same, each compared with its checksum, as every zip reader must."""
    _unpack(files, check=True)


def lines_typed(files):
    """`msgspec`, line by line: the fields that a score is made of."""
    import msgspec

    metrics = json.loads(next(_samples_of(files)[0].open("rb")))["metrics"]
    texts = ["filter", "doc_hash", "target_hash"]
    fields = [("doc_id", int | str), ("doc", dict), ("target", object), ("metrics", list[str])]
    fields += [("resps", list), ("filtered_resps", list)]
    fields += [(name, str) for name in texts] + [(f"metric_{i}", object) for i in range(len(metrics))]
    rename = {f"metric_{i}": name for i, name in enumerate(metrics)}
    decoder = msgspec.json.Decoder(msgspec.defstruct("Row", fields, rename=rename))
    for file in _samples_of(files):
        with file.open("rb") as opened:
            for line in opened:
                decoder.decode(line)


def _samples_of(files):
    return [file for file in files if file.suffix == ".jsonl"]


def mapped_typed(files):
    """`msgspec` over a mapped file: the fields that a score is made of."""
    _mapped(
        files,
        {
            "provider": {"id": object, "label": object},
            "testCase": {"description": object, "assert": list, "options": object, "metadata": object},
            "response": {
                "output": str,
                "raw": {"model": object},
                "finishReason": object,
                "tokenUsage": object,
            },
            "gradingResult": {"score": object, "reason": object},
            "vars": dict,
            "namedScores": dict,
            **dict.fromkeys(("promptIdx", "testIdx", "success", "score", "latencyMs", "cost"), object),
        },
    )


def mapped_least(files):
    """`msgspec` over a mapped file: three fields a row, the rest skipped."""
    _mapped(files, dict.fromkeys(("success", "score", "latencyMs"), object))


def _mapped(files, row):
    import msgspec

    def struct(shape):
        kinds = [
            (f"f_{i}", struct(v) if isinstance(v, dict) else v, None) for i, v in enumerate(shape.values())
        ]
        names = {f"f_{i}": name for i, name in enumerate(shape)}
        return msgspec.defstruct("Part", kinds, rename=names)

    results = msgspec.defstruct("Results", [("results", list[struct(row)])])
    decoder = msgspec.json.Decoder(msgspec.defstruct("Export", [("results", results)]))
    for file in files:
        with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            decoder.decode(mapped)


def to_arrow(files, **settings):
    """Ours: everything that is kept, as Arrow batches."""
    from mbe_docs.evidence import columns, parts
    from mbe_docs.records.evals import Observation
    from mbe_docs.sources.interface import LogFile, Settings

    count = 0
    with parts.rarely_collected():
        for file in files:
            log, source = LogFile(file, file.name), _claimant(file)
            if source is None:
                continue
            log.sha256()  # an ingest has it before it reads
            begin, rows = cpu(), []
            for item in source.read(log, Settings(**settings)):
                if isinstance(item, Observation):
                    rows.append(item)
                    if len(rows) >= parts.ROWS_AT_ONCE:
                        count += columns.observation_batch(rows).num_rows
                        rows = []
            count += columns.observation_batch(rows).num_rows if rows else 0
            to_arrow.seconds += cpu() - begin
    assert count, "no score was found"


to_arrow.seconds = 0.0


def streamed(files):
    """Ours, made to stream the export in constant memory."""
    from mbe_docs.sources.interface import Limits

    to_arrow(files, limits=Limits(member_bytes=STREAM_LIMIT))


def _claimant(file):
    from mbe_docs.project.reading import claimant, sources
    from mbe_docs.sources.interface import LogFile

    return claimant(LogFile(file, file.name), sources())


def whole_ingest(files):
    """Ours: hash, read, write Parquet, commit."""
    from mbe_docs.evidence.store import EvidenceStore
    from mbe_docs.project.ingest import ingest
    from mbe_docs.project.logs import FoundLog
    from mbe_docs.sources.interface import Settings

    with tempfile.TemporaryDirectory(prefix="mbe-bench-") as folder:
        logs = [FoundLog(str(file), str(number)) for number, file in enumerate(files)]
        summary = ingest(logs, EvidenceStore(Path(folder)), Settings())
    assert summary.observations, "no score was found"


def known_again(files):
    """Ours: an ingest of a folder whose logs are all known."""
    from mbe_docs.evidence.store import EvidenceStore
    from mbe_docs.project.ingest import ingest
    from mbe_docs.project.logs import find_logs
    from mbe_docs.sources.interface import Settings

    (folder,) = files
    logs = find_logs([str(folder / "logs")], (".eval",))
    summary = ingest(logs, EvidenceStore(folder / "store"), Settings())
    print(summary.count("known"), "known", file=sys.stderr)


READERS = (inspect_peer, unpacked, unpacked_and_checked, lines_typed, mapped_typed, mapped_least, to_arrow)
READERS = {reader.__name__: reader for reader in (*READERS, streamed, whole_ingest, known_again)}

# -- what is compared: kind of file → readers, and bars as (reader, other reader, largest ratio)

COMPARED = {
    "Inspect": (
        ("inspect_peer", "unpacked", "unpacked_and_checked", "to_arrow", "whole_ingest"),
        (
            ("to_arrow", "inspect_peer", 1 / 30),
            ("whole_ingest", "inspect_peer", 1 / 20),
            ("to_arrow", "unpacked_and_checked", 2.5),
            ("to_arrow", "unpacked", None),
        ),
    ),
    "lm-eval": (("lines_typed", "to_arrow", "whole_ingest"), (("to_arrow", "lines_typed", 2.0),)),
    "promptfoo": (
        ("mapped_least", "mapped_typed", "to_arrow", "streamed", "whole_ingest"),
        (("to_arrow", "mapped_typed", 3.0), ("to_arrow", "mapped_least", None)),
    ),
}


def child(reader, files, python=sys.executable, warm=()):
    """CPU seconds and peak memory of one reader in a process of its own."""
    command = [python, __file__, "--step", reader, "--warm", *map(str, warm), "--", *map(str, files)]
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    if done.returncode:
        raise SystemExit(f"{reader} failed:\n{done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


class NoPandas:
    """Hides pandas: pyarrow imports it where it is installed, and mbe-docs neither needs nor installs it."""

    def find_spec(self, name, path=None, target=None):
        """Refuse it, and nothing else."""
        if name == "pandas":
            raise ImportError(name)


def step(reader, files, warm):
    """What `child` runs: a small read first, then the timed one."""
    read = READERS[reader]
    if reader != "inspect_peer":
        sys.meta_path.insert(0, NoPandas())
    if warm:
        read(warm)
    to_arrow.seconds = 0.0
    begin = cpu()
    read(files)
    seconds = to_arrow.seconds or cpu() - begin
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
    print(json.dumps({"cpu": seconds, "mb": peak}))


def compare(kind, files, warm, peer, rounds):
    """Print the readers of a kind of file, and their ratios; whether all are within their bars."""
    readers, bars = COMPARED[kind]
    readers = [name for name in readers if name != "inspect_peer" or peer]
    size = sum(file.stat().st_size for file in files) / 1e6
    print(f"\n{kind}: {len(files)} file(s), {size:,.1f} MB; medians of {rounds} round(s)")
    found = {name: [] for name in readers}
    for _ in range(rounds):
        for name in readers:
            python = peer if name == "inspect_peer" else sys.executable
            found[name].append(child(name, files, python, warm))
    seconds = {name: median(one["cpu"] for one in runs) for name, runs in found.items()}
    for name, runs in found.items():
        peak = median(one["mb"] for one in runs)
        about = READERS[name].__doc__.splitlines()[0]
        print(f"  {seconds[name]:8.3f} s  {peak:6.0f} MB  {name:21} {about}")
    is_good = True
    for ours, other, most in bars:
        if other not in seconds:
            print(f"  not measured: {ours} beside {other}; no Python with inspect_ai (see --peer)")
            continue
        ratio = seconds[ours] / seconds[other]
        text = f"1/{1 / ratio:.1f}" if ratio < 0.5 else f"{ratio:.2f}"
        bar = "" if most is None else f"; at most {f'1/{1 / most:.0f}' if most < 0.5 else most}"
        missed = most is not None and ratio > most
        print(f"  {ours} takes {text} of {other}{bar}{'  MISSED' if missed else ''}")
        is_good &= not missed
    return is_good


def memory(mb, folder):
    """Print the memory for a large log; whether it is as flat as it should be."""
    from generated import logs

    samples = max(2, int(mb * 1e6 / 97_000))
    path = logs.inspect_log(folder / "large.eval", samples, seed=7, distinct=40, chars=12_000)
    peak = child("whole_ingest", [path])["mb"]
    print(
        f"\nmemory: {path.stat().st_size / 1e6:,.0f} MB in one .eval log: {peak:.0f} MB at most; at most 150"
    )
    path.unlink()
    return peak <= 150


def known(count, folder):
    """Print what it costs to meet logs again; whether that is within its bar."""
    from generated import logs

    warm = folder / "warm"
    for where, many in ((folder, count), (warm, 1)):
        (where / "logs").mkdir(parents=True)
        for number in range(many):
            path = where / "logs" / f"{number:05d}.eval"
            logs.inspect_log(path, 1, seed=0, name=number, turns=1, chars=100)
    first = child("known_again", [folder], warm=[warm])["cpu"]
    again = child("known_again", [folder], warm=[warm])["cpu"]
    most = 2.0 * count / 10_000
    print(f"\nknown: {count:,} small logs: first {first:.2f} s, again {again:.2f} s; at most {most:.2f}")
    return again <= most


def generate(folder, scale):
    """The files of each kind."""
    from generated import logs

    samples, rows, results = (max(10, int(n * scale)) for n in (2000, 24_000, 30_000))
    return {
        "Inspect": [logs.inspect_log(folder / f"{name}.eval", samples, seed=name) for name in (1, 2)],
        "lm-eval": list(logs.lm_eval_logs(folder / "lm-eval", rows, seed=3)),
        "promptfoo": [logs.promptfoo_export(folder / "promptfoo.json", results, seed=4)],
    }


def sorted_out(files):
    """Files by kind, as mbe-docs claims them; samples of lm-eval belong to the results beside them."""
    kinds = {"inspect": "Inspect", "lm-eval": "lm-eval", "promptfoo": "promptfoo"}
    found = {}
    for file in files:
        source = _claimant(file)
        name = source.name if source is not None else "no"
        kind = kinds.get(name) or ("lm-eval" if file.name.startswith("samples_") else None)
        if kind is None:
            print(f"{file}: not measured; it is of {name} format that has a peer here")
        else:
            found.setdefault(kind, []).append(file)
    return found


def python_with_inspect(given):
    """A Python that imports inspect_ai, or `None` where none was named and this one has none."""
    command = [given or sys.executable, "-c", "import inspect_ai; print(inspect_ai.__version__)"]
    try:
        done = subprocess.run(command, capture_output=True, check=False, text=True)
    except OSError as error:
        raise SystemExit(f"--peer {given}: {error.strerror}") from error
    if done.returncode == 0:
        print(f"peer: inspect_ai {done.stdout.strip()}")
        return command[0]
    if given:
        print(
            f"--peer {given}: it has no inspect_ai; install it there: pip install inspect-ai", file=sys.stderr
        )
        raise SystemExit(2)
    return None


def main():
    """Make or take files, measure, print, judge."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("files", nargs="*", type=Path, metavar="FILE")
    parser.add_argument("--peer", help="a Python with inspect_ai")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scale", type=float, default=1.0, help="size of the generated files")
    parser.add_argument("--known", type=int, default=500, help="logs that are ingested twice; 0: none")
    parser.add_argument("--large", type=int, default=0, help="megabytes of the log for the memory; 0: none")
    parser.add_argument("--step", choices=READERS, help=argparse.SUPPRESS)
    parser.add_argument("--warm", nargs="*", type=Path, default=[], help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.step:
        return step(args.step, args.files, args.warm)
    peer = python_with_inspect(args.peer)
    with tempfile.TemporaryDirectory(prefix="mbe-bench-") as name:
        folder = Path(name)
        (folder / "warm").mkdir()
        warm = generate(folder / "warm", 0)
        groups = sorted_out(args.files) if args.files else generate(folder, args.scale)
        good = [compare(kind, files, warm[kind], peer, args.rounds) for kind, files in groups.items()]
        if args.known and not args.files:
            good.append(known(args.known, folder / "known"))
        if args.large:
            good.append(memory(args.large, folder))
    return int(not all(good))


if __name__ == "__main__":
    sys.exit(main())
