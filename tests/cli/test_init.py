"""`mbe-docs init`: a start that checks clean and never takes back what somebody wrote."""

from __future__ import annotations

import pytest

from mbe_docs.config import load_config
from tests.project import small


def test_a_new_project_checks_clean(mbe, tmp_path):
    """Nothing invented, nothing to mend."""
    started = mbe("init", "new", cwd=tmp_path)
    checked = mbe("check", cwd=tmp_path / "new")

    assert started.code == 0
    assert (checked.code, checked.out) == (0, "nothing to report\n")


def test_what_was_written_is_the_product(mbe, tmp_path):
    """stdout lists exactly the files that are there; what comes next is on stderr."""
    done = mbe("init", "new", cwd=tmp_path)

    assert sorted(done.out.splitlines()) == sorted(f"wrote {name}" for name in small.files(tmp_path / "new"))
    assert "mbe-docs ingest" in done.err


def test_a_second_init_keeps_what_was_edited(mbe, tmp_path):
    """And puts back only what is missing."""
    mbe("init", "new", cwd=tmp_path)
    settings = tmp_path / "new" / "behaviors" / "config.yaml"
    settings.write_text("title: edited\n")
    (tmp_path / "new" / "mkdocs.yml").unlink()

    done = mbe("init", "new", cwd=tmp_path)

    assert settings.read_text() == "title: edited\n"
    assert done.out == "wrote mkdocs.yml\n"
    assert "kept  behaviors/config.yaml" in done.err


def test_init_in_a_folder_with_files_touches_none_of_them(mbe, tmp_path):
    """A registry is often started inside of a repository."""
    (tmp_path / "mkdocs.yml").write_text("site_name: mine\n")
    (tmp_path / "README.md").write_text("mine\n")

    mbe("init", cwd=tmp_path)

    assert (tmp_path / "mkdocs.yml").read_text() == "site_name: mine\n"
    assert (tmp_path / "README.md").read_text() == "mine\n"


@pytest.mark.parametrize(
    "title", ["Ours", 'a "quoted": #title', "{x: 1}", "Ünïcødé – 模型", "two\nlines", "$title"]
)
def test_any_title_is_written_as_it_is(mbe, tmp_path, title):
    """YAML has a meaning for most punctuation; a title has none."""
    mbe("init", "new", "--title", title, cwd=tmp_path)

    assert load_config(tmp_path / "new").title == title


def test_the_title_is_the_name_of_the_folder(mbe, tmp_path):
    """`init` in the current folder takes that folder's name."""
    (tmp_path / "my-registry").mkdir()

    mbe("init", cwd=tmp_path / "my-registry")

    assert load_config(tmp_path / "my-registry").title == "my-registry"


def test_init_where_a_file_is_is_2(mbe, tmp_path):
    """A file cannot become a folder."""
    (tmp_path / "taken").write_text("mine")

    done = mbe("init", "taken", cwd=tmp_path)

    assert (done.code, done.out) == (2, "")
    assert (tmp_path / "taken").read_text() == "mine"
