"""What all kinds of panels share, and how one series or column differs from the rest."""

from collections.abc import Mapping, Sequence
from typing import Final

from grafana_foundation_sdk.cog.variants import Dataquery
from grafana_foundation_sdk.models import dashboard
from grafana_foundation_sdk.models.dashboard import FieldColor, FieldColorModeId, Panel

from dashboards import thresholds
from dashboards.head import MIN_INTERVAL, Head
from dashboards.sources import PROMETHEUS

BY_THRESHOLD: Final = FieldColor(mode=FieldColorModeId.THRESHOLDS)
BY_NAME: Final = FieldColor(mode=FieldColorModeId.PALETTE_CLASSIC_BY_NAME)


def panel(
    kind: str, head: Head, queries: Sequence[Dataquery], options: object, colour: FieldColor, custom: object | None = None
) -> Panel:
    """A panel of Grafana's `kind`, without a place yet; `custom` are the kind's own properties of a series."""
    defaults = dashboard.FieldConfig(
        unit=head.unit,
        decimals=head.decimals,
        min_val=head.minimum,
        max_val=head.maximum,
        thresholds=thresholds.config(head.steps),
        color=colour,
        no_value=head.empty,
        links=list(head.links) or None,
        custom=custom,
    )
    return Panel(
        type_val=kind,
        title=head.title,
        description=head.description,
        datasource=PROMETHEUS,
        targets=list(queries),
        interval=MIN_INTERVAL,
        options=options,
        field_config=dashboard.FieldConfigSource(defaults=defaults, overrides=[]),
    )


def override(name: str, properties: Mapping[str, object]) -> dashboard.DashboardFieldConfigSourceOverrides:
    """Other properties for the series or the column of that name."""
    return dashboard.DashboardFieldConfigSourceOverrides(
        matcher=dashboard.MatcherConfig(id_val="byName", options=name),
        properties=[dashboard.DynamicConfigValue(id_val=key, value=value) for key, value in properties.items()],
    )


def coloured(whole: Panel, colours: Mapping[str, str]) -> Panel:
    """The panel with a fixed colour for each series that `colours` names."""
    assert whole.field_config is not None  # noqa: S101  panel() gives every panel one
    whole.field_config.overrides = [
        override(name, {"color": FieldColor(mode=FieldColorModeId.FIXED, fixed_color=colour)}) for name, colour in colours.items()
    ]
    return whole
