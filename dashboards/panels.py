"""The kinds of panels: how each shows its series, the same on every dashboard."""

from collections.abc import Mapping
from typing import Final

from grafana_foundation_sdk.models import (
    bargauge,
    common,
    dashboard,
    heatmap,
    nodegraph,
    prometheus,
    stat,
    statetimeline,
    timeseries,
)
from grafana_foundation_sdk.models.dashboard import Panel

from dashboards.head import Head, Query, instant_queries, range_queries
from dashboards.kind import BY_NAME, BY_THRESHOLD, coloured, panel
from dashboards.sources import JAEGER, JaegerQuery

_ALL_SERIES: Final = common.VizTooltipOptions(mode=common.TooltipDisplayMode.MULTI, sort=common.SortOrder.DESCENDING)
_ONE_SERIES: Final = common.VizTooltipOptions(mode=common.TooltipDisplayMode.SINGLE, sort=common.SortOrder.NONE)
_NO_LEGEND: Final = common.VizLegendOptions(
    display_mode=common.LegendDisplayMode.LIST, placement=common.LegendPlacement.BOTTOM, show_legend=False, calcs=[]
)
_LEGEND: Final = common.VizLegendOptions(
    display_mode=common.LegendDisplayMode.TABLE,
    placement=common.LegendPlacement.BOTTOM,
    show_legend=True,
    calcs=["lastNotNull", "max"],
)
_LAST: Final = common.ReduceDataOptions(values=False, calcs=["lastNotNull"], fields="")
# A scrape that is missed is drawn over, a dead replica is not.
_GAP_MS: Final = 5_000


def lines(head: Head, *queries: Query, stacked: bool = False, colours: Mapping[str, str] | None = None) -> Panel:
    """Series over time; `stacked` where their sum is what counts, and `colours` by legend."""
    limited = any(value is not None for value, _ in head.steps)
    custom = common.GraphFieldConfig(
        draw_style=common.GraphDrawStyle.LINE,
        line_width=1,
        fill_opacity=25 if stacked else 5,
        show_points=common.VisibilityMode.NEVER,
        span_nulls=_GAP_MS,
        stacking=common.StackingConfig(mode=common.StackingMode.NORMAL if stacked else common.StackingMode.NONE, group="A"),
        thresholds_style=common.GraphThresholdsStyleConfig(
            mode=common.GraphThresholdsStyleMode.DASHED if limited else common.GraphThresholdsStyleMode.OFF
        ),
    )
    options = timeseries.Options(legend=_LEGEND, tooltip=_ALL_SERIES)
    return coloured(panel("timeseries", head, range_queries(queries), options, BY_NAME, custom), colours or {})


def number(head: Head, query: Query) -> Panel:
    """One large number, its last, coloured by its thresholds, over a line of what it was before."""
    options = stat.Options(
        reduce_options=_LAST,
        color_mode=common.BigValueColorMode.VALUE,
        graph_mode=common.BigValueGraphMode.AREA,
        text_mode=common.BigValueTextMode.VALUE,
    )
    return panel("stat", head, range_queries([query]), options, BY_THRESHOLD)


def bars(head: Head, *queries: Query) -> Panel:
    """One bar a series, of its value now."""
    options = bargauge.Options(
        reduce_options=_LAST,
        orientation=common.VizOrientation.HORIZONTAL,
        display_mode=common.BarGaugeDisplayMode.BASIC,
        value_mode=common.BarGaugeValueMode.COLOR,
        legend=_NO_LEGEND,
    )
    return panel("bargauge", head, instant_queries(queries, prometheus.PromQueryFormat.TIME_SERIES), options, BY_THRESHOLD)


def states(head: Head, *queries: Query, words: Mapping[int, tuple[str, str]] | None = None) -> Panel:
    """One row a series, coloured by what it was when; `words` name a value and its colour, else thresholds colour it."""
    options = statetimeline.Options(
        show_value=common.VisibilityMode.AUTO if words else common.VisibilityMode.NEVER,
        row_height=0.8,
        merge_values=True,
        legend=_NO_LEGEND,
        tooltip=_ONE_SERIES,
    )
    custom = statetimeline.FieldConfig(line_width=0, fill_opacity=80)
    made = panel("state-timeline", head, range_queries(queries), options, BY_THRESHOLD, custom)
    if words and made.field_config:
        results = {
            str(value): dashboard.ValueMappingResult(text=text, color=colour, index=index)
            for index, (value, (text, colour)) in enumerate(words.items())
        }
        made.field_config.defaults.mappings = [dashboard.ValueMap(options=results)]
    return made


def heat(head: Head, query: Query) -> Panel:
    """How often which value was observed when: a histogram's own buckets."""
    options = heatmap.Options(
        calculate=False,
        color=heatmap.HeatmapColorOptions(
            mode=heatmap.HeatmapColorMode.SCHEME, scheme="Oranges", fill="dark-orange", exponent=0.5, steps=64
        ),
        y_axis=heatmap.YAxisConfig(unit=head.unit),
        exemplars=heatmap.ExemplarConfig(color="rgba(255,0,255,0.7)"),
        cell_values=heatmap.CellValues(unit="short"),
        show_value=common.VisibilityMode.NEVER,
        legend=heatmap.HeatmapLegend(show=True),
        tooltip=heatmap.HeatmapTooltip(mode=common.TooltipDisplayMode.SINGLE, y_histogram=False, show_color_scale=True),
    )
    queries = range_queries([query], prometheus.PromQueryFormat.HEATMAP)
    return panel("heatmap", head, queries, options, BY_THRESHOLD)


def service_graph(head: Head) -> Panel:
    """Who called whom how often, as the traces tell."""
    options = nodegraph.Options(nodes=nodegraph.NodeOptions(), edges=nodegraph.EdgeOptions(main_stat_unit=head.unit))
    made = panel("nodeGraph", head, [JaegerQuery(ref_id="A", query_type="dependencyGraph")], options, BY_THRESHOLD)
    made.datasource = JAEGER
    return made
