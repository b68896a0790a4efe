"""A request waits for a name server as seldom as can be."""

import asyncio
import socket
from collections.abc import Callable, Coroutine

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from services.kit.lookup import FRESH_S, STALE_S, WANTED_S, KnownAddresses
from tests.services.kit.virtual import run_virtually, settle


class NameServer(AbstractResolver):
    """Knows one address, or none, and takes its time."""

    def __init__(self) -> None:
        self.address = "10.0.0.1"
        self.fails_with = 0
        self.takes_s = 0.0
        self.asked = 0
        self.is_closed = False

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        self.asked += 1
        await asyncio.sleep(self.takes_s)
        if self.fails_with:
            raise socket.gaierror(self.fails_with, "no")
        return [ResolveResult(hostname=host, host=self.address, port=port, family=family, proto=0, flags=0)]

    async def close(self) -> None:
        self.is_closed = True


Story = Callable[[KnownAddresses, NameServer], Coroutine[None, None, None]]


def told(story: Story) -> None:
    async def whole() -> None:
        server = NameServer()
        known = KnownAddresses(server)
        await story(known, server)
        await known.close()
        assert server.is_closed

    run_virtually(whole())


async def address(known: KnownAddresses) -> tuple[str, float]:
    """Of one name, and how long that took."""
    loop = asyncio.get_running_loop()
    began_s = loop.time()
    try:
        found = (await known.resolve("orders-1", 8_080))[0]["host"]
    except socket.gaierror as error:
        found = f"none: {error.strerror}"
    return found, loop.time() - began_s


def test_the_first_who_asks_waits_and_nobody_asks_twice_meanwhile() -> None:
    async def story(known: KnownAddresses, server: NameServer) -> None:
        server.takes_s = 0.25
        assert list(await asyncio.gather(address(known), address(known))) == [("10.0.0.1", 0.25)] * 2
        await asyncio.sleep(FRESH_S / 2)
        assert await address(known) == ("10.0.0.1", 0)
        assert server.asked == 1

    told(story)


def test_an_address_that_was_known_is_answered_at_once_and_a_new_one_is_found_beside_that() -> None:
    async def story(known: KnownAddresses, server: NameServer) -> None:
        await address(known)
        server.address, server.takes_s = "10.0.0.2", 0.25
        await asyncio.sleep(FRESH_S)
        assert await address(known) == ("10.0.0.1", 0)
        await asyncio.sleep(0.25)
        await settle()
        assert await address(known) == ("10.0.0.2", 0)

    told(story)


def test_a_name_that_is_gone_holds_up_nobody_and_its_return_is_seen_without_anybody_asking() -> None:
    async def story(known: KnownAddresses, server: NameServer) -> None:
        await address(known)
        server.fails_with, server.takes_s = socket.EAI_NONAME, 1.5
        await asyncio.sleep(FRESH_S)
        assert await address(known) == ("10.0.0.1", 0)
        await asyncio.sleep(1.5)
        await settle()
        for _ in range(5):
            assert await address(known) == ("none: no", 0)
            await asyncio.sleep(1)
        server.address, server.fails_with = "10.0.0.3", 0
        await asyncio.sleep(FRESH_S + 2 * server.takes_s)
        assert await address(known) == ("10.0.0.3", 0)

    told(story)


def test_an_address_that_nobody_asked_about_for_long_is_not_believed() -> None:
    async def story(known: KnownAddresses, server: NameServer) -> None:
        await address(known)
        server.address, server.takes_s = "10.0.0.2", 0.25
        await asyncio.sleep(STALE_S)
        assert await address(known) == ("10.0.0.2", 0.25)

    told(story)


def test_who_gives_up_waiting_takes_the_answer_from_nobody_else() -> None:
    async def story(known: KnownAddresses, server: NameServer) -> None:
        server.takes_s = 0.25
        impatient = asyncio.create_task(address(known))
        patient = asyncio.create_task(address(known))
        await settle()
        impatient.cancel()
        assert await patient == ("10.0.0.1", 0.25)
        assert server.asked == 1

    told(story)


def test_a_name_server_that_cannot_tell_for_the_moment_takes_no_address_away() -> None:
    async def story(known: KnownAddresses, server: NameServer) -> None:
        await address(known)
        server.fails_with = socket.EAI_AGAIN
        for _ in range(int(STALE_S)):
            assert await address(known) == ("10.0.0.1", 0)
            await asyncio.sleep(FRESH_S)
        assert await address(known) == ("none: no", 0)

    told(story)


def test_a_name_that_nobody_wants_any_more_is_looked_up_no_more() -> None:
    async def story(known: KnownAddresses, server: NameServer) -> None:
        server.fails_with = socket.EAI_NONAME
        await address(known)
        await asyncio.sleep(2 * WANTED_S)
        asked = server.asked
        await asyncio.sleep(WANTED_S)
        assert server.asked == asked
        server.fails_with = 0
        assert await address(known) == ("10.0.0.1", 0)

    told(story)


@pytest.mark.parametrize("takes_s", [0.0, 3_600.0], ids=["when it is to be looked up later", "while it is looked up"])
def test_a_name_that_is_not_there_is_looked_up_no_more_once_it_is_closed(takes_s: float) -> None:
    async def story(known: KnownAddresses, server: NameServer) -> None:
        server.fails_with = socket.EAI_NONAME
        await address(known)
        server.takes_s = takes_s
        await asyncio.sleep(1.5 * FRESH_S)
        await known.close()
        asked = server.asked
        assert asyncio.all_tasks() == {asyncio.current_task()}
        await asyncio.sleep(10 * FRESH_S)
        assert server.asked == asked

    told(story)


async def test_a_session_asks_it_and_says_of_a_name_without_address_that_it_cannot_connect() -> None:
    server = NameServer()
    server.fails_with = socket.EAI_NONAME
    known = KnownAddresses(server)
    connector = aiohttp.TCPConnector(resolver=known, use_dns_cache=False)
    async with aiohttp.ClientSession(connector=connector) as session:
        with pytest.raises(aiohttp.ClientConnectorError, match="no"):
            await session.get("http://orders-1:8080/")
    await known.close()
    assert server.asked == 1
