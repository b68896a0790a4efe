"""Kills and pauses random replicas under mixed load, lets everything recover, and checks that no order was lost or doubled.

    python -m benchmarks.torture [--duration 5m] [--seed 7] [--kills-every 500ms] [--rate 12] [--patience 5s] [--keep]
                                [--without breaker] [--replicas 2]

A system of its own, in a temporary folder, on free ports, with two replicas of every service but the entry, so that what one has
begun another may undo. Customers repeat each order under its Idempotency-Key until they are answered for good. Meanwhile a random
replica of any service is killed (SIGKILL) or paused (SIGSTOP, three of ten for longer than any lease) every few hundred
milliseconds. Then all faults are lifted, every order that nobody knows about is asked for once more, and the books of all
services are compared with each other and with what customers were told.

Protection is as declared. Open breakers turn many orders away before a step is taken; `--without breaker` lets them through to
where processes die.

Figure: 0 orders lost, 0 doubled, 0 stuck, and every invariant holds, over at least one kill in two seconds (150 in 5 minutes).
When it is missed the folder stays, with the rows of every offending order in `autopsy.json`. The seed decides who asks for what
and who is struck when; how that falls together is the machine's.
"""

import argparse
import asyncio
import shutil
import signal
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Final

from rich.console import Console

from benchmarks._autopsy import write_autopsy
from benchmarks._figure import met_word
from benchmarks._ordeal import Options, Ordeal, Subject, endure
from benchmarks._replicas import with_replicas
from chaos.http_get import FetchError
from services.duration import parse_duration_ms
from services.topology import Topology
from testbed.control import ControlError
from testbed.launch import LaunchOptions, launch, running_supervisor, stop
from testbed.terminal import console, table
from testbed.verify_screen import finding_table

KILLS_PER_S: Final = 0.5
MAX_DURATION_S: Final = 3_600.0


def main() -> int:
    """Prints what happened; 1 when an order was lost, doubled or stuck, or too little was done to know; 2 when it cannot run."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    options, out = read_options(), console()
    folder = Path(tempfile.mkdtemp(prefix="torture-"))
    keep, met = options.keep, False
    try:
        met = _run(options, folder, out)
        keep |= not met
    except (ControlError, FetchError, OSError) as error:
        keep = True
        out.print(f"torture: {error}", markup=False, soft_wrap=True)
        return 2
    except KeyboardInterrupt:
        out.print("torture: interrupted; every process is stopped")
        return 130
    finally:
        if keep:
            out.print(f"Everything of seed {options.seed} is kept in {folder}", soft_wrap=True)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return int(not met)


def _run(options: Options, folder: Path, out: Console) -> bool:
    """Whether the figure is met."""
    state, path = folder / "state", folder / "topology.yaml"
    # What listens on a fixed port is one process.
    topology = with_replicas(path, lambda _name, service: 1 if service.port else max(service.replicas, options.replicas))
    try:
        system = launch(
            LaunchOptions(
                state=state,
                topology=path,
                without=options.without,
                free_ports=True,
                seed=options.seed,
                run_id=f"torture-{options.seed}",
                die_with_parent=True,
            )
        )
        subject = Subject(state, topology, system.addresses[topology.entry])
        out.print(f"{len(system.instances)} processes are up in {state}; seed {options.seed}", soft_wrap=True)
        ordeal = asyncio.run(endure(options, subject, lambda text: out.print(text, markup=False, soft_wrap=True)))
        met = _judge(options, ordeal)
        _print(out, topology, ordeal)
        if not met:
            write_autopsy(folder / "autopsy.json", ordeal.done, subject.library())
        out.print(f"figure: 0 lost, 0 doubled, 0 stuck: {met_word(met)}")
    finally:
        if running_supervisor(state) is not None:
            stop(state)
    return met


def _judge(options: Options, ordeal: Ordeal) -> bool:
    harmless = not (ordeal.lost or ordeal.doubled or ordeal.stuck or ordeal.done.broken or ordeal.customers.failures)
    return harmless and ordeal.toll.kills.total() >= options.duration_s * KILLS_PER_S


def _print(out: Console, topology: Topology, ordeal: Ordeal) -> None:
    toll, promises = ordeal.toll, ordeal.done.findings["promises kept"]
    struck = table("service", "replicas", "kills", "pauses", right=("replicas", "kills", "pauses"))
    for name, service in topology.services.items():
        struck.add_row(name, str(service.replicas), str(toll.kills[name]), str(toll.pauses[name]))
    struck.add_row("together", "", str(toll.kills.total()), str(toll.pauses.total()))
    out.print(struck)
    out.print(f"{toll.starts} restarts; {len(toll.collapsed)} processes ended though nobody killed them", soft_wrap=True)
    for line in toll.collapsed[:10]:
        out.print(f"  {line}", markup=False, soft_wrap=True)
    out.print(_requests(ordeal.customers.answers), soft_wrap=True)
    intents = len(ordeal.customers.told().intents)
    out.print(
        f"{intents} orders wanted: {promises.count('accepted')} accepted, {promises.count('refused')} refused "
        f"({ordeal.customers.undone} of them undone for want of a service), {promises.count('cancelled')} cancelled, "
        f"{promises.count('unknown')} unknown; {ordeal.crowd.turned_away} visits turned away",
        soft_wrap=True,
    )
    for failure in ordeal.customers.failures:
        out.print(f"  {failure}", markup=False, soft_wrap=True)
    out.print()
    out.print(finding_table(ordeal.done.findings))
    out.print(f"\n[bold]lost {ordeal.lost}, doubled {ordeal.doubled}, stuck {ordeal.stuck}[/]")


def _requests(answers: Counter[str]) -> str:
    """`812 requests: order 201 598, order 503 80, ...`, the most frequent first."""
    told = ", ".join(f"{name} x {count}" for name, count in answers.most_common(12))
    return f"{answers.total()} requests, by answer: {told}"


def read_options(arguments: list[str] | None = None) -> Options:
    """The command line. Exits with 2, naming what is allowed, when it is none."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.torture", description="See the head of benchmarks/torture.py.")
    parser.add_argument("--duration", type=_seconds, default="5m", help="of load and faults  [default: %(default)s]")
    parser.add_argument("--seed", type=int, default=7, help="[default: %(default)s]")
    parser.add_argument("--kills-every", type=_seconds, default="500ms", help="mean time between faults  [default: %(default)s]")
    parser.add_argument("--rate", type=_rate, default="12", help="orders a second  [default: %(default)s]")
    parser.add_argument("--patience", type=_seconds, default="5s", help="for one answer  [default: %(default)s]")
    parser.add_argument("--keep", action="store_true", help="keep the run's folder even when nothing is wrong")
    parser.add_argument("--without", action="append", default=[], metavar="PATTERN[@EDGE]", help="as testbed up has it")
    parser.add_argument("--replicas", type=int, choices=range(1, 5), default=2, help="of each service  [default: %(default)s]")
    given = parser.parse_args(arguments)
    without = tuple(given.without)
    return Options(given.duration, given.seed, given.kills_every, given.rate, given.patience, given.keep, without, given.replicas)


def _seconds(text: str) -> float:
    """A duration with its unit. Raises argparse's error, which names what is allowed."""
    try:
        duration_s = parse_duration_ms(text) / 1_000
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if not 0.05 <= duration_s <= MAX_DURATION_S:
        raise argparse.ArgumentTypeError(f"{text!r} is out of range; allowed: 50ms to 1h")
    return duration_s


def _rate(text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not 0 < rate <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is no rate; allowed: above 0, up to 100 orders a second")
    return rate


if __name__ == "__main__":
    sys.exit(main())
