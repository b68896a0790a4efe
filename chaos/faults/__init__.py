"""The kinds of request fault, one a file.

A kind is a frozen model of its settings plus `apply`, which does it to one request. It knows neither servers nor clients.
To add one: write its file, and add the class to `AnyFault`.
"""

from typing import Annotated, get_args

from pydantic import Field, TypeAdapter

from chaos.faults.abort import Abort
from chaos.faults.error import Error
from chaos.faults.hang import Hang
from chaos.faults.latency import Latency
from chaos.faults.partition import Partition

AnyFault = Latency | Error | Abort | Hang | Partition
Fault = Annotated[AnyFault, Field(discriminator="kind")]
"""Any request fault, told apart by `kind`."""
FAULT: TypeAdapter[AnyFault] = TypeAdapter(Fault)
KINDS: tuple[type[AnyFault], ...] = get_args(AnyFault)
"""The same, for those who list them."""

__all__ = ["FAULT", "KINDS", "Abort", "AnyFault", "Error", "Fault", "Hang", "Latency", "Partition"]
