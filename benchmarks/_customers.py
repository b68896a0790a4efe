"""Customers who want what they ordered: each repeats an order under one key until it is answered for good, or gives up.

They place orders (also several times at once under one key, and with another basket under a used one), cancel them while they are
being placed, read, track and sign in. What they did and what they were told is kept, to be compared with the books.
"""

import asyncio
import json
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from random import Random
from typing import Final
from uuid import UUID

import aiohttp

from chaos.invariants.promises_kept import Intent, Told
from loadtests.journeys.catalogue import PASSWORD, Basket, Line, draw_basket, email

CUSTOMERS: Final = 60
MAX_ATTEMPTS: Final = 12
"""Of one order while faults are in force; who gave up asks again afterwards."""
_FIRST_PAUSE_S, _MAX_PAUSE_S = 0.05, 1.0
_NOT_YET: Final = ("still being placed", "is changing")
"""What a conflict says that is none for long."""
_UNDONE: Final = "was cancelled"
"""What an order says of itself that was undone; asking again gives the same answer."""


@dataclass
class Wanted:
    """One order that somebody wants, and all that they were answered."""

    key: str
    customer: int
    basket: Basket
    accepted_ids: set[str] = field(default_factory=set)
    refused: bool = False
    undone: bool = False
    """Refused because a service that is needed did not answer: whoever wants it still orders again, under a new key."""

    @property
    def answered(self) -> bool:
        """Whether an answer settled it."""
        return bool(self.accepted_ids) or self.refused


@dataclass(frozen=True)
class Answer:
    """Status and JSON body of an answer; status 0 when there was none."""

    status: int
    body: Mapping[str, object]

    @property
    def detail(self) -> str:
        """What a problem says."""
        return str(self.body.get("detail", ""))


