"""Both ends of a request inside a target, time that passes when told, and whoever is told of injections."""

import asyncio
from collections.abc import Callable

from chaos.inject.asgi import App, Message, Receive, Scope, Send


async def settle() -> None:
    """Lets every task run until it waits for something that does not come by itself."""
    for _ in range(50):
        await asyncio.sleep(0)


class HandClock:
    """Time that passes when told; waiters wake when theirs has come."""

    def __init__(self) -> None:
        self.now_s = 1_000.0
        self._timers: list[tuple[float, asyncio.Event]] = []

    def now(self) -> float:
        return self.now_s

    async def wait(self, event: asyncio.Event, timeout_s: float) -> None:
        due = asyncio.Event()
        self._timers.append((self.now_s + timeout_s, due))
        waits = [asyncio.ensure_future(event.wait()), asyncio.ensure_future(due.wait())]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()

    async def advance(self, seconds: float) -> None:
        self.now_s += seconds
        for at_s, due in self._timers:
            if at_s <= self.now_s + 1e-9:
                due.set()
        await settle()


class Request:
    """One HTTP request to an ASGI application, told from both ends."""

    def __init__(self, path: str = "/charges", method: str = "POST", body: tuple[bytes, ...] = (b"{}",)) -> None:
        self.scope: Scope = {"type": "http", "method": method, "path": path, "headers": []}
        self.sent: list[Message] = []
        self._inbox: asyncio.Queue[Message] = asyncio.Queue()
        for index, part in enumerate(body):
            self._inbox.put_nowait({"type": "http.request", "body": part, "more_body": index < len(body) - 1})

    def hang_up(self) -> None:
        self._inbox.put_nowait({"type": "http.disconnect"})

    async def _send(self, message: Message) -> None:
        self.sent.append(message)

    async def run(self, app: App) -> None:
        await app(self.scope, self._inbox.get, self._send)

    async def start(self, app: App) -> "asyncio.Task[None]":
        task = asyncio.ensure_future(self.run(app))
        await settle()
        return task

    @property
    def status(self) -> int | None:
        return self.sent[0]["status"] if self.sent else None

    @property
    def body(self) -> bytes:
        return b"".join(message["body"] for message in self.sent[1:])


class Echo:
    """The application behind the middleware: answers with the body it was sent, and counts."""

    def __init__(self) -> None:
        self.requests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.requests += 1
        body, more = b"", True
        while more:
            message = await receive()
            body += message.get("body", b"")
            more = message.get("more_body", False)
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": body})


class Scissors:
    """Cuts on request: the caller's end hears of it as a disconnect."""

    def __init__(self) -> None:
        self.cut: list[Scope] = []
        self.on_cut: Callable[[], None] = lambda: None

    def __call__(self, scope: Scope) -> bool:
        self.cut.append(scope)
        self.on_cut()
        return True


class Notes:
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.injections: list[tuple[str, str, str]] = []

    def injected(self, lease_id: str, fault: str, target: str) -> None:
        self.injections.append((lease_id, fault, target))


async def crowd(app: App, places: int, scissors: Scissors) -> "tuple[list[asyncio.Task[None]], Request]":
    """As many requests as have a place to wait, and one more, which is over and hangs up when it is cut."""
    held = [await Request().start(app) for _ in range(places)]
    late = Request()
    scissors.on_cut = late.hang_up
    await late.run(app)
    return held, late
