"""Where the log records of a process go."""

import pytest

from observability.log_options import NOWHERE, collector_of_logs
from observability.telemetry import Origin, create_telemetry
from services.kit.settings import Settings, SettingsError

SPANS, LOGS = "http://jaeger:4318", "http://loki:3100/otlp"


@pytest.mark.parametrize(
    ("spans", "logs", "collector"),
    [
        (SPANS, "", SPANS),
        (SPANS, LOGS, LOGS),
        (SPANS, NOWHERE, None),
        (None, LOGS, LOGS),
        (None, "", None),
        (None, NOWHERE, None),
    ],
)
def test_records_go_with_the_spans_unless_it_is_said_otherwise(spans: str | None, logs: str, collector: str | None) -> None:
    assert collector_of_logs(spans, logs) == collector


def test_a_process_whose_records_go_nowhere_exports_none() -> None:
    telemetry = create_telemetry(Origin("shop", "shop/1"), "http://127.0.0.1:9", "info", logs_endpoint=NOWHERE)
    assert telemetry.logs is None
    telemetry.shutdown()


@pytest.mark.parametrize("url", ["loki:3100", "http://", "http://loki:3100/otlp?tenant=1", "nowhere"])
def test_another_endpoint_is_refused_with_what_is_allowed(url: str) -> None:
    with pytest.raises(SettingsError, match=r"^FIREBREAK_OTLP_LOGS_ENDPOINT: no base URL .* write http://HOST:PORT, or none"):
        Settings.from_environment({"FIREBREAK_SERVICE": "orders", "FIREBREAK_OTLP_LOGS_ENDPOINT": url})
