"""The compose file hands every setting on, and the example of its settings tells the truth."""

import re
from pathlib import Path

from app.config import Config

ROOT = Path(__file__).parents[2]
COMPOSE = (ROOT / "docker-compose.yml").read_text()
EXAMPLE = (ROOT / ".env.example").read_text()
SETTINGS = {name.upper() for name in Config.model_fields}
FIXED = {
    "BIND": "the Dockerfile's",
    "DATA_DIR": "there is no private database",
    "DATABASE_POOLED": "compose's own PostgreSQL has no pool before it",
    "DRAIN_SECONDS": "stop_grace_period is made for its default",
    "GRACE_SECONDS": "likewise",
}


def handed_on() -> dict[str, str]:
    block = re.search(r"^  environment:\n(.*?)^  \w", COMPOSE, re.MULTILINE | re.DOTALL)
    assert block
    return dict(re.findall(r"^    ([A-Z_0-9]+):(.*)$", block[1], re.MULTILINE))


def test_every_setting_is_handed_on_or_fixed() -> None:
    names = {name.removesuffix("_FILE") for name in handed_on()}
    assert names <= SETTINGS
    assert SETTINGS - names == set(FIXED)


def test_no_secret_is_handed_on_but_as_a_file() -> None:
    for name in handed_on():
        assert not name.endswith(("SECRET_KEY", "PASSWORD", "FALLBACKS")), name


def test_the_example_names_what_compose_takes() -> None:
    taken = set(re.findall(r"\$\{([A-Z_0-9]+)", COMPOSE)) | set(handed_on())
    shown = set(re.findall(r"^# ?([A-Z_0-9]+)=", EXAMPLE, re.MULTILINE))
    assert shown - {"COMPOSE_PROFILES"} <= taken


def test_the_example_shows_the_defaults() -> None:
    defaults = dict(re.findall(r"\$\{([A-Z_0-9]+):-([^${}]+)\}", COMPOSE))
    shown = re.findall(r"^# ?([A-Z_0-9]+)=(.*)$", EXAMPLE, re.MULTILINE)
    for name in set(defaults) - {"COMPOSE_PROJECT_NAME", "IPV6"}:
        assert (name, defaults[name]) in shown, name


def test_every_secret_of_compose_is_made_by_make_secrets() -> None:
    makefile = (ROOT / "Makefile").read_text()
    files = re.findall(r"^    file: (secrets/\w+)$", COMPOSE, re.MULTILINE)
    assert len(files) == 4
    for file in files:
        assert file in makefile
        assert f"name: {file.removeprefix('secrets/')}-by-make-secrets\n" in COMPOSE
