"""Log records as seven services write them, as bytes of OTLP requests: three of each service in a trace."""

import random
from collections.abc import Sequence
from typing import Final

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest

from benchmarks._span_load import SERVICES, T0_US, TRACES_A_SECOND

_RECORDS_A_TRACE: Final = 3  # In each service.


def log_load(records: int, batch: int, trace_ids: Sequence[bytes], rng: random.Random) -> Sequence[bytes]:
    """About `records` records in requests of `batch` of one service each; they belong to the traces from the first one on."""
    bodies = []
    for number in range(max(1, records // batch)):
        service, first = SERVICES[number % len(SERVICES)], number // len(SERVICES) * batch // _RECORDS_A_TRACE
        bodies.append(_request(service, first, batch, trace_ids, rng))
    return bodies


def _request(service: str, first: int, batch: int, trace_ids: Sequence[bytes], rng: random.Random) -> bytes:
    export = ExportLogsServiceRequest()
    logs = export.resource_logs.add()
    for key, value in {"service.name": service, "service.instance.id": f"{service}/1"}.items():
        logs.resource.attributes.add(key=key).value.string_value = value
    scope = logs.scope_logs.add()
    scope.scope.name = f"services.{service}"
    for number in range(batch):
        trace = first + number // _RECORDS_A_TRACE
        record = scope.log_records.add(trace_id=trace_ids[trace % len(trace_ids)], span_id=rng.randbytes(8), severity_number=9)
        record.time_unix_nano = (T0_US + trace * 1_000_000 // TRACES_A_SECOND) * 1_000
        record.body.string_value = f"order {rng.randrange(10**9)} of {service} goes on to its next step"
        record.attributes.add(key="order.id").value.string_value = f"{rng.randrange(16**12):012x}"
    return bytes(export.SerializeToString())
