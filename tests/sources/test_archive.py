"""Zip archives as they come: whole, odd, damaged and hostile."""

from __future__ import annotations

import io
import struct
import zipfile
import zlib

import pytest
import zstandard

from mbe_docs.errors import SourceError
from mbe_docs.sources.archive import Archive, MemberError
from mbe_docs.sources.interface import Limits, Settings
from mbe_docs.sources.zip_directory import ArchiveError
from tests.sources.build_logs import Read, archive, encoded, header, members, pack, sample

TEXT = b'{"a": "' + b"x" * 5000 + b'"}'
ONE = [("samples/1_epoch_1.json", TEXT)]


def opened(data, **limits):
    """An archive of these bytes."""
    return Archive(io.BytesIO(data), Limits(**limits))


def contents(data, **limits):
    """Names and data of an archive."""
    found = opened(data, **limits)
    return {name: found.read(member) for name, member in found.contents.members.items()}


def refusal(data, **limits):
    """Why its first member is refused."""
    found = opened(data, **limits)
    with pytest.raises(MemberError) as caught:
        found.read(next(iter(found.contents.members.values())))
    return str(caught.value)


def patched(data, old, new):
    """Bytes with a part replaced that must be there."""
    assert old in data
    return data.replace(old, new)


@pytest.mark.parametrize("method", [0, 8, 93])
@pytest.mark.parametrize("text", [TEXT, b""])
def test_members_are_read_however_they_are_packed(method, text):
    """Stored, deflate and Zstandard."""
    assert {"a/b": text} == contents(archive([("a/b", text)], method=method))


def test_zstandard_of_several_frames_is_read_whole():
    """Inspect begins a frame every 200 MiB; a reader of one frame would return a part."""
    assert contents(archive([("a", TEXT)], frames=4)) == {"a": TEXT}


@pytest.mark.parametrize("length", [0, 60, 64, 65, 4000])
def test_extra_fields_of_any_length_are_passed_over(length):
    """Before a member, more than is usual may stand: it is read along, or around."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        for name in ("a", "b"):
            info = zipfile.ZipInfo(name)
            info.compress_type = zipfile.ZIP_DEFLATED
            info.extra = struct.pack("<HH", 0xCAFE, length - 4) + b"x" * (length - 4) if length else b""
            made.writestr(info, TEXT)
    assert contents(file.getvalue()) == {"a": TEXT, "b": TEXT}


@pytest.mark.parametrize("method", [8, 93])
def test_a_streamed_archive_is_read_through_its_directory(method):
    """Writers that cannot seek leave sizes out of local headers."""
    assert contents(archive([("a", TEXT), ("b", b"{}")], method=method, descriptor=True)) == {
        "a": TEXT,
        "b": b"{}",
    }


def test_the_last_of_equal_names_counts():
    """Inspect edits a log by appending."""
    found = opened(archive([("a", b"1"), ("b", b"2"), ("a", b"3")]))

    assert {name: found.read(one) for name, one in found.contents.members.items()} == {"b": b"2", "a": b"3"}
    assert "1 members are there more than once" in found.contents.notes[0]


def test_bytes_before_the_archive_are_a_note():
    """Self-extracting archives have them; a log has no reason to."""
    found = opened(b"#!" + archive(ONE))

    assert found.read(found.contents.members[ONE[0][0]]) == TEXT
    assert found.contents.notes == ("2 bytes come before the archive",)


@pytest.mark.parametrize(
    ("data", "limits", "problem"),
    [
        (archive(ONE), {"member_bytes": 100}, "above the limit of 100 bytes for one member"),
        (archive([("a", b"x" * 2**21)]), {"ratio": 100}, "above the limit of 100 to 1"),
        (archive(ONE, method=12), {}, "compression method 12 is unknown; expected 0, 8 or 93"),
    ],
)
def test_a_member_above_a_limit_is_refused_before_it_is_unpacked(data, limits, problem):
    """The message names the limit."""
    assert problem in refusal(data, **limits)


@pytest.mark.parametrize("method", [0, 8, 93])
@pytest.mark.parametrize("stated", [100, 10_000])
def test_a_member_that_lies_about_its_size_is_refused(method, stated):
    """Neither more nor less than the directory says."""
    true = struct.pack("<I", len(TEXT))

    assert refusal(patched(archive(ONE, method=method), true, struct.pack("<I", stated)))


def test_a_frame_that_states_another_size_is_refused_at_once():
    """The frame's own claim decides how much memory would be taken."""
    data = archive(ONE)

    assert "it unpacks to 5,009 bytes; its directory entry says 7" in refusal(
        patched(data, struct.pack("<I", len(TEXT)), struct.pack("<I", 7))
    )


