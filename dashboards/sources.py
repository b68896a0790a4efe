"""The data sources that panels ask, and what is asked of Jaeger, which the SDK has no type for.

Grafana's uids of the data sources, as `observability/stack` provisions them.
"""

from dataclasses import dataclass
from typing import Final, Literal

from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models.dashboard import DataSourceRef

PROMETHEUS: Final = DataSourceRef(type_val="prometheus", uid="prometheus")
JAEGER: Final = DataSourceRef(type_val="jaeger", uid="jaeger")


@dataclass(frozen=True)
class JaegerQuery(Dataquery):
    """What Grafana's Jaeger data source is asked; the fields are those of `JaegerQuery` in its types.ts."""

    ref_id: str
    query_type: Literal["search", "dependencyGraph"]
    service: str = ""
    tags: str = ""
    """In logfmt: `error=true`."""
    limit: int = 0

    def to_json(self) -> dict[str, object]:
        """The query as Grafana saves it, without what was not said."""
        said = {"service": self.service, "tags": self.tags, "limit": self.limit}
        return {
            "refId": self.ref_id,
            "datasource": JAEGER,
            "queryType": self.query_type,
            **{key: value for key, value in said.items() if value},
        }
