"""The evidence store, used by one process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mbe_docs.errors import EvidenceError, Location
from mbe_docs.evidence import files, parts
from mbe_docs.evidence.aggregate import Aggregation
from mbe_docs.evidence.run_counts import run_counts
from mbe_docs.evidence.selection import Selected
from mbe_docs.evidence.store import EvidenceStore
from mbe_docs.records.evals import Excerpt
from mbe_docs.records.findings import Finding
from tests import make
from tests.evidence.logs import ingest, log, observation, tree, write

EXCERPT = Excerpt(
    "x:1", "a", 1, "2+2?", None, "5", (("match", "I", "5", "it is 4"), ("judge", None, None, None))
)


@pytest.fixture
def store(tmp_path: Path) -> EvidenceStore:
    """A store that is not there yet."""
    return EvidenceStore(tmp_path / "evidence")


def corrupt(path: Path, at: int = -100) -> None:
    """Flip one bit of a file."""
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(bytes(data))


def test_an_empty_store_can_be_read(store):
    """A project that never ingested has no runs and nothing wrong."""
    assert (store.list(), store.runs(), store.known(), store.verify()) == ((), (), frozenset(), ())


def test_a_run_comes_back_as_it_was_written(store):
    """Every field of the record survives the footer of the part."""
    run = make.run(run_key="x:1", generation_params={"temperature": 0.8, "stop": None}, tags=("a", "模型"))

    ingest(store, "a.log", [run, observation()])

    assert [run] == [stored.run for stored in store.runs()]


def test_observations_come_back_as_they_were_written(store):
    """Every column of the part holds the field of its name."""
    rows = [
        observation(
            sample="a", value=0.1, metadata={"z": "1", "a": "ü"}, tokens_in=3, cost_nusd=7, latency_us=9
        ),
        observation(sample="b", value=None, outcome="refused", label="no", served_by_fallback=True),
    ]

    entry = ingest(store, "a.log", log(rows=rows))

    found = pq.read_table(store.part_path(entry)).to_pylist()
    assert [row._asdict() | {"metadata": sorted(row.metadata.items())} for row in rows] == found


def test_a_run_may_come_after_its_observations_and_the_last_one_counts(store):
    """As the stream of a source is defined."""
    ingest(
        store, "a.log", [make.run(run_key="x:1", status="partial"), observation(), make.run(run_key="x:1")]
    )

    assert [stored.run.status for stored in store.runs()] == ["success"]


def test_one_log_may_hold_several_runs(store):
    """They are listed in the order of their keys."""
    items = [*log("x:2"), *log("x:1")]

    entry = ingest(store, "a.log", items)

    assert [run.run_key for run in entry.runs] == ["x:1", "x:2"]
    assert [stored.run.run_key for stored in store.runs()] == ["x:1", "x:2"]


def test_findings_of_the_stream_are_handed_back(store):
    """In their order, with our own after them."""
    finding = Finding("MBE210", "warning", "line 3 is torn", Location("logs/a.log", 3), "write it again")
    rows = [observation(value=float("nan")), observation(value=float("inf"))]

    _, findings = store.write_part(
        [finding, *log(rows=rows)], source_sha256="0" * 64, source_uri="logs/a.log", source_format="x"
    )

    assert [finding.code, "MBE255"] == [found.code for found in findings]
    assert findings[1].problem.startswith("2 scores are NaN or infinite")


def test_a_score_that_is_no_number_is_kept_as_unscored(store):
    """Unknown is not zero, and not a measurement."""
    entry = ingest(store, "a.log", log(rows=[observation(value=float("nan"), outcome="scored")]))

    row = pq.read_table(store.part_path(entry)).to_pylist()[0]
    assert (row["value"], row["outcome"]) == (None, "unscored")


def test_text_that_utf8_cannot_hold_is_marked(store):
    """A lone surrogate, which Python's JSON reader lets through, does not stop an ingest."""
    rows = [observation(sample="a\ud800", metadata={"k": "\udfff"}, label="fine")]

    entry = ingest(store, "a.log", log(rows=rows))

    row = pq.read_table(store.part_path(entry)).to_pylist()[0]
    assert (row["sample_id"], row["metadata"], row["label"]) == ("a\ufffd", [("k", "\ufffd")], "fine")


