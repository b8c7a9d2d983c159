"""Damaged and hostile bytes: refused or reported, never a crash, never a number that was not there."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mbe_docs.errors import SourceError
from tests.sources.build_logs import Read, archive, encoded, header, members, sample

CORPORA = Path(__file__).parents[3] / "shared" / "corpora"
needs_corpora = pytest.mark.skipif(not CORPORA.is_dir(), reason="the corpora are not beside the project")

LIMITED = """
import resource, sys
from pathlib import Path
from mbe_docs.errors import SourceError
from tests.sources.build_logs import Read
resource.setrlimit(resource.RLIMIT_AS, (400 * 2**20, 400 * 2**20))
try:
    Read(Path(sys.argv[1]))
    print("read")
except SourceError as error:
    print(error)
"""

WHOLE = archive(members(header(), [sample(1, value=5), sample(2, value=7), sample(3, value="P")]), method=8)
TRUE = {("1", 5.0), ("2", 7.0), ("3", 0.5)}
quick = settings(
    max_examples=250,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
    derandomize=True,
)


def outcome(path):
    """What was read, or `None` where the file is refused."""
    try:
        return Read(path)
    except SourceError as error:
        if error.at is None:
            raise
        return None


def measured(read):
    """All numbers that were read."""
    return {(o.sample_id, o.value) for o in read.observations if o.value is not None} if read else set()


@quick
@given(st.lists(st.tuples(st.integers(0, len(WHOLE) - 1), st.integers(0, 255)), min_size=1, max_size=12))
def test_changed_bytes_never_crash_and_never_make_a_number(tmp_path, changes):
    """What is read from a damaged log is what the whole one says, or nothing."""
    data = bytearray(WHOLE)
    for at, value in changes:
        data[at] = value
    path = tmp_path / "a.eval"
    path.write_bytes(data)

    assert measured(outcome(path)) <= TRUE


@quick
@given(st.integers(0, len(WHOLE)), st.binary(max_size=40))
def test_a_log_cut_anywhere_never_crashes_and_never_makes_a_number(tmp_path, length, tail):
    """Also with other bytes behind the cut."""
    path = tmp_path / "a.eval"
    path.write_bytes(WHOLE[:length] + tail)

    assert measured(outcome(path)) <= TRUE


@quick
@given(st.data())
def test_changed_text_of_a_json_log_never_crashes(tmp_path, data):
    """There is no checksum in JSON: a changed digit is another digit, but nothing else may happen."""
    text = bytearray(encoded(header() | {"samples": [sample(1), sample(2, value=float("nan"))]}))
    for at, value in data.draw(
        st.lists(st.tuples(st.integers(0, len(text) - 1), st.integers(0, 255)), max_size=5)
    ):
        text[at] = value
    path = tmp_path / "a.json"
    path.write_bytes(text)

    outcome(path)


JUNK = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@quick
@given(st.sampled_from(sorted(sample())), JUNK)
def test_any_value_in_any_field_of_a_sample_is_read_or_reported(tmp_path, field, value):
    """A field of an unexpected type loses its sample with a finding; it does not stop the log."""
    path = tmp_path / "a.eval"
    listed = members(header(), [sample(9)])
    listed.insert(0, ("samples/x_epoch_1.json", json.dumps(sample(1) | {field: value}).encode()))
    path.write_bytes(archive(listed))
    read = Read(path)

    assert ("9", 1.0) in read.pairs()
    assert read.codes or any(o.sample_id != "9" for o in read.observations)


@quick
@given(st.sampled_from(sorted({**header(), "error": None, "tags": None, "metadata": None})), JUNK)
def test_any_value_in_any_field_of_the_header_is_read_or_refused(tmp_path, field, value):
    """A header has changed most between versions, so it is read with care."""
    path = tmp_path / "a.json"
    path.write_bytes(json.dumps(header() | {field: value, "samples": [sample()]}).encode())

    outcome(path)


@quick
@given(
    st.sampled_from(
        sorted(
            {
                **header()["eval"],
                "revision": 0,
                "tags": 0,
                "metadata": 0,
                "model_roles": 0,
                "task_args": 0,
                "model_args": 0,
                "solver": 0,
            }
        )
    ),
    JUNK,
)
def test_any_value_in_any_field_of_the_eval_is_read_or_refused(tmp_path, field, value):
    """The same for what was run."""
    path = tmp_path / "a.json"
    path.write_bytes(json.dumps(header(eval={field: value}) | {"samples": [sample()]}).encode())

    outcome(path)


@pytest.mark.parametrize(
    "parts", [("plan", "steps"), ("plan", "config"), ("results", "scores"), ("stats", "started_at")]
)
@quick
@given(value=JUNK)
def test_any_value_deeper_in_the_header_is_read_or_refused(tmp_path, parts, value):
    """Steps, settings, results and times."""
    outer, inner = parts
    path = tmp_path / "a.json"
    path.write_bytes(
        json.dumps(
            header()
            | {outer: {inner: [value, {"metrics": value, "name": value, "solver": value}]}}
            | {"samples": [sample()]}
        ).encode()
    )

    outcome(path)


def test_deeply_nested_json_is_a_lost_sample(tmp_path):
    """It costs the sample, not the process."""
    deep = encoded(sample(1))[:-1] + b', "store": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    path = tmp_path / "a.eval"
    path.write_bytes(archive([*members(header(), [sample(2)]), ("samples/1_epoch_1.json", deep)]))
    read = Read(path)

    assert (read.pairs(), read.codes) == ([("2", 1.0)], ["MBE210"])


def test_a_number_of_too_many_digits_is_a_lost_sample(tmp_path):
    """Python refuses to read it; the sample is named."""
    huge = encoded(sample(1))[:-1] + b', "total_time": ' + b"9" * 5000 + b"}"
    path = tmp_path / "a.eval"
    path.write_bytes(archive([*members(header(), [sample(2)]), ("samples/1_epoch_1.json", huge)]))
    read = Read(path)

    assert [pair for pair in read.pairs() if pair[0] == "2"] == [("2", 1.0)]


def test_a_bomb_is_refused_in_little_memory(tmp_path):
    """A gigabyte in a few kilobytes: the limit is named, nothing is unpacked."""
    path = tmp_path / "a.eval"
    listed = [*members(header(), [sample()]), ("samples/2_epoch_1.json", b" " * 600 * 2**20)]
    path.write_bytes(archive(listed))
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )

    assert done.stdout.strip() == "read"
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before < 10


@needs_corpora
@pytest.mark.published
@pytest.mark.parametrize(
    ("name", "problem"),
    [
        (
            "bomb_zstd.eval",
            "'samples/1_epoch_1.json': it unpacks to 1,073,741,824 bytes, above the limit of 536,870,912",
        ),
        ("lie_zstd.eval", "unpacks to more than the 100 bytes that its directory entry says"),
        ("empty.eval", "it holds neither header.json nor _journal/start.json"),
        ("html.eval", "it begins with '<html>login</html>'"),
        ("nocase.eval", "it holds neither header.json nor _journal/start.json"),
    ],
)
def test_archives_without_a_readable_header_are_refused(name, problem):
    """Each with its own reason, within 400 MiB of address space."""
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(CORPORA / "eval_zip" / name)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )

    assert problem in done.stdout


@needs_corpora
@pytest.mark.published
@pytest.mark.parametrize(
    ("name", "status", "attempts", "codes"),
    [
        ("ok.eval", "success", 5, ["MBE215"]),
        ("dup.eval", "success", 1, ["MBE213", "MBE215"]),
        ("encflag.eval", "partial", 5, ["MBE212"]),
        ("flip.eval", "success", 5, ["MBE213", "MBE215"]),
        ("headeronly.eval", "partial", 0, ["MBE215"]),
        ("inspect_0.3.285_success_200.eval", "success", 200, []),
        ("inspect_cut_50pct.eval", "partial", 107, ["MBE212", "MBE210"]),
        ("inspect_killed_30of200.eval", "partial", 30, []),
        ("journal_only.eval", "partial", 1, []),
        ("nested.eval", "partial", 0, ["MBE210", "MBE215"]),
        ("prefix.eval", "success", 5, ["MBE213", "MBE215"]),
        ("slip.eval", "partial", 0, ["MBE215"]),
        ("trunc.eval", "partial", 3, ["MBE212", "MBE210", "MBE215"]),
    ],
)
def test_odd_archives_read_as_what_is_in_them(tmp_path, monkeypatch, name, status, attempts, codes):
    """No file appears outside, and no samples are never a success."""
    monkeypatch.chdir(tmp_path)
    read = Read(CORPORA / "eval_zip" / name)

    assert (status, attempts, codes) == (read.run.status, len(read.observations), read.codes)
    assert list(tmp_path.iterdir()) == []


@needs_corpora
@pytest.mark.published
@pytest.mark.parametrize("path", sorted(CORPORA.glob("json*/*.json")), ids=lambda path: path.name)
def test_odd_json_is_never_more_than_a_lost_sample(tmp_path, path):
    """As the whole log it is refused; as a sample, as metadata and as a score it costs at most itself."""
    odd = path.read_bytes()
    whole = tmp_path / "whole.json"
    whole.write_bytes(odd)
    assert outcome(whole) is None
    filled = encoded(sample(2))
    inside = tmp_path / "inside.eval"
    listed = members(header(), [sample(1)])
    listed[1:1] = [
        ("samples/2_epoch_1.json", odd),
        (
            "samples/3_epoch_1.json",
            filled.replace(b'{"kind": "easy"}', b'{"x": ' + odd + b"}").replace(b'"id": 2', b'"id": 3'),
        ),
        (
            "samples/4_epoch_1.json",
            filled.replace(b'"value": "C"', b'"value": ' + odd).replace(b'"id": 2', b'"id": 4'),
        ),
    ]
    inside.write_bytes(archive(listed))
    read = Read(inside)

    assert ("1", 1.0) in read.pairs()
    assert 0.0 not in [value for _, value in read.pairs()] or b"0" in odd or b"false" in odd
