"""What makes two runs comparable."""

import pytest

from mbe_docs.config import Policy
from mbe_docs.records.evals import ScorerSpec
from mbe_docs.records.hashing import text_hash
from mbe_docs.registry.fingerprint import differing, slots
from tests import make

POLICY = Policy()


def differences(old, new, *, ignore=()):
    found = differing([slots(old, "match", ignore=ignore)], [slots(new, "match", ignore=ignore)], POLICY)
    return {entry.slot: entry.refuses for entry in found}


@pytest.mark.parametrize(
    ("changes", "slot"),
    [
        ({"task_version": "2"}, "task_version"),
        ({"solver": "claude_code_solver"}, "solver"),
        ({"generation_params": {"temperature": 0.2}}, "generation_params"),
        ({"system_prompt_hash": "ab" * 16, "has_system_prompt": True}, "system_prompt"),
        ({"scorers": (ScorerSpec(name="match", judge_model="judge-2"),)}, "judge_model"),
        ({"scorers": (ScorerSpec(name="match", parameters_hash="cd"),)}, "scorer_parameters"),
        ({"task_args": {"hard": True}}, "task_args"),
    ],
)
def test_a_slot_that_changes_the_question_refuses(changes, slot):
    """Another judge, solver, task version or setting is another question."""
    assert differences(make.run(), make.run(**changes)) == {slot: True}


@pytest.mark.parametrize(
    ("changes", "slot"), [({"epochs": 5}, "epochs"), ({"harness_version": "0.3.9"}, "harness_version")]
)
def test_a_slot_that_does_not_is_only_noted(changes, slot):
    """More epochs of the same question are still the same question."""
    assert differences(make.run(), make.run(**changes)) == {slot: False}


def test_unknown_is_not_equal_to_known():
    """A log that does not say its solver may have used any."""
    assert differences(make.run(solver=None), make.run(solver="generate"))["solver"] is True


def test_what_defines_a_variant_does_not_count_against_it():
    """Temperature is the thing compared here; everything else must still agree."""
    cold = make.run(generation_params={"temperature": 0, "top_p": 0.9})

    assert differences(make.run(), cold, ignore=("temperature",)) == {"generation_params": True}
    assert (
        differences(make.run(), make.run(generation_params={"temperature": 0}), ignore=("temperature",)) == {}
    )


def test_a_task_argument_that_is_the_system_prompt_counts_once():
    """`-T system="…"` is the same fact as the system prompt it sets."""
    text = "Be precise."
    prompted = make.run(
        has_system_prompt=True, system_prompt_hash=text_hash(text), task_args={"system": text, "level": 1}
    )
    plain = make.run(task_args={"system": "", "level": 1})

    assert differences(plain, prompted, ignore=("system_prompt",)) == {}
    assert differences(plain, prompted) == {"system_prompt": True}