def test_text_of_attempts_that_utf8_cannot_hold_is_marked(store):
    """In every field, and only there."""
    hostile = EXCERPT._replace(output="\ud800!", scores=(("match", None, "\udfff", None),))
    ingest(store, "a\udc80.log", [*log(), hostile])

    assert store.excerpts("x:1", 1) == (
        EXCERPT._replace(output="\ufffd!", scores=(("match", None, "\ufffd", None),)),
    )
    assert store.list()[0].source_uri == "logs/a\ufffd.log"


def test_a_log_without_a_run_is_refused(store):
    """Scores that belong to nothing cannot be used."""
    with pytest.raises(EvidenceError, match="no run was found"):
        write(store, "a.log", [])


def test_scores_of_a_run_that_is_not_stated_are_refused(store):
    """Nothing is dropped in silence."""
    with pytest.raises(EvidenceError, match="'x:2', which the log does not state"):
        write(store, "a.log", [*log("x:1"), observation("x:2")])


def test_a_value_that_no_column_holds_is_refused_with_its_name(store):
    """Rather than wrapped around."""
    with pytest.raises(EvidenceError, match="tokens_in does not fit"):
        write(store, "a.log", log(rows=[observation(tokens_in=2**70)]))


def test_a_source_that_fails_leaves_nothing_behind(store):
    """Its own error comes through."""

    def broken():
        yield from log()
        raise RuntimeError("torn")

    with pytest.raises(RuntimeError, match="torn"):
        write(store, "a.log", broken())

    assert tree(store.root) == {}


def test_nothing_is_in_the_store_before_it_is_committed(store):
    """A part that no manifest lists is invisible."""
    write(store, "a.log", log())

    assert (store.list(), store.known()) == ((), frozenset())


def test_a_commit_takes_many_logs_in_one_manifest(store):
    """Ten thousand files do not make ten thousand manifests."""
    made = store.commit([write(store, name, log(f"x:{name}")) for name in "abc"])

    assert (made.number, len(made.parts)) == (1, 3)
    assert made == store.manifest()


def test_ingesting_a_log_again_changes_no_byte(store):
    """Neither the manifest nor the part."""
    ingest(store, "a.log", log())
    before = tree(store.root)

    ingest(store, "a.log", log())

    assert before == tree(store.root)


def test_the_same_log_gives_the_same_bytes_in_another_store(store, tmp_path):
    """Whatever the place, the time, and the order of metadata."""
    one = write(store, "a.log", log(rows=[observation(metadata={"a": "1", "b": "2"})]))
    other = EvidenceStore(tmp_path / "other")

    two = write(other, "a.log", log(rows=[observation(metadata={"b": "2", "a": "1"})]))

    assert one == two


def test_the_order_of_commits_does_not_show_in_what_is_listed(store, tmp_path):
    """Two checkouts that ingested the same logs hold the same list."""
    other = EvidenceStore(tmp_path / "other")

    for name in "abc":
        ingest(store, name, log(f"x:{name}"))
    for name in "cab":
        ingest(other, name, log(f"x:{name}"))

    assert store.list() == other.list()


def test_an_edited_log_supersedes_the_older_one_and_both_stay_listed(store):
    """The later end counts, though it was ingested first."""
    late = ingest(store, "late", log(finished_at="2026-05-01T12:00:00+02:00", status="success"))
    early = ingest(store, "early", log(finished_at="2026-05-01T09:00:00Z", status="error"))

    by_source = {stored.entry.source_sha256: stored for stored in store.runs()}
    assert by_source[late.source_sha256].superseded_by is None
    assert by_source[early.source_sha256].superseded_by == late.source_sha256
    assert {early.source_sha256: True, late.source_sha256: False} == {
        entry.source_sha256: entry.superseded for entry in store.list()
    }


