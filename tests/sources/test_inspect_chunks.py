"""Samples that Inspect wrote in pieces (`inspect log convert-chunked`) read as they do whole."""

from __future__ import annotations

from pathlib import Path

import pytest

from mbe_docs.sources.interface import Limits, Settings
from tests.sources.build_logs import Read, archive, encoded, header, sample

LOGS = Path(__file__).parents[1] / "fixtures" / "logs"
IN = "samples/a/b_epoch_1"
SHELL = {key: value for key, value in sample("a/b").items() if key not in ("metadata", "messages")}
TEXT = "Which is bigger, 13.11 or 13.8? " * 8


def chunked(path, shell, **pieces):
    """A log of one sample in pieces."""
    members = [("header.json", encoded(header())), (f"{IN}/sample.json", encoded(shell))]
    members += [(f"{IN}/{name}.json", content) for name, content in pieces.items()]
    path.write_bytes(archive(members))
    return path


def test_a_sample_in_pieces_reads_as_the_whole_one():
    """A run of ours, converted by Inspect 0.3.285: metadata, system prompt, excerpts and all."""
    settings = Settings(excerpts=True)
    whole, pieces = (Read(LOGS / f"smollm2-{name}.eval", settings) for name in ("whole", "chunked"))

    assert whole.observations == pieces.observations
    assert whole.excerpts == pieces.excerpts
    assert len(whole.observations) == 6
    assert dict(whole.observations[0].metadata)
    assert whole.run.has_system_prompt is True
    same = {"file_sha256": "", "log_uri": ""}
    assert whole.run.model_copy(update=same) == pieces.run.model_copy(update=same)


def test_metadata_of_a_sample_in_pieces_is_not_lost(tmp_path):
    """Slices are cut by it; the id of the sample holds a slash, as ids may."""
    read = Read(chunked(tmp_path / "a.eval", SHELL, metadata=b'{"kind": "easy", "score": NaN}'))

    assert [(one.sample_id, dict(one.metadata)["kind"]) for one in read.observations] == [("a/b", "easy")]


def test_attachments_in_pieces_are_put_back_by_their_index(tmp_path):
    """`attachment://0` is a place in the sequence, not a hash; pieces are named by their first index."""
    shell = SHELL | {"input": "attachment://2"}
    pieces = {"attachments/0": encoded(["x", "y"]), "attachments/2": encoded([TEXT])}
    whole = Read(chunked(tmp_path / "a.eval", SHELL | {"input": TEXT}))

    read = Read(chunked(tmp_path / "b.eval", shell, **pieces), Settings(excerpts=True))

    assert read.observations[0].input_hash == whole.observations[0].input_hash
    assert read.excerpts[0].input == TEXT


def test_only_the_messages_that_are_the_samples_own_are_read(tmp_path):
    """The pool holds those of events, too: a system prompt of another conversation is none of this one."""
    pool = [{"role": "system", "content": "of a tool"}, {"role": "user", "content": "hi"}]
    for refs, expected in (([[1, 2]], False), ([[0, 2]], True)):
        shell = SHELL | {"message_refs": refs}
        read = Read(chunked(tmp_path / "a.eval", shell, **{"messages/0": encoded(pool)}))
        assert read.run.has_system_prompt is expected


@pytest.mark.parametrize("piece", ["messages/0", "attachments/0"])
def test_a_piece_that_cannot_be_read_is_a_lost_sample(tmp_path, piece):
    """Named, and never a sample that is like another without it."""
    read = Read(chunked(tmp_path / "a.eval", SHELL, **{piece: b'["x"'}))

    assert read.observations == []
    assert "MBE210" in read.codes
    assert any(piece.split("/")[0] in finding.problem for finding in read.findings)


def test_pieces_above_the_limit_together_are_a_lost_sample(tmp_path):
    """Each of them may be below it."""
    pieces = {f"attachments/{n}": encoded(["x" * 400]) for n in range(9)}
    settings = Settings(limits=Limits(member_bytes=3_000))

    read = Read(chunked(tmp_path / "a.eval", SHELL, **pieces), settings)

    assert read.observations == []
    assert any("above the limit" in finding.problem for finding in read.findings)
