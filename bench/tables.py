"""The tables, in Markdown."""

from collections.abc import Iterable, Sequence

from bench.aims import aims
from bench.contenders import BASIS
from bench.figures import (
    Figure,
    calms,
    figure,
    foreign_cores,
    logins,
    of_pages,
    pages,
    ratio,
    turns,
)
from bench.kept import Results

NONE = "–"


def of_pages_table(results: Results, connections: int) -> str:
    """Return how fast the page is, a line each contender."""
    head = ["contender", "requests/s", "× the course's", "p50 ms", "p99 ms",
            "CPU ms a page", "database's", "errors"]  # fmt: skip
    return table(head, [_page_row(results, key, connections) for key in results["titles"]])


def of_doors_table(results: Results) -> str:
    """Return how people sign in, and what a running site weighs, a line each whole site."""
    head = ["contender", "logins/s", "refused", "page's p99 ms at rest", "in a flood of logins",
            "memory MB", "start s"]  # fmt: skip
    sites = [key for key in results["titles"] if logins(results, key)]
    return table(head, [_door_row(results, key) for key in sites])


def of_aims_table(results: Results) -> str:
    """Return what is aimed at, and whether it is reached."""
    rows = [
        [aim.words, spread(aim.found), f"{'≤' if aim.is_most else '≥'} {number(aim.bound)}",
         "yes" if aim.is_met else "**no**"]
        for aim in aims(results)
    ]  # fmt: skip
    return table(["what", "found", "aim", "met"], rows)


def where(results: Results) -> str:
    """Return a sentence that says where and how this was measured."""
    machine, plan, foreign = results["machine"], results["plan"], foreign_cores(results)
    return (
        f"Measured {results['when']} at {results['revision']}: {machine['processor']}, "
        f"{plan['cores']} cores for all together, Python {machine['python']}, PostgreSQL "
        f"{machine['postgresql']}, {plan['rounds']} interleaved rounds of {plan['page']} s, "
        f"100 people. Medians, in brackets the lowest and highest round. Others took "
        f"{foreign.median:.2f} cores meanwhile (at most {foreign.high:.2f})."
    )


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def number(value: float) -> str:
    """Return a number with as many digits as mean something."""
    if value == int(value) and abs(value) < 1000:
        return str(int(value))
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f}"


def spread(found: Figure) -> str:
    if found.low == found.high:
        return number(found.median)
    return f"{number(found.median)} ({number(found.low)}–{number(found.high)})"


def _page_row(results: Results, key: str, connections: int) -> list[str]:
    found = pages(results, key, connections)
    if not found:
        return [results["titles"][key], *[NONE] * 7]
    speed = [page["requests_second"] for page in found]
    basis = of_pages(results, BASIS, connections, lambda page: page["requests_second"])
    return [
        results["titles"][key],
        spread(figure(speed)),
        spread(ratio(speed, basis)) if basis else NONE,
        *(number(figure([page[name] for page in found]).median)
          for name in ("p50_ms", "p99_ms", "cpu_ms", "database_ms")),
        str(sum(page["errors"] for page in found)),
    ]  # fmt: skip


def _door_row(results: Results, key: str) -> list[str]:
    entered, calm, found = logins(results, key), calms(results, key), turns(results, key)
    rest = figure([each["rest_p99_ms"] for each in calm]).median
    flood = figure([each["flood_p99_ms"] for each in calm]).median
    return [
        results["titles"][key],
        spread(figure([each["per_second"] for each in entered])),
        str(sum(each["refused"] for each in entered)),
        number(rest),
        f"{number(flood)} (× {number(flood / rest)})",
        number(figure([turn["pss_mb"] or turn["rss_mb"] for turn in found]).median),
        number(figure([turn["start_seconds"] for turn in found]).median),
    ]
