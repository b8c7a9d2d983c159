"""Kills an ingest at every system call on the store, fills and breaks its disk there, then kills it at random moments.

    python tests/evidence/run_kills.py [--random 200] [--seed 1]

Needs `strace`. Prints what went wrong, then one line of counts per fault; exit code 1 if anything did.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import shutil

from tests.evidence import faults, random_kills


def strike_all(folder: Path, fault: str) -> int:
    """One ingest per call; how many went wrong."""
    before = faults.project(folder / "before")
    undisturbed = faults.Undisturbed.of(before, folder / "undisturbed")
    found = faults.strikes(Path(shutil.copytree(before, folder / "counted")), fault)
    bad = hits = died = 0
    for number, what in enumerate(found):
        root = Path(shutil.copytree(before, folder / "struck"))
        done, is_hit = faults.strike(root, what)
        wrong = faults.faults_said(done, what, root, undisturbed)
        wrong += faults.faults_after(root, undisturbed)
        hits, died, bad = hits + is_hit, died + (done.code != 0), bad + bool(wrong)
        for line in wrong:
            print(f"{what}: {line}\n  {what.line[:200]}", flush=True)
        if number % 50 == 49:
            print(f"… {number + 1} of {len(found)}", file=sys.stderr, flush=True)
        shutil.rmtree(root)
    print(
        f"{fault}: {len(found)} calls, {hits} hit on the store, {died} ingests ended by it, {bad} wrong",
        flush=True,
    )
    return bad


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--random", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if not faults.works():
        print("error: strace is missing or may not trace\n  fix: install strace", file=sys.stderr)
        return 2
    bad = 0
    for fault in (faults.KILL, faults.FULL, faults.BROKEN):
        with tempfile.TemporaryDirectory() as folder:
            bad += strike_all(Path(folder), fault)
    with tempfile.TemporaryDirectory() as folder:
        wrong, counts = random_kills.run(Path(folder), options.random, options.seed)
    print("\n".join([*wrong, f"at random moments: {counts}, {len(wrong)} wrong"]))
    return 1 if bad or wrong else 0


if __name__ == "__main__":
    sys.exit(main())
