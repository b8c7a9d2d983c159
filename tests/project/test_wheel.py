"""The wheel alone: what a user installs has everything that a registry needs."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import site
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.conftest import ROOT
from tests.project import small

SHIPPED = ("mbe_docs", "site_templates", "mkdocs.yml", "pyproject.toml", "README.md", "LICENSE")
"""What the build of a wheel reads."""
MISSING = [name for name in ("hatchling", "pip") if importlib.util.find_spec(name) is None]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"{' and '.join(MISSING)} not installed here: no wheel")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """A wheel of the checkout, built in a copy of it without network."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    source.mkdir()
    for name in SHIPPED:
        path = ROOT / name
        if path.is_dir():
            shutil.copytree(path, source / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(path, source)
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)],
        cwd=source,
        check=True,
        capture_output=True,
    )
    return next(folder.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel, tmp_path_factory):
    """The `mbe-docs` of a fresh environment with that wheel and our dependencies, but not with the checkout."""
    home = tmp_path_factory.mktemp("environment")
    venv.create(home, with_pip=False, symlinks=True)
    python = home / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--python", str(python), "install", "--quiet"]
    subprocess.run([*pip, "--no-index", "--no-deps", str(wheel)], check=True, capture_output=True)
    (packages,) = home.glob("lib/python*/site-packages")
    # Their folders only: `.pth` files inside, such as that of our editable install, are not read from here.
    (packages / "dependencies.pth").write_text("\n".join(site.getsitepackages()), encoding="utf-8")
    return home / "bin" / "mbe-docs"


@pytest.fixture(scope="module")
def registry(installed, tmp_path_factory):
    """An empty folder → `init`, notes, `ingest`, `build`, all by the installed command."""
    root = tmp_path_factory.mktemp("user") / "registry"
    root.mkdir()
    run(installed, root, "init", "--title", "From a wheel")
    (root / "behaviors" / "adds.md").write_text(small.BEHAVIOR)
    (root / "behaviors" / "models" / "atlas.yaml").write_text(small.FAMILY)
    (root / "logs").mkdir()
    for model, values in small.VALUES.items():
        small.log(root / "logs" / f"{model}.eval", model, values)
    run(installed, root, "ingest", "logs")
    run(installed, root, "build")
    return root


def run(installed, root, *arguments):
    """The installed command, with nothing of the checkout in its environment."""
    environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    done = subprocess.run(
        [str(installed), *arguments], cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_holds_the_package_its_templates_and_nothing_else(wheel):
    """No tests, no logs, no notes of ours; every template and asset."""
    names = zipfile.ZipFile(wheel).namelist()
    bundled = {name.removeprefix("mbe_docs/_bundled/") for name in names if "/_bundled/" in name}
    templates = [path for path in (ROOT / "site_templates").rglob("*") if path.is_file()]

    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"mbe_docs"}
    assert bundled == {path.relative_to(ROOT).as_posix() for path in templates} | {"mkdocs.yml"}


def test_the_environment_has_the_wheel_and_not_the_checkout(installed, tmp_path):
    """Or else these tests prove nothing."""
    code = "import mbe_docs, mbe_docs.bundled; print(mbe_docs.__file__); print(mbe_docs.bundled.templates())"
    python = installed.with_name("python")
    shown = run(python, tmp_path, "-c", code).splitlines()

    assert [Path(line).is_relative_to(installed.parents[1]) for line in shown] == [True, True]
    assert shown[1].endswith("mbe_docs/_bundled/site_templates")


@pytest.mark.slow
def test_from_an_empty_folder_to_a_site(registry):
    """The page says what the logs say, in the packaged templates' own style."""
    page = (registry / "site" / "models" / "atlas-1" / "index.html").read_text(encoding="utf-8")

    assert "Adds two numbers" in page
    assert "From a wheel" in page
    assert (registry / "site" / "assets" / "mbe-docs.css").read_bytes() == (
        ROOT / "site_templates" / "assets" / "mbe-docs.css"
    ).read_bytes()
    assert not (registry / "site_templates").exists()


@pytest.mark.slow
def test_it_publishes_what_the_checkout_publishes(registry, tmp_path):
    """The same logs and notes: the same numbers, whoever installed how."""
    root = small.ingested(tmp_path / "registry")
    small.run("build", "--pages-only", cwd=root)
    ours = json.loads((root / "build" / "docs" / "registry.json").read_text(encoding="utf-8"))
    theirs = json.loads((registry / "site" / "registry.json").read_text(encoding="utf-8"))

    assert {key for key in ours if ours[key] != theirs[key]} == {"title", "content_hash"}
