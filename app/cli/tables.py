"""Printing lists: as a table for people, as JSON for programs."""

import json
from collections.abc import Mapping, Sequence

import click


def as_json(found: Sequence[Mapping[str, object]] | Mapping[str, object]) -> None:
    """Print JSON."""
    click.echo(json.dumps(found, default=str, indent=2))


def as_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table as wide as what stands in it."""
    lines = [headings, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(headings))]
    for line in lines:
        cells = (f"{cell:{width}}" for cell, width in zip(line, widths, strict=True))
        click.echo("  ".join(cells).rstrip())
