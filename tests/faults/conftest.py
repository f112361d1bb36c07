"""What the faults share, and their figures at the end of the run."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy import URL

from tests.faults.cluster import Cluster, cluster

Figure = Callable[[str], None]


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Figure:
    """Return a function that notes a measured sentence, to be shown at the end of the run."""

    def note(sentence: str) -> None:
        record_property("figure", sentence)

    return note


@pytest.fixture
def own_cluster() -> Iterator[Cluster]:
    with cluster() as made:
        yield made


@pytest.fixture
def cluster_url(own_cluster: Cluster) -> URL:
    return own_cluster.url
