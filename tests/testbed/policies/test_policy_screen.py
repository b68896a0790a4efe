"""What `testbed policy` prints, on narrow and on wide screens."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from chaos.targets.local import LocalSystem
from services.policy import Profile
from services.policy.change import Reprofile, Setting
from testbed.policies.screen import print_made, print_overview, print_place, print_reset
from testbed.policies.target import PolicyTarget, Reset

if TYPE_CHECKING:
    from tests.testbed.policies.conftest import FakeSystem

NARROW = """\
Started with profile declared; changes in force: 2.

  edge               in force                      not as in the map
  ────────────────────────────────────────────────────────────────────────────
  shop->orders       deadline, retry, breaker,
                     balancer, timeout
  orders->payments   deadline, bulkhead, retry,    with hedge
                     hedge, timeout                retry.max_attempts 5, not 2

  service    in force   not as in the map
  ────────────────────────────────────────────────
  payments   limit      limit.max_limit 30, not 60

  change                                   where                left   by
  ───────────────────────────────────────────────────────────────────────
  retry.max_attempts=5 hedge.delay=100ms   orders->payments   60.0 s   me
  limit.max_limit=30                       payments           60.0 s   me
"""


@pytest.fixture(params=[80, 120])
def out(request: pytest.FixtureRequest) -> Console:
    return Console(file=io.StringIO(), width=request.param, highlight=False)


def printed(out: Console) -> str:
    assert isinstance(out.file, io.StringIO)
    return "".join(f"{line.rstrip()}\n" for line in out.file.getvalue().splitlines())


def changed(system: FakeSystem) -> PolicyTarget:
    target = PolicyTarget(LocalSystem(system.state))
    target.make(Setting(place="orders->payments", values={"retry.max_attempts": "5", "hedge.delay": "100ms"}), 60_000, "me")
    system.now_s += 0.001
    target.make(Setting(place="payments", values={"limit.max_limit": "30"}), 60_000, "me")
    return target


def test_a_narrow_screen_shows_everything_folded(system: FakeSystem) -> None:
    narrow = Console(file=io.StringIO(), width=80, highlight=False)
    print_overview(narrow, changed(system).survey())
    assert printed(narrow) == NARROW


def test_no_line_is_wider_than_the_screen_or_holds_colour_when_it_is_none(system: FakeSystem, out: Console) -> None:
    target = changed(system)
    made = target.make(Reprofile(profile=Profile.NONE), 60_000, "testbed policy profile")
    survey = target.survey()
    print_overview(out, survey)
    for place in ("orders->payments", "payments", "shop"):
        print_place(out, survey, place)
    print_reset(out, Reset(1), None)
    assert max(map(len, printed(out).splitlines())) <= out.width
    print_made(out, Reprofile(profile=Profile.NONE), made, 60_000, "--state x")
    assert "\x1b" not in printed(out)