def test_frames_that_unpack_to_more_than_stated_are_refused():
    """A frame need not say how long it is."""
    packer = zstandard.ZstdCompressor().compressobj()
    endless = packer.compress(TEXT * 100) + packer.flush()
    data = bytearray(archive([("a", endless)], method=0))
    size = struct.pack("<I", len(endless))
    data = patched(
        patched(bytes(data), size + size, size + struct.pack("<I", 7)),
        b"\x14\x00\x00\x00\x00\x00\x00",
        b"\x14\x00\x00\x00\x5d\x00\x00",
    )

    assert "damaged, or unpacks to more than the 7 bytes" in refusal(data)


@pytest.mark.parametrize("method", [0, 8, 93])
def test_a_damaged_byte_is_noticed(method):
    """A checksum guards every member: a damaged log must not become another number."""
    data = bytearray(archive(ONE, method=method))
    data[60] ^= 1

    assert refusal(bytes(data))


def test_deflate_data_that_ends_early_is_refused():
    """The stream itself knows that it is not over."""
    cut = pack(TEXT, 8)[:-3]
    data = patched(
        archive([("a", cut)], method=0),
        struct.pack("<2I", len(cut), len(cut)),
        struct.pack("<2I", len(cut), len(TEXT)),
    )
    data = patched(data, b"\x14\x00\x00\x00\x00\x00\x00", b"\x14\x00\x00\x00\x08\x00\x00")

    assert "ends too early" in refusal(data)


def test_an_encrypted_member_is_refused():
    """There is no password to ask for."""
    data = archive(ONE)
    at = data.index(b"PK\x01\x02") + 8

    assert refusal(data[:at] + b"\x01" + data[at + 1 :]) == "it is encrypted"


def test_a_name_that_differs_in_the_file_is_refused():
    """Two readers would disagree on what the member is."""
    data = archive([("samples/a.json", b"{}")])

    assert "its name in the file differs" in refusal(data.replace(b"samples/a", b"samples/b", 1))


def test_a_member_that_is_not_where_the_directory_says_is_refused():
    """An offset into the middle of nothing."""
    data = archive([("a", b"{}"), ("b", b"{}")])

    assert "there is no member where the directory says" in refusal(b"XX" + data[2:])


def test_an_entry_outside_the_file_is_a_damaged_directory():
    """The members are found by walking the file instead."""
    data = archive(ONE)
    at = data.index(b"PK\x01\x02") + 42
    found = opened(data[:at] + struct.pack("<I", 10**6) + data[at + 4 :])

    assert found.contents.is_recovered
    assert [*found.contents.members] == [ONE[0][0]]


def test_overlapping_members_are_not_read():
    """A small file could unpack to anything if members shared bytes."""
    data = archive([("a", TEXT), ("b", TEXT)], method=0)
    second = data.index(b"PK\x01\x02", data.index(b"PK\x01\x02") + 4)
    data = data[: second + 42] + struct.pack("<I", 10) + data[second + 46 :]
    found = opened(data)

    assert [*found.contents.members] == ["a"]
    assert any("overlap" in note for note in found.contents.notes)


def test_a_directory_that_is_too_long_is_refused():
    """Ten million empty members are an attack."""
    many = archive([(str(i), b"") for i in range(20)])

    with pytest.raises(ArchiveError, match="20 members, above the limit of 10"):
        opened(many, members=10)
    with pytest.raises(ArchiveError, match="more members than the limit of 10"):
        opened(many[: many.index(b"PK\x01\x02")], members=10)


def test_members_that_the_directory_does_not_name_are_noted():
    """Something was hidden, or an edit left it behind: either way a person should know."""
    whole = archive([("a", b"1"), ("b", b"2"), ("c", b"3")], method=0)
    second = whole.index(b"PK\x01\x02", whole.index(b"PK\x01\x02") + 4)
    third = whole.index(b"PK\x01\x02", second + 4)
    end = whole.index(b"PK\x05\x06")
    length = end - whole.index(b"PK\x01\x02") - (third - second)
    fewer = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 2, 2, length, whole.index(b"PK\x01\x02"), 0)
    found = opened(whole[:second] + whole[third:end] + fewer)

    assert [*found.contents.members] == ["a", "c"]
    assert found.contents.notes == (
        "at least 1 members in the file are not in its directory; they are not read",
    )


