"""The garbage collector of a process that serves."""

import gc

# The tail of a page's times was the collector's, which looked through all modules every few pages.
COLLECT_AFTER = (50_000, 50, 100)


def spare_the_collector() -> None:
    """Set aside all that is there for good, and look for garbage less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
