"""Everything under docs/api that is made from the code: what it should be, and what it is."""

from pathlib import Path

from tests.contracts import of_gateway, of_orders
from tests.contracts.compatibility import Comparison
from tests.contracts.consumer import contracts_of
from tests.contracts.documents import FOLDER, PUBLIC, SERVICES, openapi_of, public_part, read, text_of
from tests.contracts.events import events_document
from tests.contracts.interaction import CONTRACTS, Contract
from tests.contracts.of_invariants import contracts_of_invariants

PROMISED = "v1.json"


class Committed:
    """The files in `folder` beside what the code says, which is computed once."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._folder = folder
        self._openapi = {service: openapi_of(service) for service in SERVICES}

    def breaks(self) -> list[str]:
        """What the code breaks of the public contract as it is committed."""
        path = self._folder / PROMISED
        return Comparison(read(path), public_part(self._openapi[PUBLIC])).breaks() if path.exists() else []

    async def wanted(self) -> dict[str, str]:
        """What the code says, by file."""
        wanted = {f"{service}.json": text_of(document) for service, document in self._openapi.items()}
        wanted[PROMISED] = text_of(public_part(self._openapi[PUBLIC]))
        wanted["events.json"] = text_of(await events_document())
        return wanted | {contract.file: text_of(contract.model_dump(mode="json")) for contract in await contracts()}

    async def differing(self) -> dict[str, str]:
        """What is not committed as the code has it, by file; files that nothing makes any more have no text."""
        wanted = await self.wanted()
        there = {
            str(path.relative_to(self._folder)): path.read_text(encoding="utf-8")
            for pattern in ("*.json", f"{CONTRACTS}/*.json")
            for path in self._folder.glob(pattern)
        }
        gone = dict.fromkeys(there.keys() - wanted.keys(), "")
        return {file: text for file, text in wanted.items() if there.get(file) != text} | gone

    async def write(self) -> list[str]:
        """Makes the files what the code says, and names them. The public contract is left alone where that would break it."""
        differing = await self.differing()
        if self.breaks():
            differing.pop(PROMISED, None)
        for file, text in differing.items():
            path = self._folder / file
            path.parent.mkdir(parents=True, exist_ok=True)
            if text:
                path.write_text(text, encoding="utf-8")
            else:
                path.unlink()
        return sorted(differing)


async def contracts() -> list[Contract]:
    """Every contract, as the consumers' code has it."""
    between_services = [*await contracts_of("gateway", of_gateway.EXERCISES), *await contracts_of("orders", of_orders.EXERCISES)]
    return [*between_services, *contracts_of_invariants()]
