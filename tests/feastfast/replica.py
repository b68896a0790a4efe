"""One instance of a service in the process of the tests."""

import asyncio
import logging
import os
from importlib import import_module

import uvicorn
from fastapi import FastAPI

from services.kit.protocol import BoundedProtocol
from services.kit.serve import KEEP_ALIVE_S
from services.kit.settings import Settings
from services.registry import Instance, InstanceState
from services.topology import load_topology
from testbed.ports import free_port

TOPOLOGY = load_topology()
AT_WORK_S = 0.2


class Replica:
    """One instance of a service: the application and server of its `main()`, without the process around them."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.port = 0  # Until it has been there.

    async def start(self) -> None:
        # A test elsewhere that serves with uvicorn's own logging leaves it configured; a service's process never has it.
        served = logging.getLogger("uvicorn")
        served.handlers, served.propagate = [], True
        self.app: FastAPI = import_module(TOPOLOGY.services[self.settings.service].module).create_app(self.settings)
        # Its old port, so that a return is one; at first one that no connection gets while it is away.
        self.port = self.port or free_port()
        config = uvicorn.Config(
            self.app,
            port=self.port,
            http=BoundedProtocol,
            ws="none",
            log_config=None,
            log_level="warning",
            timeout_keep_alive=KEEP_ALIVE_S,
        )
        config.load()
        self._server = uvicorn.Server(config)
        self._server.lifespan = config.lifespan_class(config)
        await self._server.startup()

    async def die(self) -> None:
        """Ends as a killed process does: connections are cut, and what waits for others does not go on.

        What is at work is let finish, because a cut transaction would keep its lock in this process, which lives on.
        """
        for server in self._server.servers:
            server.close()
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()
        tasks = list(self._server.server_state.tasks)
        if tasks:
            await asyncio.wait(tasks, timeout=AT_WORK_S)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.lifespan.shutdown()

    def instance(self, state: InstanceState) -> Instance:
        service, replica = self.settings.service, self.settings.replica
        return Instance(service=service, replica=replica, host="127.0.0.1", port=self.port, pid=os.getpid(), state=state)
