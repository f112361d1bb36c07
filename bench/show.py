"""What was found, for people: tables, plots, and the README's section.

python -m bench show        makes them again from the numbers that are kept
"""

import re
from pathlib import Path

from bench import kept, plots, tables
from bench.aims import OURS, p99, requests_second
from bench.figures import calms, figure, of_pages
from bench.kept import RESULTS, Results
from bench.plots import Bar, Panel
from tests.server import ROOT

BEGIN, END = "<!-- bench: made by make bench -->", "<!-- bench: end -->"


def write(folder: Path) -> None:
    """Write tables and plots beside the numbers; those of a full run into the README too."""
    results = kept.load(folder)
    (folder / "results.md").write_text(report(results))
    (folder / "page.svg").write_text(plots.draw(page_panels(results)))
    (folder / "calm.svg").write_text(plots.draw(calm_panels(results)))
    if folder == RESULTS:
        readme = ROOT / "README.md"
        readme.write_text(renewed(readme.read_text(), section(results)))
    print(report(results))


def report(results: Results) -> str:
    """Return all tables."""
    parts = ["# How fast it is", tables.where(results), "![Requests and p99](page.svg)"]
    for connections in (64, 256):
        parts.append(f"## A signed-in user's page, {connections} connections")
        parts.append(tables.of_pages_table(results, connections))
    bcrypt = results["bcrypt_second"]
    if bcrypt:
        parts += ["## Signing in, memory, start", tables.of_doors_table(results)]
        parts.append(
            f"bcrypt alone, on all cores: {tables.spread(figure(bcrypt))} passwords/s at our cost. "
            "Each contender has its own usual hash, so logins/s compare with bcrypt for ours only. "
            "Memory is that of the whole process tree after load (PSS where the system tells)."
        )
        parts.append("![A page's p99 at rest and in a flood](calm.svg)")
    parts += ["## Aims", tables.of_aims_table(results)]
    return "\n\n".join(parts) + "\n"


def section(results: Results) -> str:
    """Return what the README shows."""
    parts = [
        "![Requests a second and p99 of each contender](bench/results/page.svg)",
        tables.of_pages_table(results, 64),
        tables.of_doors_table(results),
        tables.where(results),
    ]
    return "\n\n".join(parts)


def renewed(text: str, section: str) -> str:
    """Return a text with the part between the two marks replaced."""
    if BEGIN not in text or END not in text:
        raise SystemExit(f"The README has lost the lines {BEGIN} and {END}.")
    pattern = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)
    return pattern.sub(lambda _: f"{BEGIN}\n{section}\n{END}", text)


def page_panels(results: Results) -> list[Panel]:
    """Return requests a second and p99 of all contenders, at 64 connections."""
    panels = []
    for title, pick in (("Requests a second", requests_second), ("p99, milliseconds", p99)):
        bars = [
            Bar(words, figure(found), key == OURS)
            for key, words in results["titles"].items()
            if (found := of_pages(results, key, 64, pick))
        ]
        panels.append(Panel(f"{title}, 64 connections", bars))
    return panels


def calm_panels(results: Results) -> list[Panel]:
    """Return how much slower a page is while others flood the door."""
    bars = [
        Bar(words, figure([each["flood_p99_ms"] for each in found]), key == OURS)
        for key, words in results["titles"].items()
        if (found := calms(results, key))
    ]
    return [Panel("A page's p99 in a flood of logins, milliseconds", bars)]
