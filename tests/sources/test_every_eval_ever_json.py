"""JSON documents and lines as foreign tools write them."""

import pytest

from mbe_docs.sources import every_eval_ever_json
from mbe_docs.sources.decoding import DocumentError
from mbe_docs.sources.every_eval_ever_json import count_in, document_of, lines_of, parsed, time_of, uri_of
from mbe_docs.sources.interface import LogFile


def test_lines_are_objects_or_say_why_not(tmp_path):
    """Blank lines and a byte order mark are passed over; numbers are those of the file."""
    path = tmp_path / "a.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}\n\n  \n[]\n{\n\xff\n{"a": NaN}')
    found = [
        (line.number, line.value, line.problem and line.problem.split(":")[0]) for line in lines_of(path)
    ]

    assert found == [
        (1, {"a": 1}, None),
        (4, {}, "not an object"),
        (5, {}, "not JSON"),
        (6, {}, "not UTF-8 at byte 0"),
        (7, {"a": None}, None),
    ]


def test_a_line_without_end_does_not_fill_the_memory(tmp_path, monkeypatch):
    """Nothing after it is read, and that is said."""
    monkeypatch.setattr(every_eval_ever_json, "LINE_BYTES", 20)
    path = tmp_path / "a.jsonl"
    path.write_text('{"a": 1}\n' + "x" * 50 + '\n{"a": 2}\n')
    first, second = lines_of(path)

    assert first.value == {"a": 1}
    assert second.problem == "a line above the limit of 20 bytes; nothing after it is read"


def test_a_value_nested_too_deeply_is_refused():
    """Where the parser can follow and hashing cannot, too; in the strict and in the tolerant parser."""
    for start in (b'{"a": NaN, "b": ', b'{"b": '):
        assert parsed(start + b"[" * 90 + b"]" * 90 + b"}").value
        for depth in (101, 400, 900, 100_000):
            with pytest.raises(DocumentError, match="nested too deeply"):
                parsed(start + b"[" * depth + b"]" * depth + b"}")


@pytest.mark.parametrize("data", [b"5", b'"a"', b"null", b"[]", b"{}", b"[1]", b'{"a": [{}, 1]}'])
def test_any_json_value_is_a_document(data):
    """What it should have been is for others to say."""
    assert parsed(data).notes == ()


def test_a_document_that_cannot_be_had_is_said(tmp_path):
    """Missing, too large, or a folder."""
    (tmp_path / "a.json").write_text("[1, 2, 3]")

    for name, limit, problem in (
        ("b.json", 9, "no such file"),
        ("a.json", 5, "above the limit of 5"),
        (".", 9**9, "cannot be opened"),
    ):
        with pytest.raises(DocumentError, match=problem):
            document_of(tmp_path / name, limit)


@pytest.mark.parametrize(
    ("stamp", "time"),
    [
        (0, "1970-01-01T00:00:00+00:00"),
        ("1767225600.5", "2026-01-01T00:00:00.500000+00:00"),
        ("2026-01-01T02:00:00+02:00", "2026-01-01T00:00:00+00:00"),
        ("soon", None),
        ("nan", None),
        (1e300, None),
        (None, None),
        (True, None),
        ([], None),
    ],
)
def test_times_are_seconds_or_iso(stamp, time):
    """What is no time is unknown."""
    assert time_of(stamp) == time


@pytest.mark.parametrize(
    ("stated", "count"), [(0, 0), (7, 7), (-1, None), (2**63, None), (1.5, None), (True, None)]
)
def test_counts_fit_every_store(stated, count):
    """What does not is unknown."""
    assert count_in(stated) == count


def test_files_beside_a_log_are_called_as_the_log_is(tmp_path):
    """Findings never show where the machine keeps them."""
    log = LogFile(tmp_path / "in" / "result" / "m" / "a.json", "result/m/a.json")

    assert uri_of(log, tmp_path / "in" / "score" / "m" / "a.json") == "score/m/a.json"
    assert uri_of(log, tmp_path / "in" / "result" / "m" / "b.json") == "result/m/b.json"