def test_a_finished_log_supersedes_the_same_run_when_it_was_still_going(store):
    """The end is later than the start of a log that states no end."""
    ingest(store, "done", log(started_at="2026-05-01T10:00:00Z", finished_at="2026-05-01T11:00:00Z"))
    ingest(store, "going", log(started_at="2026-05-01T10:00:00Z", status="partial"))

    assert [stored.run.status for stored in store.runs() if stored.superseded_by is None] == ["success"]


def test_versions_of_the_same_time_are_decided_by_hash(store):
    """The higher one counts, whichever came first."""
    entries = [ingest(store, name, log(finished_at=None, started_at=None)) for name in "abc"]

    highest = max(entry.source_sha256 for entry in entries)
    assert [highest] == [run.entry.source_sha256 for run in store.runs() if run.superseded_by is None]


def test_a_log_with_one_superseded_run_still_counts_for_the_other(store):
    """Only the part as a whole is listed as superseded when all its runs are."""
    both = [*log("x:1", [observation("x:1", value=0.0)]), *log("x:2", [observation("x:2", value=0.0)])]
    ingest(store, "both", both)
    ingest(store, "newer", log("x:1", finished_at="2030-01-01T00:00:00Z"))

    with Aggregation(store, [Selected(0, "x:1", "match"), Selected(1, "x:2", "match")]) as aggregation:
        arms = aggregation.arms()

    assert [entry.superseded for entry in store.list()] == [False, False]
    assert arms.primary.total.tolist() == [1.0, 0.0]
    assert arms.attempts.tolist() == [1, 1]
    assert [run_counts(store, ["x:1", "x:2"])[key].attempts for key in ("x:1", "x:2")] == [1, 1]


def test_excerpts_are_kept_apart_and_only_where_there_are_any(store):
    """A store without text has no file of text."""
    bare = ingest(store, "bare", log("x:2"))
    full = ingest(store, "full", [*log(), EXCERPT, EXCERPT._replace(sample_id="b")])

    assert bare.excerpts is None
    assert store.excerpts("x:1", 10) == (EXCERPT, EXCERPT._replace(sample_id="b"))
    assert store.excerpts("x:1", 1) == (EXCERPT,)
    assert [excerpt.sample_id for excerpt in store.excerpts("x:1", 10, sample_ids=["b", "c"])] == ["b"]
    assert store.excerpts("x:2", 10) == ()
    assert full.part != full.excerpts


def test_names_of_files_come_from_hashes_only(store):
    """Nothing a log says can reach a path."""
    ingest(store, "../../etc/passwd", [*log("../x", [observation("../x", sample="../../b")])])

    names = {path.name.split(".")[0] for path in store.root.rglob("*") if path.is_file()}
    assert all(set(name) <= set("0123456789abcdef") for name in names)


def test_rows_are_written_in_groups_of_bounded_size(store, monkeypatch):
    """By number of rows, and by the length of their text."""
    monkeypatch.setattr(parts, "ROWS_PER_GROUP", 10)
    monkeypatch.setattr(parts, "CHARS_PER_GROUP", 100)
    short = write(store, "short", log(rows=[observation() for _ in range(25)]))
    long = write(store, "long", log(rows=[observation(metadata={"k": "x" * 60}) for _ in range(5)]))

    groups = [
        [file.row_group(i).num_rows for i in range(file.num_row_groups)]
        for file in (pq.read_metadata(store.part_path(entry)) for entry in (short, long))
    ]
    assert groups == [[10, 10, 5], [2, 2, 1]]


def test_memory_stays_flat_however_long_the_log(tmp_path):
    """150,000 attempts take no more than 35,000 do, but for a row group."""
    script = (
        "import resource, sys; sys.path.insert(0, '.')\n"
        "from pathlib import Path; from tests.evidence.logs import *\n"
        "def rows(n): return (observation(sample=str(i % 100), metadata={'k': 'v' * 40}) for i in range(n))\n"
        "store = EvidenceStore(Path(sys.argv[1]))\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "write(store, 'warm', log(rows=rows(35_000))); before = peak()\n"
        "write(store, 'long', log(rows=rows(150_000))); print(peak() - before)\n"
    )

    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path], capture_output=True, text=True, check=True
    )

    peak_kib = int(done.stdout)
    assert peak_kib < 40_000


