"""What `testbed policy` prints."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from services.duration import format_duration_ms
from services.policy import Pattern
from services.policy.change import Change, whereabouts
from testbed.policies.difference import differences, patterns_of
from testbed.policies.survey import ChangeInForce, InForce, PolicySurvey, owner_of
from testbed.policies.target import Made, Reset
from testbed.terminal import command, protection, table

_OFF = "off"
_NOT_KNOWN = "not known"


def print_overview(out: Console, survey: PolicySurvey) -> None:
    """Every edge, and every service with a limit: what is in force, what differs from the map, and the changes it comes from."""
    out.print(f"Started with {protection(survey.system)}; changes in force: {len(survey.changes()) or 'none'}.", soft_wrap=True)
    out.print()
    out.print(Padding(_places_table("edge", survey, survey.edges), (0, 2), expand=False))
    limited = [
        name for name in survey.services if survey.declared(name) or any(group.parameters for group in survey.in_force(name))
    ]
    if limited:
        out.print()
        out.print(Padding(_places_table("service", survey, limited), (0, 2), expand=False))
    _print_changes(out, survey.changes())


def print_place(out: Console, survey: PolicySurvey, place: str) -> None:
    """Every parameter of one edge or service, as the map declares it and as it is in force."""
    declared, groups = survey.declared(place), survey.in_force(place)
    columns = [_heading(group, groups) for group in groups] or ["in force"]
    rows = table(place, "in the map", *columns, "")
    for key in dict.fromkeys(key for parameters in (declared, *(group.parameters for group in groups)) for key in parameters):
        found = [group.parameters.get(key, _OFF) for group in groups] or [_NOT_KNOWN]
        differs = any(each not in (declared.get(key, _OFF), _NOT_KNOWN) for each in found)
        style = "bold yellow" if differs else "yellow" if not groups else ""
        cells = [Text(each, style=style) for each in found]
        rows.add_row(Text(key), Text(declared.get(key, _OFF)), *cells, "differs" if differs else "")
    if rows.row_count:
        out.print(Padding(rows, (0, 2), expand=False))
    patterns = [pattern for pattern in Pattern if pattern.of_service == (place in survey.services)]
    on = {pattern for parameters in (declared, *(group.parameters for group in groups)) for pattern in patterns_of(parameters)}
    off = [str(pattern) for pattern in patterns if pattern not in on]
    if not groups:
        unknown = f"No process of {owner_of(place)} answered, so that what is in force is not known."
        out.print(Padding(Text(unknown, style="yellow"), (0, 2), expand=False))
    elif off:
        out.print(Padding(Text(f"Off, and in the map too: {', '.join(off)}"), (0, 2), expand=False))
    _print_changes(out, survey.changes(place))


def print_made(out: Console, change: Change, made: Made, lease_ms: float, option: str) -> None:
    """Says what, where, until when, how to undo it and where to see it."""
    until = datetime.now().astimezone() + timedelta(milliseconds=lease_ms)
    length = format_duration_ms(lease_ms)
    out.print(Text.assemble((str(change), "bold"), f" {whereabouts(change)} until {until:%H:%M:%S} ({length})"), soft_wrap=True)
    out.print(f"  in:    {', '.join(made.instances)}", soft_wrap=True)
    quoted = f" {quote(change.place)}" if change.place else ""
    out.print(f"  undo:  {command(f'testbed policy reset{quoted}', option)}", soft_wrap=True)
    out.print(f"  watch: {command(f'testbed policy{quoted}', option)}", soft_wrap=True)


def print_reset(out: Console, reset: Reset, place: str | None) -> None:
    """Says how many changes were ended."""
    where = f" at {place}" if place else ""
    changes = "1 change" if reset.ended == 1 else f"{reset.ended} changes"
    nothing = f"Nothing was changed{where}" + (" alone; changes made everywhere end by: testbed policy reset" if place else ".")
    out.print(f"Ended {changes}{where}." if reset.ended else nothing, soft_wrap=True)


def quote(place: str) -> str:
    """A place as a shell wants it."""
    return f"'{place}'" if "->" in place else place


def _places_table(what: str, survey: PolicySurvey, places: Iterable[str]) -> Table:
    rows = table(what, "in force", "not as in the map")
    for place in places:
        groups = survey.in_force(place)
        if not groups:
            rows.add_row(place, Text(_NOT_KNOWN, style="yellow"), "")
        for group in groups:
            name = place if len(groups) == 1 else f"{place}\n  in {', '.join(group.instances)}"
            differing = Text("\n".join(differences(survey.declared(place), group.parameters)), style="yellow")
            rows.add_row(Text(name), Text(", ".join(patterns_of(group.parameters)) or "nothing"), differing)
    return rows


def _print_changes(out: Console, changes: tuple[ChangeInForce, ...]) -> None:
    if not changes:
        return
    rows = table("change", "where", "left", "by", right=("left",))
    for each in changes:
        left = f"{max(each.left_ms.values()) / 1_000:.1f} s"
        missing = Text(f"\nnot in {', '.join(each.missing)}, started again since" if each.missing else "", style="yellow")
        rows.add_row(Text(str(each.change)) + missing, each.change.place or "everywhere", left, each.source)
    out.print()
    out.print(Padding(rows, (0, 2), expand=False))


def _heading(group: InForce, groups: tuple[InForce, ...]) -> str:
    return "in force" if len(groups) == 1 else f"in {', '.join(group.instances)}"
