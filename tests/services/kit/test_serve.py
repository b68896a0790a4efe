"""How a service listens to those who keep a connection to it."""

import aiohttp
from fastapi import FastAPI

from services.kit import serve


async def test_an_idle_connection_is_let_go_by_the_caller_who_might_use_it_again_and_not_by_the_service_first() -> None:
    async with aiohttp.TCPConnector() as of_callers:
        assert serve._config(FastAPI()).timeout_keep_alive > (of_callers._keepalive_timeout or 0)
