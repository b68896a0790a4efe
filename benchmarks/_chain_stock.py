"""One of the chain's services as most are made: FastAPI, one httpx.AsyncClient a process, OpenTelemetry's instrumentations.

    python -m benchmarks._chain_stock SERVICE PORT URL_OF_THE_NEXT COLLECTOR

Everything at its library's defaults, and no protection but the client's own timeouts. Only the access log is left out: ours has
none, and it would cost a line a request.
"""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import uvicorn
from fastapi import FastAPI
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
from opentelemetry.instrumentation.httpx import HTTPXClientInstrumentor
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

from benchmarks._chain_wire import GATEWAY, ORDER_ID, ORDERS, PAYMENTS, Basket, Charge, Order, Payment, charge_for, order_of, paid


def main() -> None:
    """Serves one of the three until it is told to end."""
    service, port, next_url, collector = sys.argv[1:5]
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(f"{collector}/v1/traces")))
    trace.set_tracer_provider(provider)
    HTTPXClientInstrumentor().instrument()
    client = httpx.AsyncClient(base_url=next_url)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        async with client:
            yield

    app = FastAPI(title=service, lifespan=lifespan)
    {GATEWAY: _gateway, ORDERS: _orders, PAYMENTS: _payments}[service](app, client)
    FastAPIInstrumentor.instrument_app(app)
    uvicorn.run(app, host="127.0.0.1", port=int(port), log_level="warning", access_log=False)


async def _ask(client: httpx.AsyncClient, path: str, body: str) -> bytes:
    headers = {"Content-Type": "application/json", "Idempotency-Key": ORDER_ID}
    response = await client.post(path, content=body, headers=headers)
    response.raise_for_status()
    return response.content


def _gateway(app: FastAPI, client: httpx.AsyncClient) -> None:
    @app.post("/orders", status_code=201)
    async def place(basket: Basket) -> Order:
        return Order.model_validate_json(await _ask(client, "/internal/orders", basket.model_dump_json()))


def _orders(app: FastAPI, client: httpx.AsyncClient) -> None:
    @app.post("/internal/orders", status_code=201)
    async def place(basket: Basket) -> Order:
        charge = charge_for(basket)
        payment = Payment.model_validate_json(await _ask(client, "/internal/payments", charge.model_dump_json()))
        return order_of(basket, charge, payment)


def _payments(app: FastAPI, _client: httpx.AsyncClient) -> None:
    @app.post("/internal/payments", status_code=201)
    async def pay(charge: Charge) -> Payment:
        return paid(charge)


if __name__ == "__main__":
    main()