def test_a_flipped_bit_in_a_part_is_found(store):
    """And said with what to do about it."""
    entry = ingest(store, "a.log", log())
    corrupt(store.part_path(entry))

    findings = store.verify()

    assert [str(finding).removeprefix(f"{store.part_path(entry)}: ") for finding in findings] == [
        "MBE250 error: the evidence from logs/a.log is not as it was written; none of it is used\n"
        "  fix: ingest logs/a.log again"
    ]


def test_every_flipped_bit_of_a_part_is_found(store):
    """DuckDB by itself read 140 of 200 such files with wrong values and no error."""
    entry = ingest(store, "a.log", log())
    path = store.part_path(entry)
    whole = path.read_bytes()

    missed = []
    for at in range(0, len(whole), 7):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 4]) + whole[at + 1 :])
        os.utime(path, ns=(at, at))
        missed += [at] * (not store.verify())

    assert missed == []


def test_a_damaged_part_is_never_used(store):
    """Neither its runs, nor its rows; the others still are."""
    bad = ingest(store, "bad", log("x:1"))
    ingest(store, "good", log("x:2"))
    corrupt(store.part_path(bad))

    loaded = store.load()

    assert (
        [stored.run.run_key for stored in loaded.runs],
        [finding.code for finding in loaded.findings],
    ) == (["x:2"], ["MBE250"])
    with pytest.raises(EvidenceError, match="MBE250"):
        store.runs()
    with pytest.raises(EvidenceError, match="MBE250"):
        Aggregation(store, [Selected(0, "x:1", "match")])


def test_a_damaged_newer_version_does_not_bring_the_older_one_back(store):
    """The number that a superseded log gave would look like the current one."""
    ingest(store, "old", log(finished_at="2026-01-01T00:00:00Z"))
    new = ingest(store, "new", log(finished_at="2026-01-02T00:00:00Z"))
    corrupt(store.part_path(new))

    assert [stored for stored in store.load().runs if stored.superseded_by is None] == []


def test_a_part_that_is_gone_is_found(store):
    """As missing, which is another code."""
    entry = ingest(store, "a.log", log())
    store.part_path(entry).unlink()

    assert [finding.code for finding in store.verify()] == ["MBE251"]
    assert (frozenset(), frozenset()) == (store.known(), store.intact([entry.source_sha256]))


def test_ingesting_the_log_again_mends_a_damaged_part(store):
    """As the finding says."""
    entry = ingest(store, "a.log", log())
    before = tree(store.root)
    corrupt(store.part_path(entry))
    assert store.intact([entry.source_sha256]) == frozenset()

    ingest(store, "a.log", log())

    assert (before, ()) == (tree(store.root), store.verify())
    assert store.intact([entry.source_sha256]) == {entry.source_sha256}


def test_damaged_text_is_found_and_not_shown(store):
    """Excerpts have their own hash."""
    entry = ingest(store, "a.log", [*log(), EXCERPT])
    corrupt(store.excerpts_path(entry))

    assert [finding.code for finding in store.verify()] == ["MBE250"]
    with pytest.raises(EvidenceError, match="MBE250"):
        store.excerpts("x:1", 1)


@pytest.mark.parametrize("change", [b"x:1", b'"rows":1', b'"number":2', b'"status":"success"', b'"sha256":"'])
def test_a_changed_digit_in_a_manifest_is_found(store, change):
    """The one before it is used, and a person is told."""
    ingest(store, "a", log("x:0"))
    ingest(store, "b", log("x:1"))
    path = store.root / "manifests" / "00000002.json"
    data = path.read_bytes()
    at = data.rindex(change) + len(change) - 1
    path.write_bytes(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :])

    loaded = store.load()

    assert (
        [stored.run.run_key for stored in loaded.runs],
        [finding.code for finding in loaded.findings],
    ) == (["x:0"], ["MBE252"])