def test_a_false_directory_in_the_comment_does_not_hide_members():
    """The directory with the most members counts, and that there are two is said."""
    data = archive(ONE)
    false = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 0, 0, 0, len(data), 0)
    hidden = data[:-2] + struct.pack("<H", len(false)) + false
    found = opened(hidden)

    assert [ONE[0][0]] == [*found.contents.members]
    assert found.contents.notes == ("it has more than one directory; the longest counts",)


def test_an_empty_directory_over_members_is_not_believed():
    """The members are found by walking the file."""
    data = archive(ONE)
    body = data[: data.index(b"PK\x01\x02")]
    found = opened(body + struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 0, 0, 0, len(body), 0))

    assert [ONE[0][0]] == [*found.contents.members]
    assert found.contents.is_recovered


def test_an_empty_archive_has_no_members():
    """A valid archive of nothing."""
    assert contents(archive([])) == {}


@pytest.mark.parametrize(
    ("method", "descriptor"), [(0, False), (8, False), (8, True), (93, False), (93, True)]
)
def test_members_of_a_truncated_archive_are_recovered(method, descriptor):
    """Every member that is whole is read, and the one that is cut is named."""
    data = archive(
        [("a", TEXT), ("b", b"{}"), ("samples/3.json", TEXT)], method=method, descriptor=descriptor, frames=2
    )
    found = opened(data[: data.index(b"PK\x01\x02") - 25])

    assert {name: found.read(one) for name, one in found.contents.members.items()} == {"a": TEXT, "b": b"{}"}
    assert found.contents.is_recovered
    assert "'samples/3.json' is cut off" in found.contents.losses[0]


def test_streamed_data_of_unknown_length_is_a_named_loss():
    """Nothing says where stored data ends."""
    data = archive([("a", TEXT), ("b", b"{}")], method=0, descriptor=True)
    found = opened(data[: data.index(b"PK\x01\x02")])

    assert found.contents.losses == ("'a' is cut off or damaged", "'b' is cut off or damaged")


@pytest.mark.parametrize("method", [8, 93])
def test_streamed_data_above_the_limit_is_a_named_loss(method):
    """Measuring must not unpack a bomb to its end."""
    data = archive([("a", b"x" * 2**20)], method=method, descriptor=True, frames=2)
    found = opened(data[: data.index(b"PK\x01\x02")], member_bytes=2**19 + 10)

    assert found.contents.losses == ("'a' is cut off or damaged",)


@pytest.mark.parametrize("method", [8, 93])
def test_damaged_streamed_data_is_a_named_loss(method):
    """What does not unpack has no end."""
    data = bytearray(archive([("a", TEXT), ("b", b"{}")], method=method, descriptor=True))
    data[31:35] = b"\xff\xff\xff\xff"
    found = opened(bytes(data[: data.index(b"PK\x01\x02")]))

    assert found.contents.losses[0] == "'a' is cut off or damaged"
    assert [*found.contents.members] == ["b"]


def test_damage_between_members_is_passed_over():
    """The walk goes on at the next local header."""
    first, second = archive([("a", b"{}")]), archive([("b", b"{}")])
    data = first[: first.index(b"PK\x01\x02")] + b"\x00" * 70_000 + second[: second.index(b"PK\x01\x02")]
    found = opened(data)

    assert [*found.contents.members] == ["a", "b"]
    assert "are not a member" in found.contents.losses[0]


def test_sizes_above_4_gib_are_read_from_their_extra_fields():
    """Zip64: the true values stand in an extra field, here of small members."""
    text = b"{}"
    extra = struct.pack("<2H3Q", 1, 24, len(text), len(text), 0)
    local = struct.pack(
        "<4s5H3I2H", b"PK\x03\x04", 45, 0, 0, 0, 0, zlib.crc32(text), 2**32 - 1, 2**32 - 1, 1, 20
    )
    body = local + b"a" + struct.pack("<2H2Q", 1, 16, 2, 2) + text
    entry = struct.pack(
        "<4s6H3I5H2I",
        b"PK\x01\x02",
        45,
        45,
        0,
        0,
        0,
        0,
        zlib.crc32(text),
        *[2**32 - 1] * 2,
        1,
        4 + 28,
        0,
        0,
        0,
        0,
        2**32 - 1,
    )
    directory = entry + b"a" + b"\x99\x99\x00\x00" + extra
    record = struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, len(directory), len(body))
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, len(body) + len(directory), 1)
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, 2**32 - 1, 2**32 - 1, 0)

    assert {"a": text} == contents(body + directory + record + locator + end)
    assert {"a": text} == contents(body)


