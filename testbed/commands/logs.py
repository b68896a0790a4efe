"""The command that shows what processes said: of a running system, of a past run, or of a telemetry store."""

from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import click

from services.duration import parse_duration_ms
from testbed.commands.local_only import local_only
from testbed.commands.options import parse_target, state_option
from testbed.launch import running_supervisor
from testbed.log_line import LEVELS, LogFilter, LogLine
from testbed.log_store import LogStore
from testbed.log_view import follow, log_files, tail
from testbed.past_run import arm_of
from testbed.run import RUNS, RunFolder
from testbed.terminal import console, print_log_line

_MAX_LINES: Final = 10_000


def _since(_context: click.Context, _parameter: click.Parameter, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        return datetime.now(UTC) - timedelta(milliseconds=parse_duration_ms(text))
    except ValueError as error:
        raise click.BadParameter(str(error)) from None


@click.command()
@click.argument("targets", metavar="[SERVICE[/N]]...", nargs=-1)
@click.option("--service", "named", multiple=True, metavar="NAME", help="The same as an argument; may repeat.")
@click.option("-f", "--follow", "keep_on", is_flag=True, help="Go on with what is written from now on.")
@click.option("--level", type=click.Choice(LEVELS), default="debug", help="This level and above.")
@click.option("--since", callback=_since, metavar="5m", help="Not older than that.")
@click.option("--grep", "text", default="", metavar="TEXT", help="Lines with this text, in upper or lower case.")
@click.option("--trace", "trace_id", default="", metavar="ID", help="Lines of one trace; the beginning of its id is enough.")
@click.option("-n", "--lines", "count", type=click.IntRange(0, _MAX_LINES), default=50, show_default=True, help="So many lines.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line, for programs.")
@click.option("--run", "run", default="", metavar="ID[/ARM]", help=f"Of a past run under {RUNS}; 'latest' is the last one.")
@click.option("--store", "store", default="", metavar="URL", help="Ask a telemetry store, such as http://127.0.0.1:16686.")
@state_option
def logs(
    targets: tuple[str, ...],
    named: tuple[str, ...],
    keep_on: bool,  # noqa: FBT001 - click passes options by name.
    level: str,
    since: datetime | None,
    text: str,
    trace_id: str,
    count: int,
    as_json: bool,  # noqa: FBT001 - likewise.
    run: str,
    store: str,
    state: Path,
) -> None:
    """Show what processes say, all replicas of some services merged by time; of every service when none is named."""
    if store and run:
        raise click.UsageError("--run and --store exclude each other: lines come from files, or from a store")
    wanted, of = LogFilter(level, trace_id.lower(), since, text), [parse_target(target) for target in (*targets, *named)]
    show = _shower(as_json=as_json)
    if store:
        source = LogStore(store)
        show(source.tail(of, wanted, count))
        if keep_on:
            show(source.follow(of, wanted))
        return
    folder = arm_of(run) if run else RunFolder(state)
    with local_only(folder.root, "docker compose logs orders-1, or Explore in Grafana"):
        files = log_files(folder, of)
    show(tail(files, wanted, count))
    if keep_on:
        show(follow(files, wanted, lambda: running_supervisor(folder.root) is not None))


def _shower(*, as_json: bool) -> Callable[[Iterable[LogLine]], None]:
    out = console()

    def show(lines: Iterable[LogLine]) -> None:
        for line in lines:
            if as_json:
                click.echo(line.to_json())
            else:
                print_log_line(out, line)

    return show
