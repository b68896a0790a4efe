"""One endpoint, served bare, with the libraries' defaults, or as Firebreak's telemetry instruments it.

    python -m benchmarks._overhead_app STACK PORT COLLECTOR [EXPORTER]

STACK is bare, stock, default, default+exporter or lean+exporter. Metrics and logs are on in all but the first; no stack writes a
line a request. The stock one is what the libraries' own pages tell: FastAPIInstrumentor, BatchSpanProcessor and
prometheus-fastapi-instrumentator, as they are.
"""

import gc
import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import uvicorn
from fastapi import FastAPI, Response
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.logging.handler import LoggingHandler
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from prometheus_client import generate_latest
from prometheus_fastapi_instrumentator import Instrumentator

from observability.telemetry import Origin, Telemetry, create_telemetry
from observability.trace_options import TraceOptions, TracePath
from services.kit.serve import SWITCH_INTERVAL_S

BARE: Final = "bare"
STOCK: Final = "stock"
OURS: Final = ("default", "default+exporter", "lean+exporter")
STACKS: Final = (BARE, STOCK, *OURS)
PATH: Final = "/dishes/71"


def main() -> None:
    """Serves until it is told to end."""
    stack, port, collector, *exporter = sys.argv[1:]
    ours: Telemetry | None = None
    if stack in OURS:
        tracing = TraceOptions(TracePath(stack.partition("+")[0]), 1.0, *exporter)
        ours = create_telemetry(Origin("overhead", "overhead/1"), collector, "info", tracing)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        if ours is None:
            yield
            return
        sys.setswitchinterval(SWITCH_INTERVAL_S)  # This and the next two as services.kit.serve does.
        gc.collect()
        gc.freeze()
        yield
        ours.shutdown()

    # FastAPI's own telemetry would make the bare one less bare, and the others' requests traced twice.
    app = FastAPI(lifespan=lifespan, telemetry={"tracing": False, "metrics": False, "logs": False})

    @app.get("/dishes/{dish_id}")
    async def dish(dish_id: int) -> dict[str, int | str]:
        return {"dish_id": dish_id, "name": "Pho", "price_cents": 1_050}

    if ours:
        registry = ours.metrics.registry

        @app.get("/metrics")
        async def metrics() -> Response:
            text: bytes = generate_latest(registry)
            return Response(text)

        ours.instrument(app)
    elif stack == STOCK:
        _stock(app, collector)
    uvicorn.run(app, host="127.0.0.1", port=int(port), loop="uvloop", http="httptools", log_level="warning", access_log=False)


def _stock(app: FastAPI, collector: str) -> None:
    resource = Resource.create({"service.name": "overhead"})
    provider = TracerProvider(resource=resource)
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{collector}/v1/traces")))
    trace.set_tracer_provider(provider)
    logs = LoggerProvider(resource=resource)
    logs.add_log_record_processor(BatchLogRecordProcessor(OTLPLogExporter(f"{collector}/v1/logs")))
    logging.getLogger().addHandler(LoggingHandler(logger_provider=logs))
    logging.getLogger().setLevel(logging.INFO)
    Instrumentator().instrument(app).expose(app)
    FastAPIInstrumentor.instrument_app(app)


if __name__ == "__main__":
    main()
