"""A gauge that asks at the scrape shows what is, not what was when somebody last told it."""

import pytest
from prometheus_client import CollectorRegistry

from observability.live_gauge import LiveGauge


def test_it_shows_what_its_sources_say_at_each_scrape() -> None:
    registry = CollectorRegistry()
    gauge = LiveGauge("cups", "Cups on a table.", ["table"], registry)
    cups = {"round": 3.0}
    gauge.read_from(lambda: [((table,), count) for table, count in cups.items()])
    gauge.read_from(lambda: [(("bar",), 9.0)])
    assert registry.get_sample_value("cups", {"table": "round"}) == 3
    cups["round"] = 4
    assert registry.get_sample_value("cups", {"table": "round"}) == 4
    assert registry.get_sample_value("cups", {"table": "bar"}) == 9
    cups.clear()
    assert registry.get_sample_value("cups", {"table": "round"}) is None


def test_no_other_metric_may_have_its_name() -> None:
    registry = CollectorRegistry()
    LiveGauge("cups", "Cups on a table.", ["table"], registry)
    with pytest.raises(ValueError, match="Duplicated timeseries"):
        LiveGauge("cups", "Cups on a table.", ["table"], registry)
