"""What survives every process: the callees, which are dictionaries, and what fails at them."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from services.kit.errors import AttemptTimeoutError, ConflictError
from services.orders.domain import Line
from tests.services.orders.fate import Fate

LINES = (Line(701, 2), Line(703, 1))
PRICE_CENTS = 2_350


@dataclass
class World:
    """The callees' state, which survives everything, and what fails at them."""

    portions: dict[str, str] = field(default_factory=dict)
    money: dict[str, str] = field(default_factory=dict)
    couriers: dict[str, str] = field(default_factory=dict)
    captures: Counter[str] = field(default_factory=Counter)
    asked: Counter[str] = field(default_factory=Counter)
    down: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    defers: bool = False
    backlog_full: bool = False
    write_takes_s: float = 0.0
    slow_s: dict[str, float] = field(default_factory=dict)
    now_s: float = 1_000.0
    late: list[Callable[[], None]] = field(default_factory=list)

    def arrive_late(self) -> None:
        """Every call that its caller gave up arrives now."""
        for act in self.late:
            try:
                act()
            except ConflictError:
                continue
        self.late.clear()


@dataclass(frozen=True)
class Callee:
    """One process's way to the callees: each call has a point before it takes effect and one before its answer is known."""

    world: World
    fate: Fate

    async def call(self, name: str, act: Callable[[], Any]) -> Any:
        await self.fate.point()
        self.world.asked[name] += 1
        if name in self.world.down:
            self.world.late.append(act)
            raise AttemptTimeoutError(f"orders->{name}", "no answer in time")
        answer = act()
        self.world.now_s += self.world.slow_s.get(name, 0.0)
        await self.fate.point()
        if name in self.world.silent:
            raise AttemptTimeoutError(f"orders->{name}", "no answer in time")
        return answer

    def move(self, book: dict[str, str], order_id: str, allowed: dict[str | None, str]) -> None:
        state = book.get(order_id)
        if state not in allowed:
            raise ConflictError(f"{order_id} is {state}")
        book[order_id] = allowed[state]


@dataclass(frozen=True)
class FakeRestaurants(Callee):
    """Portions: kept once, and never after they were released."""

    async def reserve(self, order_id: str, _restaurant_id: int, _lines: tuple[Line, ...]) -> int:
        def act() -> int:
            self.move(self.world.portions, order_id, {None: "reserved", "reserved": "reserved"})
            return PRICE_CENTS

        return cast("int", await self.call("reserve", act))

    async def release(self, order_id: str) -> None:
        await self.call("release", lambda: self.world.portions.update({order_id: "released"}))


@dataclass(frozen=True)
class FakePayments(Callee):
    """Money: held, then taken once; what was voided or refunded stays so."""

    async def authorise(self, order_id: str, _customer_id: int, amount_cents: int) -> None:
        assert amount_cents == PRICE_CENTS

        def act() -> None:
            allowed: dict[str | None, str] = {None: "authorised", "authorised": "authorised", "captured": "captured"}
            self.move(self.world.money, order_id, allowed)

        await self.call("authorise", act)

    async def capture(self, order_id: str) -> None:
        def act() -> None:
            first = self.world.money.get(order_id) == "authorised"
            self.move(self.world.money, order_id, {"authorised": "captured", "captured": "captured"})
            self.world.captures[order_id] += first

        await self.call("capture", act)

    async def void(self, order_id: str) -> None:
        allowed: dict[str | None, str] = {None: "voided", "authorised": "voided", "voided": "voided", "refunded": "refunded"}
        await self.call("void", lambda: self.move(self.world.money, order_id, allowed))

    async def refund(self, order_id: str) -> None:
        gone = dict.fromkeys((None, "authorised", "voided"), "voided")
        allowed: dict[str | None, str] = gone | dict.fromkeys(("captured", "refunded"), "refunded")
        await self.call("refund", lambda: self.move(self.world.money, order_id, allowed))


@dataclass(frozen=True)
class FakeDeliveries(Callee):
    """Couriers: assigned once, and never after they were withdrawn."""

    async def assign(self, order_id: str, _customer_id: int) -> bool:
        if self.world.defers:
            return False
        await self.call("assign", lambda: self.give(order_id))
        return True

    def give(self, order_id: str) -> None:
        self.move(self.world.couriers, order_id, {None: "assigned", "assigned": "assigned"})

    async def unassign(self, order_id: str) -> None:
        await self.call("unassign", lambda: self.world.couriers.update({order_id: "withdrawn"}))
