"""What importing the package costs."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("call", ["", "; stats.paired_difference(stats.pair_sums([1, 0], [0, 0]))"])
def test_oracles_are_never_imported(call):
    """scipy.stats and statsmodels cost seconds and are for tests; plain import takes no scipy at all."""
    code = f"import sys; from mbe_docs import stats{call}; print(*sys.modules)"

    loaded = set(
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout.split()
    )

    assert not {"scipy.stats", "statsmodels", "pandas"} & loaded
    assert bool(call) == ("scipy.special" in loaded)
