"""``python -m app …``."""

import gc
from typing import NoReturn


def main() -> NoReturn:
    """Run a command."""
    gc.disable()  # what is imported stays: looking for garbage in it takes a fifth of the start
    from app.cli.program import run  # noqa: PLC0415 - after that

    gc.enable()
    run()


if __name__ == "__main__":
    main()
