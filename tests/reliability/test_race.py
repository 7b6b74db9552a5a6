"""Ten processes that promote at the same moment."""

import pytest
from children import do_promote, racers
from faults import fault, serving

PROMOTERS = 10


@pytest.fixture(scope="module")
def promoters(gcs_server):
    """Ten processes, waiting for each other before each promotion."""
    with racers(PROMOTERS, gcs_server.url) as race:
        yield race


@fault(
    "ten promotions at once",
    "one serves, whole; no version is lost or shared; nine are told that another won",
)
def test_ten_at_once(promoters, uri, store, run, candidate, number, record_property):
    before = None
    if number % 2:  # half of the rounds begin with a champion
        before = run(0).version
    jobs = [(uri, *candidate(n, champion=before)) for n in range(1, PROMOTERS + 1)]
    results = promoters(do_promote, jobs)
    won = [version for outcome, version in results if outcome == "promoted"]
    told = [outcome for outcome, _ in results if outcome == "StaleChampionError"]
    versions = [version.version for version in store.versions()]
    attempts = {version.attempt for version in store.versions()}
    record_property("winners", len(won))
    record_property("told", len(told))
    record_property("losers_published", len(versions) - len(won) - (before is not None))
    record_property("lost", len(set(range(1, max(versions) + 1)).difference(versions)))
    record_property("shared", len(versions) - len(attempts))
    assert won == [serving(store)]
    assert len(told) == PROMOTERS - 1
    assert versions == list(range(1, len(versions) + 1))
    assert len(attempts) == len(versions)
