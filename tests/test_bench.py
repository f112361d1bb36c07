"""The arithmetic of the measurements, and that all they need is there."""

import csv
import importlib
import math
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from bench import aims, figures, growth, kept, plots, show, tables, users
from bench.contenders import BASIS, all_of
from bench.figures import Figure
from bench.kept import Calm, Logins, Page, Results, Turn
from bench.limit_server import cookies, make_page
from bench.load import LUA
from bench.pair import judged
from bench.promises import Tally, report
from bench.users import READERS, VICTIMS, Door, write_doors, write_import
from tests.server import ROOT

TITLES = {"ours": "Vestibule", "course": "the course's <stack>", "bare": "bare Quart"}


def page(connections: int = 64, **found: float) -> Page:
    usual: Page = {
        "connections": connections, "requests_second": 100, "p50_ms": 5, "p99_ms": 20,
        "errors": 0, "cpu_ms": 1, "database_ms": 0.5, "foreign_cores": 0.1,
    }  # fmt: skip
    return usual | found  # type: ignore[return-value]


def turn(contender: str, number: int, speed: float, *, errors: int = 0) -> Turn:
    is_site = contender != "bare"
    return Turn(
        contender=contender,
        round=number,
        start_seconds=1.0,
        page_bytes=1500,
        pss_mb=None if contender == "course" else 150.0,
        rss_mb=200.0,
        pages=[page(requests_second=speed), page(256, p99_ms=90, errors=errors)],
        logins=Logins(per_second=7.0, refused=1, foreign_cores=0) if is_site else None,
        calm=Calm(rest_p99_ms=10, flood_p99_ms=40, checked_second=6, turned_away_second=300)
        if is_site
        else None,
    )


@pytest.fixture
def results(monkeypatch: pytest.MonkeyPatch) -> Results:
    monkeypatch.setattr(kept, "find_wrk", lambda: "true")
    found = kept.empty({"rounds": 3, "page": 2, "cores": 2}, TITLES, "18.0")
    speeds = {"ours": [300, 280, 290], "course": [100, 70, 110], "bare": [900, 900, 900]}
    for key, values in speeds.items():
        found["turns"] += [
            turn(key, number, speed, errors=number) for number, speed in enumerate(values)
        ]
    found["bcrypt_second"] = [8.0, 8.0, 7.0]
    return found


def test_nothing_measured_is_no_figure_and_no_aim(results: Results) -> None:
    results["turns"], results["bcrypt_second"] = [], []
    assert aims.aims(results) == []
    assert "–" in tables.of_pages_table(results, 64)
    assert figures.foreign_cores(results) == Figure(0, 0, 0)


def test_a_ratio_is_that_of_medians_and_its_spread_that_of_the_rounds() -> None:
    found = figures.ratio([300, 280, 290], [100, 70, 110])
    assert found.median == pytest.approx(2.9)
    assert found.low == pytest.approx(290 / 110)
    assert found.high == pytest.approx(4.0)


def test_a_percentile_is_a_value_that_was_measured() -> None:
    assert figures.percentile([5], 0.99) == 5
    assert figures.percentile(range(1, 101), 0.5) == 51
    assert figures.percentile(range(1, 101), 0.99) == 100


def test_an_aim_is_met_on_its_own_side_of_the_bound(results: Results) -> None:
    found = {aim.words: aim for aim in aims.aims(results)}
    assert not found["requests/s against the course's stack"].is_met
    assert found["memory after load, MB"].is_met
    assert found["memory after load, MB"].found.median == 150
    assert not found["256 connections: errors"].is_met
    assert found["logins/s, 16 in flight, against bcrypt alone"].found.median == 7 / 8
    assert found[
        "page at 50/s under a flood of wrong passwords: p99 against its own rest"
    ].found == Figure(4, 4, 4)
    assert not [words for words in found if "fastapi" in words], "nothing was measured of it"
    assert not any(math.isnan(aim.found.median) for aim in found.values())


@pytest.mark.parametrize(
    ("value", "words"),
    [(0, "0"), (0.567, "0.57"), (12.34, "12.3"), (1234.5, "1,234"), (170, "170"), (5000, "5,000")],
)
def test_a_number_has_the_digits_that_mean_something(value: float, words: str) -> None:
    assert tables.number(value) == words


def test_tables_have_a_line_for_each_contender_and_as_many_cells(results: Results) -> None:
    for text in (
        tables.of_pages_table(results, 64),
        tables.of_doors_table(results),
        tables.of_aims_table(results),
    ):
        assert len({line.count("|") for line in text.splitlines()}) == 1
    assert "| Vestibule | 290 (280–300) | 2.90 (2.64–4) | 5 | 20 |" in tables.of_pages_table(
        results, 64
    )
    assert "bare" not in tables.of_doors_table(results), "it has no door"
    assert "40 (× 4)" in tables.of_doors_table(results)


