"""A reader who follows a page gets what the page shows."""

from __future__ import annotations

import pytest

from tests.docs import console

FOLLOWED = [page for page in console.pages() if any(step.command for step in console.steps(page))]


@pytest.mark.parametrize("page", FOLLOWED, ids=lambda page: page.relative_to(console.ROOT).as_posix())
def test_commands_print_what_the_page_shows(page, tmp_path):
    """Every console block is run, in order, in one folder."""
    results = console.follow(page, tmp_path)

    wrong = [
        f"{page.relative_to(console.ROOT)}:{step.line}: $ {step.command}\n--- shown\n"
        + "\n".join(step.expected)
        + "\n--- printed\n"
        + "\n".join(actual)
        for step, actual in results
        if not console.agrees(step.expected, actual)
    ]
    assert wrong == [], "\n\n".join(wrong)


def test_blocks_that_are_not_run_say_why():
    """A reason stands in the fence, and such blocks stay few."""
    left_out = [
        fence for page in console.pages() for fence in console.fences(page) if fence.info.startswith("no-run")
    ]

    assert [fence for fence in left_out if not fence.info.removeprefix("no-run").lstrip(": ")] == []
    assert len(left_out) <= 6


@pytest.mark.parametrize(
    ("expected", "actual", "is_same"),
    [
        (("a", "b"), ("a", "b"), True),
        (("a …", "c"), ("a b", "c"), True),
        (("…", "c"), ("a", "b", "c"), True),
        (("a", "…"), ("a",), True),
        (("a", "…", "c"), ("a", "b"), False),
        (("a",), ("a", "b"), False),
        ((), ("a",), False),
        ((), (), True),
    ],
)
def test_dots_stand_for_a_rest_of_a_line_or_for_lines(expected, actual, is_same):
    """`…` leaves out; nothing else does."""
    assert console.agrees(expected, actual) is is_same
