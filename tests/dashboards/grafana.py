"""The requests that Grafana's data sources send, and what they make of the answers.

Prometheus: packages/grafana-prometheus and pkg/promlib of Grafana. Jaeger: pkg/tsdb/jaeger/client.go, and before 12
public/app/plugins/datasource/jaeger/datasource.ts, which asks the same.
"""

import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, urlencode
from urllib.request import urlopen

from tests.dashboards.committed import Json

RATE_INTERVAL = "4s"
"""What `$__rate_interval` is for a data source that is scraped every second."""


@dataclass(frozen=True)
class Grafana:
    """Two data sources and the time that a dashboard shows.

    Attributes:
        prometheus: Base URL.
        jaeger: Base URL.
        shown_s: From so long ago until now.
    """

    prometheus: str
    jaeger: str
    shown_s: int

    def values(self) -> dict[str, str]:
        """Grafana's own variables."""
        return {"__rate_interval": RATE_INTERVAL, "__range": f"{self.shown_s}s", "__interval": "1s"}

    def points(self, expression: str) -> int:
        """How many numbers a panel with the expression would draw.

        Raises:
            ValueError: Prometheus' own words about an expression that is none.
        """
        end_s = time.time()
        asked = {"query": expression, "start": f"{end_s - self.shown_s}", "end": f"{end_s}", "step": "1"}
        series = self._ask(self.prometheus, "/api/v1/query_range", asked)["data"]["result"]
        return sum(math.isfinite(float(value)) for each in series for _, value in each["values"])

    def exemplars(self, expression: str) -> set[str]:
        """Traces that the panel's dots would lead to."""
        end_s = time.time()
        asked = {"query": expression, "start": f"{end_s - self.shown_s}", "end": f"{end_s}"}
        found = self._ask(self.prometheus, "/api/v1/query_exemplars", asked)["data"]
        return {exemplar["labels"]["trace_id"] for each in found for exemplar in each["exemplars"]}

    def label_values(self, metric: str, label: str) -> list[str]:
        """A variable's values."""
        end_s = time.time()
        asked = {"match[]": metric, "start": f"{end_s - self.shown_s:.0f}", "end": f"{end_s:.0f}"}
        found: list[str] = self._ask(self.prometheus, f"/api/v1/label/{label}/values", asked)["data"]
        return found

    def rules(self) -> list[Json]:
        """What Prometheus evaluates, and how that went."""
        groups = self._ask(self.prometheus, "/api/v1/rules", {})["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def trace(self, trace_id: str) -> list[Json]:
        """What a click on an exemplar shows: the trace's spans."""
        found: list[Json] = self._ask(self.jaeger, f"/api/traces/{quote(trace_id)}", {})["data"][0]["spans"]
        return found

    def jaeger_rows(self, query: Json, values: Mapping[str, str]) -> int:
        """How many rows or edges a panel with this query of Jaeger would show."""
        end_s = time.time()
        if query["queryType"] == "dependencyGraph":
            return len(self.dependencies())
        asked = {
            "service": query["service"].replace("$service", values["service"]),
            "start": f"{(end_s - self.shown_s) * 1e6:.0f}",
            "end": f"{end_s * 1e6:.0f}",
            "limit": str(query["limit"]),
        }
        if "tags" in query:
            asked["tags"] = json.dumps(dict(pair.split("=", 1) for pair in query["tags"].split()))
        return len(self._ask(self.jaeger, "/api/traces", asked)["data"])

    def dependencies(self) -> set[tuple[str, str]]:
        """Callers and callees of the service graph."""
        asked = {"endTs": f"{time.time() * 1e3:.0f}", "lookback": f"{self.shown_s * 1000}"}
        return {(each["parent"], each["child"]) for each in self._ask(self.jaeger, "/api/dependencies", asked)["data"]}

    def _ask(self, base: str, path: str, parameters: Mapping[str, str]) -> Any:
        try:
            with urlopen(f"{base}{path}?{urlencode(parameters)}", timeout=10) as response:  # noqa: S310 - the test's own servers
                return json.load(response)
        except HTTPError as error:
            raise ValueError(f"{path} {dict(parameters)}: {error.read().decode()}") from error
