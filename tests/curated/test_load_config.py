"""The configuration is read with defaults for everything; every mistake has its place."""

from __future__ import annotations

import pytest

from mbe_docs.config import Config, config_path, load_config
from mbe_docs.errors import ConfigError


@pytest.fixture
def configured(tmp_path):
    """Writes a configuration and gives the root."""

    def put(text):
        path = config_path(tmp_path)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return tmp_path

    return put


def message(root) -> str:
    """What reading complains about."""
    with pytest.raises(ConfigError) as caught:
        load_config(root)
    return str(caught.value)


def test_a_missing_file_gives_the_defaults(tmp_path):
    """A project needs no configuration."""
    assert load_config(tmp_path) == Config()


@pytest.mark.parametrize("text", ["", "# nothing\n", "title:\npolicy: ~\n"])
def test_empty_values_give_the_defaults(configured, text):
    """An empty value is a key left out."""
    assert load_config(configured(text)) == Config()


def test_values_are_read(configured):
    """Numbers by field, text as written."""
    config = load_config(configured("title: 4.10\npolicy: {alpha: 0.1, refuse_on: [judge_model]}\n"))

    assert config.title == "4.10"
    assert config.policy.alpha == 0.1
    assert config.policy.refuse_on == ("judge_model",)
    assert config.policy.max_missing == 0.10


def test_an_address_of_a_log_viewer_has_places_for_run_sample_and_attempt(configured):
    """Each as often as wanted, none needed."""
    address = "https://logs.example/#/{uri}/{sample}/{epoch}"

    assert load_config(configured(f'log_viewer: "{address}"\n')).log_viewer == address


def test_all_mistakes_are_reported_with_places(configured):
    """Nothing stops at the first; unknown keys are refused."""
    text = (
        "titel: x\ngenerator: mkdoc\npolicy: {max_missing: some, refuse_on: judge, alfa: 1}\nsite_url: [x]\n"
    )

    assert message(configured(text)) == (
        "behaviors/config.yaml:1:1: unknown key 'titel'\n"
        "behaviors/config.yaml:2:12: generator is 'mkdoc'; expected 'mkdocs' or 'zensical'\n"
        "behaviors/config.yaml:3:23: policy.max_missing is 'some'; expected a number\n"
        "behaviors/config.yaml:3:40: policy.refuse_on is 'judge'; expected a list\n"
        "behaviors/config.yaml:3:47: unknown key 'policy.alfa'\n"
        "behaviors/config.yaml:4:1: site_url is a list; expected text\n"
        "  fix: write `title:`; write `generator: mkdocs`; write a number; write a list; "
        "write `alpha:`; write text"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: &x 1\n", "behaviors/config.yaml:1:4: anchor '&x'"),
        ("title: a: b\n", "behaviors/config.yaml:1:9: not readable as YAML"),
        ("- a\n", "behaviors/config.yaml:1:1: the file is a list; expected a mapping"),
        ("log_viewer: javascript:alert(1)\n", "behaviors/config.yaml:1:13: log_viewer is 'javascript:alert(1)'"),
        ('log_viewer: "https://logs/{run}"\n', "behaviors/config.yaml:1:13: log_viewer is 'https://logs/{run}'"),
        ("policy: strict\n", "behaviors/config.yaml:1:9: policy is 'strict'; expected a mapping"),
        ("policy: {alpha: .5, max_missing: nan}\n", "behaviors/config.yaml:1:34: policy.max_missing is nan; expected a share"),
        ("policy: {alpha: 5}\n", "behaviors/config.yaml:1:17: policy.alpha is 5; expected a share from 0 to 1"),
        ("policy: {refuse_on: [solver, [x]]}\n", "behaviors/config.yaml:1:30: policy.refuse_on.1 is a list; expected text"),
        (b"title: Caf\xe9\n", "behaviors/config.yaml: byte 0xe9 at offset 10 is not UTF-8"),
    ],
)  # fmt: skip
def test_a_mistake_is_named(configured, text, expected):
    """What is wrong, and where."""
    assert message(configured(text)).startswith(expected)


def test_a_link_out_of_the_project_is_refused(configured, tmp_path):
    """The configuration of someone else is not ours."""
    root = configured("") / "inner"
    (root / "behaviors").mkdir(parents=True)
    config_path(root).symlink_to(config_path(tmp_path))

    assert message(root).startswith("behaviors/config.yaml: a link to a file outside of the project")


def test_a_folder_is_no_configuration(tmp_path):
    """What cannot be read is an error, not a default."""
    config_path(tmp_path).mkdir(parents=True)

    assert message(tmp_path).startswith("behaviors/config.yaml: the file cannot be read")
