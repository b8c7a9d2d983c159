"""Samples that moved: their scores, their texts on both sides, and the way to their logs."""

from __future__ import annotations

import pytest

from mbe_docs.pages.changed import TEXTS_SHOWN, changed_samples
from mbe_docs.pages.interface import Context
from mbe_docs.pages.lookup import Lookup, sample_anchor
from mbe_docs.pages.run import SAMPLES_SHOWN, shown_samples
from mbe_docs.records.estimates import FlippedSample
from mbe_docs.records.evals import Excerpt
from tests import make
from tests.pages.test_views import registry, summary


def flip(name, old, new, *, old_id=None, attempts=5):
    return FlippedSample(
        id=name, old_id=old_id or name, old=old, new=new, old_attempts=attempts, new_attempts=attempts
    )


def excerpt(run, sample, output, *, input="2 + 2?", epoch=1, label="C"):
    return Excerpt(run, sample, epoch, input, "4", output, (("match", label, None, None),))


def groups(*flips, excerpts=(), viewer=None, **changes):
    """What the page shows of these; the old run is r1, the new one r2."""
    given = {"old_runs": ("inspect:r1",), "new_runs": ("inspect:r2",), "n_worse": 3, "n_better": 2}
    comparison = make.comparison(flipped_samples=flips, **(given | changes))
    runs = tuple(summary(run=make.run(run_key=f"inspect:r{n}", log_uri=f"logs/r {n}.eval")) for n in (1, 2))
    by_run: dict[str, list[Excerpt]] = {}
    for one in excerpts:
        by_run.setdefault(one.run_key, []).append(one)
    context = Context(excerpts={key: tuple(some) for key, some in by_run.items()}, log_viewer=viewer)
    lookup = Lookup(registry(runs=runs, comparisons=(comparison,)))
    return changed_samples(comparison, "match", lookup, context)


@pytest.mark.parametrize(
    ("direction", "headings"),
    [
        ("higher", ["Got worse: 3 samples, 1 shown", "Got better: 2 samples, 1 shown"]),
        ("lower", ["Got better: 2 samples, 1 shown", "Got worse: 3 samples, 1 shown"]),
        ("neither", ["Went down: 3 samples, 1 shown", "Went up: 2 samples, 1 shown"]),
    ],
)
def test_each_direction_is_a_group_in_the_words_of_the_behavior(direction, headings):
    """The direction of the mean first; where neither is better, nothing is worse."""
    found = groups(flip("a", 1.0, 0.2), flip("b", 0.0, 0.4), direction=direction)

    assert [group.heading for group in found] == headings
    assert [sample.old.score for group in found for sample in group.samples] == ["5 of 5", "0 of 5"]
    assert [sample.new.score for group in found for sample in group.samples] == ["1 of 5", "2 of 5"]


def test_both_outputs_stand_side_by_side():
    """Prompt, attempts of both sides, and the word of the scorer."""
    old, new = excerpt("inspect:r1", "a", "4"), excerpt("inspect:r2", "a", "5", label="I")

    ((sample,),) = (group.samples for group in groups(flip("a", 1.0, 0.0), excerpts=(old, new)))

    assert sample.input == "2 + 2?"
    assert [(one.label, one.output) for one in sample.old.attempts] == [("C", "4")]
    assert [(one.label, one.output) for one in sample.new.attempts] == [("I", "5")]


def test_a_side_whose_text_is_not_published_stays_empty():
    """Where only failing attempts are published, what broke is still shown."""
    new = excerpt("inspect:r2", "a", "5", label="I")

    ((sample,),) = (group.samples for group in groups(flip("a", 1.0, 0.0), excerpts=(new,)))

    assert (sample.input, sample.old.attempts) == ("2 + 2?", ())
    assert [one.output for one in sample.new.attempts] == ["5"]


def test_nothing_published_leaves_scores_and_runs():
    """No text, no prompt; where to look is still said."""
    ((sample,),) = (group.samples for group in groups(flip("a", 1.0, 0.0)))

    assert (sample.input, sample.old.attempts, sample.new.attempts) == (None, (), ())
    assert [(side.run.id, side.run.anchor) for side in (sample.old, sample.new)] == [
        ("run:inspect:r1", "samples"),
        ("run:inspect:r2", "samples"),
    ]


def test_samples_are_matched_by_content_and_not_by_name():
    """The old log calls it x; what it calls a is another prompt."""
    texts = (
        excerpt("inspect:r1", "a", "another", input="another prompt"),
        excerpt("inspect:r1", "x", "4"),
        excerpt("inspect:r2", "a", "5"),
    )

    ((sample,),) = (group.samples for group in groups(flip("a", 1.0, 0.0, old_id="x"), excerpts=texts))

    assert [one.output for one in sample.old.attempts] == ["4"]


def test_of_two_prompts_with_one_name_the_common_one_is_shown():
    """As in OpinionQA, where twelve ids carry two questions each."""
    texts = (
        excerpt("inspect:r1", "a", "4"),
        excerpt("inspect:r2", "a", "new only", input="new prompt"),
        excerpt("inspect:r2", "a", "5"),
    )

    ((sample,),) = (group.samples for group in groups(flip("a", 1.0, 0.0), excerpts=texts))

    assert sample.input == "2 + 2?"
    assert [one.output for one in sample.new.attempts] == ["5"]


def test_a_few_samples_are_shown_with_their_texts_and_all_with_their_scores():
    """Ten full transcripts would bury the page."""
    names = [f"s{n}" for n in range(8)]
    texts = [excerpt(run, name, "4") for run in ("inspect:r1", "inspect:r2") for name in names[2:]]

    (group,) = groups(*(flip(name, 1.0, 0.0) for name in names), excerpts=texts)

    assert len(group.samples) == 8
    assert [sample.sample_id for sample in group.samples if sample.input] == names[2 : 2 + TEXTS_SHOWN]


def test_a_score_links_to_the_sample_on_the_page_of_its_run():
    """One click to the whole transcript."""
    texts = (excerpt("inspect:r1", "a", "4"), excerpt("inspect:r2", "a", "5"))

    ((sample,),) = (group.samples for group in groups(flip("a", 1.0, 0.0), excerpts=texts))

    assert (sample.old.run.id, sample.old.run.anchor) == ("run:inspect:r1", sample_anchor("a"))
    assert (sample.new.run.id, sample.new.run.anchor) == ("run:inspect:r2", sample_anchor("a"))


def test_the_log_viewer_is_given_run_and_sample():
    """Nothing in a name reaches beyond its place in the address."""
    viewer = "https://logs.example/view?log={uri}&sample={sample}&epoch={epoch}"

    ((sample,),) = (group.samples for group in groups(flip("a&b#{uri}", 1.0, 0.0), viewer=viewer))

    assert sample.old.log == (
        "https://logs.example/view?log=logs%2Fr%201.eval&sample=a%26b%23%7Buri%7D&epoch=1"
    )


def test_the_page_of_a_run_shows_first_what_moved():
    """A link from a diff has somewhere to lead, however many samples a run has."""
    names = [f"s{n:03}" for n in range(100)]
    comparison = make.comparison(
        flipped_samples=(flip("s099", 1.0, 0.0, old_id="s098"),),
        old_runs=("inspect:r1",),
        new_runs=("inspect:r2",),
    )
    lookup = Lookup(registry(comparisons=(comparison,)))

    old, new = (shown_samples(lookup, f"inspect:r{n}", names) for n in (1, 2))

    assert len(old) == len(new) == SAMPLES_SHOWN
    assert ("s098" in old, "s099" in old) == (True, False)
    assert ("s098" in new, "s099" in new) == (False, True)