def test_a_plot_is_sound_and_a_bar_as_long_as_its_figure(results: Results) -> None:
    image = ET.fromstring(plots.draw(show.page_panels(results)))  # noqa: S314 - our own
    bars = [node for node in image.iter() if node.tag.endswith("rect")]
    width = {bar.attrib["class"]: float(bar.attrib["width"]) for bar in bars[:2]}
    assert len(bars) == 2 * len(TITLES)
    assert width["bar ours"] / width["bar"] == pytest.approx(2.9, rel=0.01)
    for bar in bars:
        assert float(bar.attrib["x"]) + float(bar.attrib["width"]) <= plots.WIDTH
    assert "prefers-color-scheme: dark" in plots.draw(show.calm_panels(results))


def test_only_the_readmes_own_part_is_renewed() -> None:
    text = f"before\n{show.BEGIN}\nold\n{show.END}\nafter"
    assert show.renewed(text, r"new \1") == f"before\n{show.BEGIN}\nnew \\1\n{show.END}\nafter"
    with pytest.raises(SystemExit, match="has lost the lines"):
        show.renewed("no marks", "new")


def test_what_is_kept_comes_back_and_makes_a_report(results: Results, tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="measure first"):
        kept.load(tmp_path)
    kept.save(results, tmp_path)
    show.write(tmp_path)
    assert kept.load(tmp_path) == results
    for link in re.findall(r"\]\(([a-z.]+)\)", (tmp_path / "results.md").read_text()):
        assert (tmp_path / link).exists(), link


def test_the_readme_has_its_part_and_its_pictures_are_there() -> None:
    readme = (ROOT / "README.md").read_text()
    part = readme.partition(show.BEGIN)[2].partition(show.END)[0]
    pictures = re.findall(r"!\[[^]]+\]\(([^)]+)\)", part)
    assert pictures
    for picture in pictures:
        assert (ROOT / picture).exists(), picture


def test_a_page_that_got_slower_is_told_by_both_speed_and_cost() -> None:
    base = [page(requests_second=100, cpu_ms=1.0)] * 3
    here = [page(requests_second=95, cpu_ms=1.1, errors=2)] * 3
    words, speed = judged(here, base)
    assert speed.median == pytest.approx(0.95)
    assert "1.10" in words
    assert "errors      6" in words


def test_a_broken_promise_is_counted_by_its_kind() -> None:
    tally = Tally(asked=2000, asked_after=30)
    tally.actions["block"] += 4
    tally.broken["block"] += 1
    said = report(tally, 0, 2.0)
    assert "1,000 a second" in said
    assert re.search(r"block +4 deeds, 1 pages", said)
    assert re.search(r"logout +0 deeds, 0 pages", said)


def test_all_that_contenders_need_is_there() -> None:
    contenders = all_of(2)
    assert BASIS in {each.key for each in contenders}
    assert len({each.key for each in contenders}) == len(contenders) == 8
    assert LUA.exists()
    for each in contenders:
        assert each.folder.is_dir(), each.key
        if each.fill and not each.is_ours:
            assert (each.folder / "app.py").exists()
            assert (each.folder / "templates" / "secret.html").exists()


def test_the_peers_are_locked_with_hashes_and_no_index() -> None:
    folder = ROOT / "bench" / "peers"
    lock = (folder / "requirements.lock").read_text()
    for line in (folder / "requirements.in").read_text().splitlines():
        if not line.startswith("#"):
            assert re.search(rf"^{re.escape(line.split('[')[0])}==", lock, re.MULTILINE), line
    assert lock.count("--hash=sha256:") > lock.count("==")
    assert not re.search(r"https?://|--index|--find-links|file:", lock)


async def test_our_page_without_a_look_up_is_our_page() -> None:
    client = make_page().test_client()
    assert (await client.get("/secret")).status_code == 401
    (name, value), *others = [cookie.split("=", 1) for cookie in cookies()]
    assert len(others) == READERS - 1
    client.set_cookie("localhost", name, value)
    response = await client.get("/secret")
    text = await response.get_data(as_text=True)
    assert response.status_code == 200
    assert "<h1>The secret</h1>" in text
    assert '<strong class="address">reader0</strong>' in text


def test_everybody_is_written_as_wrk_and_the_import_read_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(users, "REAL_ROUNDS", 4)
    write_doors(tmp_path, Door("username", "username"))
    wrong = (tmp_path / "wrong").read_text().splitlines()
    assert len(set(wrong)) == VICTIMS
    assert {line.count("\t") for line in wrong} == {3}
    assert wrong[0].endswith("username=victim0&password=wrong+password")
    write_import(tmp_path / "people.csv")
    lines = (tmp_path / "people.csv").read_text().splitlines()
    everybody = list(csv.DictReader(lines))
    assert len({user["email"] for user in everybody}) == len(everybody) > VICTIMS
    assert len({user["password_hash"] for user in everybody}) == 2, "one cheap, one real"


def test_commands_and_statements_find_what_is_filled_in() -> None:
    for contender in all_of(2):
        for command in contender.fill:
            assert [part.format(users="x") for part in command]
    for statement in (growth.SESSIONS, growth.EVENTS):
        assert statement.format(first=1, last=2, users=3, total=4)


@pytest.mark.parametrize("command", ["find_people", "growth", "transfer"])
def test_how_many_users_is_an_option(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        importlib.import_module(f"bench.{command}").main(["--help"])
    assert "--users" in capsys.readouterr().out
