"""`MBE_NO_SKIP=1`: a check that should have run and did not is a failure, and every skip is said."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest

from tests.conftest import ROOT

TESTS = """\
import pytest

def test_run(): pass

def test_called_off(): pytest.skip("no browser here")

@pytest.mark.skipif(True, reason="no tool here")
def test_marked(): pass

@pytest.mark.may_skip("a platform of its own")
@pytest.mark.skipif(True, reason="not on this platform")
def test_allowed(): pass

@pytest.mark.published
@pytest.mark.skipif(True, reason="no data")
def test_published(): pass

@pytest.mark.xfail(reason="known")
def test_known(): assert False
"""
MODULE = 'import pytest\npytest.importorskip("a_module_that_is_not_there")\n'


@pytest.fixture
def suite(tmp_path):
    """A suite of six tests with our conftest; no published data beside it."""
    folder = tmp_path / "checkout" / "tests"
    folder.mkdir(parents=True)
    shutil.copy(ROOT / "tests" / "conftest.py", folder)
    (folder / "test_six.py").write_text(TESTS)
    (folder / "pytest.ini").write_text(
        "[pytest]\nmarkers = published: needs data\naddopts = --strict-markers\n"
    )
    return folder


def outcomes(suite, strict):
    """Counts, names of failed tests, and everything printed."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-rfE", "-p", "no:cacheprovider", "-c", "pytest.ini", "."],
        cwd=suite,
        env={**os.environ, "MBE_NO_SKIP": "1" if strict else "", "PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stdout.splitlines()[-1], done.returncode, done.stdout


def test_skips_are_fine_where_nobody_asks(suite):
    """A laptop without a browser can still run the suite; what it left out is said with the reason."""
    counts, code, shown = outcomes(suite, strict=False)

    assert code == 0
    assert "1 passed, 4 skipped, 1 xfailed" in counts
    assert "not tested here: 1 × no browser here" in shown
    assert "not tested here: 1 × no tool here" in shown


def test_a_skip_fails_where_everything_has_to_run(suite):
    """But for those with the marker, and for published data that is truly not there."""
    counts, code, shown = outcomes(suite, strict=True)

    assert code == 1
    assert "1 failed, 1 passed, 2 skipped, 1 xfailed, 1 error" in counts
    assert "skipped although MBE_NO_SKIP=1: no browser here" in shown
    assert "skipped although MBE_NO_SKIP=1: no tool here" in shown
    assert "not tested here: 1 × no data" in shown


def test_a_published_skip_fails_where_the_data_is_there(suite):
    """Beside the checkout, where CI puts it."""
    (suite.parents[1] / "shared" / "data").mkdir(parents=True)

    counts, _, shown = outcomes(suite, strict=True)

    assert "1 failed, 1 passed, 1 skipped, 1 xfailed, 2 errors" in counts
    assert "skipped although MBE_NO_SKIP=1: no data" in shown


def test_a_file_that_skips_itself_fails_too(suite):
    """`importorskip` at the top of a file is a skip of all its tests."""
    (suite / "test_module.py").write_text(MODULE)

    _, code, shown = outcomes(suite, strict=True)

    assert code != 0
    assert "skipped although MBE_NO_SKIP=1: could not import 'a_module_that_is_not_there'" in shown