def test_a_manifest_that_cannot_be_read_is_an_error(store):
    """Others may be able to, so it is not taken for damaged."""
    (store.root / "manifests" / "00000001.json").mkdir(parents=True)

    with pytest.raises(EvidenceError, match="cannot read"):
        store.manifest()


def test_files_of_other_names_among_the_manifests_are_passed_over(store):
    """A copy that an editor left is no state of the store."""
    ingest(store, "a", log())
    for name in ("1.json", "00000001.json~", "notes.json", "٣.json"):
        (store.root / "manifests" / name).write_text("{}")

    assert (store.manifest().number, store.verify()) == (1, ())


def test_nothing_is_added_on_top_of_a_damaged_manifest(store):
    """What it listed would be lost without a word."""
    ingest(store, "a", log("x:0"))
    path = store.root / "manifests" / "00000001.json"
    path.write_bytes(path.read_bytes()[:-20])

    with pytest.raises(EvidenceError, match="MBE252"):
        ingest(store, "b", log("x:1"))


def test_a_manifest_of_a_newer_version_is_refused(store):
    """Rather than taken for damaged."""
    ingest(store, "a", log())
    path = store.root / "manifests" / "00000001.json"
    path.write_text(json.dumps({"format": 2, "number": 1, "shards": []}))

    with pytest.raises(EvidenceError, match="knows up to 1") as caught:
        store.manifest()

    assert caught.value.fix == "install a newer mbe-docs"


@pytest.mark.parametrize("content", ['{"format":0}', '{"format":"1"}', "[]", "", '{"format":1}'])
def test_a_manifest_of_no_known_form_is_damaged(store, content):
    """And no reason to look for a newer version."""
    (store.root / "manifests").mkdir(parents=True)
    (store.root / "manifests" / "00000001.json").write_text(content)

    assert [finding.code for finding in store.verify()] == ["MBE252"]


def test_a_manifest_names_the_one_before_it(store):
    """A chain of hashes, as in version control."""
    ingest(store, "a", log("x:0"))
    first = files.sha256_of(store.root / "manifests" / "00000001.json")
    ingest(store, "b", log("x:1"))

    assert first == store.manifest().previous


def test_an_entry_whose_part_is_not_there_cannot_be_committed(store):
    """A manifest lists only what can be read."""
    entry = write(store, "a.log", log())
    store.part_path(entry).unlink()

    with pytest.raises(EvidenceError, match="MBE251"):
        store.commit([entry])


def test_files_are_open_to_whom_the_umask_lets(store):
    """A store on a shared disk is read by others."""
    old = os.umask(0o022)
    try:
        entry = ingest(store, "a.log", log())
    finally:
        os.umask(old)

    assert [
        path.stat().st_mode & 0o777
        for path in (store.part_path(entry), store.root / "manifests/00000001.json")
    ] == [0o644] * 2


def test_a_part_states_what_it_is(store):
    """In the footer, so that a part alone can be told from any other Parquet file."""
    entry = ingest(store, "a.log", log())

    metadata = pq.read_metadata(store.part_path(entry)).metadata

    assert (b"1", entry.source_sha256.encode(), b"x") == tuple(
        metadata[f"mbe_docs.{key}".encode()] for key in ("format", "source_sha256", "source_format")
    )


def test_readers_other_than_ours_can_check_pages(store):
    """pyarrow refuses a page whose checksum is wrong; DuckDB does not look."""
    entry = ingest(store, "a.log", log(rows=[observation(sample=str(i)) for i in range(1000)]))
    path = store.part_path(entry)
    corrupt(path, at=200)

    with (
        pytest.raises((OSError, pa.ArrowException)),
        pq.ParquetFile(path, page_checksum_verification=True) as file,
    ):
        file.read()