class Customers:
    """All customers of one system.

    Args:
        session: Sends requests.
        base_url: Of the system's entry.
        patience_s: How long one answer is waited for.
    """

    def __init__(self, session: aiohttp.ClientSession, base_url: str, patience_s: float) -> None:
        self._session = session
        self._base_url = base_url
        self._timeout = aiohttp.ClientTimeout(total=patience_s)
        self._tokens: dict[int, str] = {}
        self._wanted: list[Wanted] = []
        self._recent: deque[tuple[str, int]] = deque(maxlen=500)
        self._cancel_possible: set[str] = set()
        self._cancel_told: set[str] = set()
        self.answers: Counter[str] = Counter()
        """Of every request, by what was asked and the status; status 0 is none."""
        self.failures: deque[str] = deque(maxlen=20)
        """The last answers with status 500, or that contradict an earlier one."""

    async def sign_in_all(self) -> None:
        """Signs everybody in. Raises OSError when somebody cannot."""
        for customer in range(1, CUSTOMERS + 1):
            answer = await self._sign_in(customer)
            if answer.status != 201:
                raise OSError(f"customer {customer} cannot sign in: status {answer.status} {answer.detail}")
            self._tokens[customer] = str(answer.body["token"])

    @property
    def undone(self) -> int:
        """Orders that were undone for want of a service."""
        return sum(each.undone for each in self._wanted)

    def told(self) -> Told:
        """What everybody asked for and was told."""
        intents = tuple(
            Intent(each.key, each.customer, frozenset(each.accepted_ids), refused=each.refused) for each in self._wanted
        )
        return Told(intents, frozenset(self._cancel_possible), frozenset(self._cancel_told))

    async def order(self, random: Random) -> None:
        """Wants an order, and asks for it until it is settled or MAX_ATTEMPTS are spent."""
        basket = draw_basket(random)
        if random.random() < 0.25:  # Everybody likes this one, until it is sold out.
            basket = Basket(1, (Line(101, 20),))
        key = str(UUID(int=random.getrandbits(128), version=4))
        wanted = Wanted(key, random.randint(1, CUSTOMERS), basket)
        self._wanted.append(wanted)
        copies = random.choice((2, 3)) if random.random() < 0.15 else 1
        tasks = [self._place(wanted, Random(random.getrandbits(64)), MAX_ATTEMPTS) for _ in range(copies)]
        if random.random() < 0.2:
            tasks.append(self._cancel_soon(wanted, random))
        await asyncio.gather(*tasks)
        if random.random() < 0.05 and wanted.accepted_ids:
            await self._misuse(wanted)

    async def browse(self, random: Random) -> None:
        """Reads what there is."""
        await self._ask("browse", "GET", "/v1/restaurants?limit=20")
        await self._ask("browse", "GET", f"/v1/restaurants/{random.randint(1, 200)}/menu")
        await self._ask("browse", "GET", "/v1/dishes/popular?limit=10")

    async def track(self, random: Random) -> None:
        """Asks after an order that was placed lately."""
        if not self._recent:
            return
        order, customer = random.choice(self._recent)
        for path in (f"/v1/orders/{order}", f"/v1/orders/{order}/tracking", "/v1/notifications"):
            await self._ask("track", "GET", path, customer=customer)

    async def sign_in(self, random: Random) -> None:
        """Signs in once more."""
        await self._sign_in(random.randint(1, CUSTOMERS))

    async def ask_again(self, random: Random, repeated: int) -> None:
        """With everything up again: settles what nobody knows, and repeats up to `repeated` settled orders under their keys."""
        unknown = [each for each in self._wanted if not each.answered]
        settled = [each for each in self._wanted if each.accepted_ids]
        again = unknown + random.sample(settled, min(repeated, len(settled)))
        at_once = asyncio.Semaphore(8)

        async def ask(wanted: Wanted) -> None:
            async with at_once:
                await self._place(wanted, Random(random.getrandbits(64)), 5 * MAX_ATTEMPTS)

        await asyncio.gather(*(ask(each) for each in again))

    async def _place(self, wanted: Wanted, random: Random, attempts: int) -> None:
        pause_s = _FIRST_PAUSE_S
        for _ in range(attempts):
            answer = await self._post_order(wanted, wanted.basket)
            if self._settles(wanted, answer):
                return
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.5))
            pause_s = min(_MAX_PAUSE_S, 2 * pause_s)

    def _settles(self, wanted: Wanted, answer: Answer) -> bool:
        if answer.status == 201:
            order = str(answer.body["id"])
            wanted.accepted_ids.add(order)
            self._recent.append((order, wanted.customer))
            return True
        undone = _UNDONE in answer.detail
        refused = answer.status in (404, 409, 422) and not any(text in answer.detail for text in _NOT_YET)
        wanted.undone |= undone
        wanted.refused |= undone or refused
        return undone or refused

    async def _cancel_soon(self, wanted: Wanted, random: Random) -> None:
        """Cancels what this customer has under way, some moments after it was asked for."""
        await asyncio.sleep(random.uniform(0.0, 0.4))
        listed = await self._ask("list", "GET", "/v1/orders?limit=5", customer=wanted.customer)
        orders = listed.body.get("orders", [])
        for order in orders if isinstance(orders, list) else []:
            if order["status"] in ("pending", "awaiting_courier"):
                await self._cancel(str(order["id"]), wanted.customer)

    async def _cancel(self, order: str, customer: int) -> None:
        for _ in range(3):
            self._cancel_possible.add(order)
            answer = await self._ask("cancel", "POST", f"/v1/orders/{order}/cancellation", customer=customer)
            if answer.status == 200 and answer.body.get("status") == "cancelled":
                self._cancel_told.add(order)
                return
            if answer.status == 409 and not any(text in answer.detail for text in _NOT_YET):
                return

    async def _misuse(self, wanted: Wanted) -> None:
        """A used key with another basket must be refused, whatever became of it."""
        other = Basket(wanted.basket.restaurant_id, (Line(wanted.basket.restaurant_id * 100 + 8, 19),))
        answer = await self._post_order(wanted, other, "misuse")
        if answer.status == 201:
            self.failures.append(f"key {wanted.key} was taken for another basket: order {answer.body.get('id')}")

    async def _post_order(self, wanted: Wanted, basket: Basket, kind: str = "order") -> Answer:
        headers = {"Idempotency-Key": wanted.key}
        return await self._ask(kind, "POST", "/v1/orders", asdict(basket), customer=wanted.customer, headers=headers)

    async def _sign_in(self, customer: int) -> Answer:
        return await self._ask("sign in", "POST", "/v1/sessions", {"email": email(customer), "password": PASSWORD})

    async def _ask(
        self,
        kind: str,
        method: str,
        path: str,
        body: object = None,
        *,
        customer: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        sent = {**(headers or {}), **({"Authorization": f"Bearer {self._tokens[customer]}"} if customer else {})}
        answer = await self._send(method, path, body, sent)
        self.answers[f"{kind} {answer.status}"] += 1
        if answer.status == 500:
            self.failures.append(f"{method} {path}: status 500 {dict(answer.body)}")
        return answer

    async def _send(self, method: str, path: str, body: object, headers: Mapping[str, str]) -> Answer:
        try:
            async with self._session.request(
                method, self._base_url + path, json=body, headers=headers, timeout=self._timeout
            ) as response:
                content = json.loads(await response.read())
                return Answer(response.status, content if isinstance(content, dict) else {})
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return Answer(0, {})