def test_names_that_are_not_utf_8_are_read_as_zip_defines():
    """Old writers use code page 437."""
    data = archive([("aa", b"{}")]).replace(b"aa", b"\x81\x82")

    assert [*opened(data).contents.members] == ["üé"]


@pytest.mark.parametrize(
    "name", ["../../x", "/etc/x", "samples/../../x.json", "C:\\x.json", "samples\\x_epoch_1.json"]
)
def test_names_outside_the_format_are_not_read(tmp_path, monkeypatch, name):
    """Nothing is ever extracted; a name that is no sample's is passed over."""
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "a.eval"
    path.write_bytes(archive([("header.json", encoded(header())), (name, encoded(sample()))]))
    read = Read(path)

    assert (read.observations, [one.name for one in tmp_path.iterdir()]) == ([], ["a.eval"])


@pytest.mark.parametrize(
    "name", ["samples/a/b_epoch_1.json", "samples/7_epoch_1/sample.json", "samples/x\n_epoch_12.json"]
)
def test_sample_names_may_hold_anything(tmp_path, name):
    """Ids are not escaped in names, and there is a layout with a folder per sample."""
    path = tmp_path / "a.eval"
    path.write_bytes(archive([("header.json", encoded(header())), (name, encoded(sample(5)))]))

    assert Read(path).pairs() == [("5", 1.0)]


def test_a_damaged_sample_costs_only_itself(tmp_path):
    """It is named, and the rest is read."""
    data = bytearray(archive(members(header(), [sample(1), sample(2), sample(3)])))
    at = data.index(b"samples/2_epoch_1.json") + 60
    data[at] ^= 0xFF
    path = tmp_path / "a.eval"
    path.write_bytes(data)
    read = Read(path)

    assert read.pairs() == [("1", 1.0), ("3", 1.0)]
    assert read.codes == ["MBE210"]
    assert "'samples/2_epoch_1.json' cannot be read" in read.findings[0].problem


def test_an_edited_header_replaces_the_first(tmp_path):
    """The last member of a name counts."""
    listed = [*members(header(), [sample()]), ("header.json", encoded(header("cancelled")))]
    path = tmp_path / "a.eval"
    path.write_bytes(archive(listed))

    assert Read(path).run.status == "cancelled"


def test_a_damaged_header_leaves_what_was_written_at_the_start(tmp_path):
    """The samples are read, the run is no result."""
    listed = [(name, b"{" if name == "header.json" else data) for name, data in members(header(), [sample()])]
    path = tmp_path / "a.eval"
    path.write_bytes(archive(listed))
    read = Read(path)

    assert (
        read.pairs(), read.run.status, read.run.status_reason
    ) == ([("1", 1.0)], "partial", "its header cannot be read")  # fmt: skip
    assert read.codes == ["MBE212"]


def test_a_log_of_which_no_header_can_be_read_is_refused_with_all_reasons(tmp_path):
    """Members above a limit are named: that is what the person needs to know."""
    path = tmp_path / "a.eval"
    path.write_bytes(archive([("header.json", b"{"), *ONE]))

    with pytest.raises(
        SourceError, match=r"header.json cannot be read: not JSON.*'samples/1_epoch_1.json'"
    ) as caught:
        Read(path, Settings(limits=Limits(member_bytes=1000)))

    assert "above the limit of 1,000 bytes" in str(caught.value)


def test_members_that_are_not_what_the_directory_says_are_noted(tmp_path):
    """Also where their data is not needed."""
    data = archive([*members(header(), [sample()]), ("summaries.json", b"[]")]).replace(
        b"summaries", b"xummaries", 1
    )
    path = tmp_path / "a.eval"
    path.write_bytes(data)

    assert Read(path).codes == ["MBE213"]


@pytest.mark.parametrize(
    ("at", "value"),
    [(12, 10**6), (16, 10**6), (16, 2**32 - 1)],
    ids=["too long", "too far", "a 64-bit offset that is nowhere"],
)
def test_a_directory_that_does_not_fit_the_file_is_not_used(at, value):
    """The members are found by walking the file."""
    data = archive(ONE)
    end = data.index(b"PK\x05\x06") + at
    found = opened(data[:end] + struct.pack("<I", value) + data[end + 4 :])

    assert found.contents.is_recovered
    assert [*found.contents.members] == [ONE[0][0]]


def test_a_64_bit_size_that_is_not_stated_is_refused():
    """The extra field that should have it is missing."""
    data = archive(ONE)
    at = data.index(b"PK\x01\x02") + 24

    assert "above the limit" in refusal(data[:at] + b"\xff\xff\xff\xff" + data[at + 4 :])
