"""What of a sample's input is hashed and shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbe_docs.records.hashing import content_hash
from mbe_docs.sources.inspect_log import Sample
from mbe_docs.sources.inspect_samples import input_hash_of
from mbe_docs.sources.interface import Settings
from tests.sources.build_logs import Read, eval_log, json_log, sample

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


def hash_of(tmp_path, **changes):
    """The input hash of a sample with these changes."""
    return Read(json_log(tmp_path / "a.json", [sample(**changes)])).observations[0].input_hash


@given(question=TEXTS, choices=st.none() | st.lists(TEXTS, min_size=1), target=st.none() | TEXTS)
def test_the_input_hash_is_the_content_hash_of_the_records(question, choices, target):
    """The faster encoder must write what the canonical one writes, for every text."""
    one = Sample(id=1, input=question, choices=choices, target=target)

    assert content_hash(question, choices, target) == input_hash_of(one, {})


@pytest.mark.parametrize(
    "messages",
    [
        [{"role": "user", "content": "Hi"}],
        [{"role": "user", "content": "Hi", "id": "x9", "source": "input"}],
        [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}],
    ],
)
def test_one_user_message_is_the_same_input_as_its_text(tmp_path, messages):
    """Inspect makes a message of a text; ids of messages are random."""
    assert hash_of(tmp_path, input="Hi") == hash_of(tmp_path, input=messages)


@pytest.mark.parametrize(
    "changes",
    [
        {"input": "Ho"},
        {"input": [{"role": "system", "content": "Be brief"}, {"role": "user", "content": "Hi"}]},
        {"input": [{"role": "user", "content": [{"type": "image", "image": "data:x"}]}]},
        {"input": [{"role": "user"}]},
        {"choices": ["a", "b"]},
        {"target": "3"},
        {"target": ["2", "3"]},
    ],
)
def test_another_question_has_another_hash(tmp_path, changes):
    """Input, choices and target are all part of the question."""
    assert hash_of(tmp_path, input="Hi") != hash_of(tmp_path, **({"input": "Hi"} | changes))


def test_a_list_of_one_target_is_that_target(tmp_path):
    """Harness versions differ in how they write it."""
    assert hash_of(tmp_path, target="2") == hash_of(tmp_path, target=["2"])


@pytest.mark.parametrize(
    ("condensed", "plain"),
    [
        ("attachment://a1", "a long text"),
        ([{"role": "user", "content": "attachment://a1"}], "a long text"),
        (
            [{"role": "user", "content": [{"type": "image", "image": "attachment://a1"}]}],
            [{"role": "user", "content": [{"type": "image", "image": "a long text"}]}],
        ),
    ],
)
@pytest.mark.parametrize("make", [eval_log, json_log])
def test_attachments_of_an_input_are_put_back(tmp_path, make, condensed, plain):
    """A long input is kept apart in newer logs; it is the same question."""
    path = tmp_path / ("a.eval" if make is eval_log else "a.json")
    read = Read(make(path, [sample(input=condensed, attachments={"a1": "a long text"})]))

    assert hash_of(tmp_path, input=plain) == read.observations[0].input_hash


def test_attachments_of_an_unexpected_shape_leave_the_reference(tmp_path):
    """The reference is hashed as it stands."""
    read = Read(eval_log(tmp_path / "a.eval", [sample(input="attachment://a1", attachments={"a1": 5})]))

    assert content_hash("attachment://a1", None, "2") == read.observations[0].input_hash


def test_texts_are_not_read_unless_excerpts_are_allowed(tmp_path):
    """Excerpts are off by default."""
    assert Read(eval_log(tmp_path / "a.eval", [sample()])).excerpts == []


def test_an_excerpt_shows_input_target_output_and_reasons(tmp_path):
    """All that a person needs to judge a failure."""
    read = Read(eval_log(tmp_path / "a.eval", [sample(value={"a": "C"})]), Settings(excerpts=True))
    (one,) = read.excerpts

    assert one[1:6] == ("1", 1, "What is 1 + 1?", "2", "2")
    assert one.scores == (("match/a", "C", "2", "because"),)


def test_an_excerpt_of_a_conversation_names_the_roles(tmp_path):
    """Media are named, not shown."""
    asked = [
        {"role": "system", "content": "Be brief"},
        {"role": "user", "content": [{"type": "text", "text": "See"}, {"type": "image", "image": "data:x"}]},
    ]
    output = {"choices": [{"message": {"role": "assistant", "content": [{"type": "text", "text": "ok"}]}}]}
    one = sample(input=asked, output=output, target=["a", "b"], score={"value": "C"})
    del one["scores"]
    (shown,) = Read(json_log(tmp_path / "a.json", [one]), Settings(excerpts=True)).excerpts

    assert shown.input == "system: Be brief\n\nuser: See\n[image]"
    assert (shown.target, shown.output, shown.scores) == ("a\nb", "ok", (("match", "C", None, None),))


def test_an_excerpt_of_an_attempt_without_answer_is_empty(tmp_path):
    """Errors have an input and nothing else."""
    bare = sample(output=None, scores=None, input=None, target=None, error="boom")
    answerless = sample(2, output={"choices": [{"stop_reason": "stop"}]})
    read = Read(json_log(tmp_path / "a.json", [bare, answerless]), Settings(excerpts=True))

    assert [one[3:6] for one in read.excerpts] == [("", None, ""), ("What is 2 + 2?", "2", "")]


def test_a_long_text_is_cut_and_says_so(tmp_path):
    """Nobody should take a beginning for the whole."""
    read = Read(
        eval_log(tmp_path / "a.eval", [sample(input="x" * 50)]), Settings(excerpts=True, excerpt_chars=10)
    )

    assert read.excerpts[0].input == "xxxxxxxxxx… [cut: 40 more characters]"
