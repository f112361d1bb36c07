"""All measurements.

make bench                      everything, some 16 minutes; renews bench/results and README
make bench ARGS=--short         two minutes, for a look
python -m bench pair --base REV this checkout's page against another revision's
python -m bench promises        a logout, a block, a changed role act on the next request
python -m bench flood|gate|timing|transfer|find_people|growth [--help]
python -m bench show            tables and plots again, from the numbers kept
"""

import argparse
import sys
from collections.abc import Callable, Sequence

from bench import compare, find_people, flood, gate, growth, pair, promises, show, timing, transfer
from bench.kept import RESULTS

OTHERS: dict[str, Callable[[Sequence[str]], None]] = {
    "pair": pair.main,
    "promises": promises.main,
    "flood": flood.main,
    "gate": gate.main,
    "timing": timing.main,
    "transfer": transfer.main,
    "find_people": find_people.main,
    "growth": growth.main,
    "show": lambda _: show.write(RESULTS),
}


def main(arguments: Sequence[str]) -> None:
    """Run the measurement that is named; without a name, all contenders."""
    if arguments and arguments[0] in OTHERS:
        OTHERS[arguments[0]](arguments[1:])
        return
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--short", action="store_true", help="two minutes; the README stays")
    parser.add_argument("--rounds", type=int, default=0, help="at least five, unless --short")
    parser.add_argument("--cores", type=int, default=2, help="cores for all together")
    parser.add_argument("--only", default="", help="contenders, like ours,course")
    options = parser.parse_args(arguments)
    plan = compare.SHORT if options.short else compare.FULL
    if options.rounds:
        plan = plan._replace(rounds=options.rounds)
    only = [key for key in options.only.split(",") if key]
    folder = RESULTS / "short" if options.short or only else RESULTS
    compare.run(plan, cores=options.cores, only=only, folder=folder)


if __name__ == "__main__":
    main(sys.argv[1:])
