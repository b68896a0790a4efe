"""One endpoint, served bare or with the middleware of metrics: `python -m benchmarks._metrics_app bare|measured PORT`."""

import sys
from typing import Final

import uvicorn
from fastapi import FastAPI

from observability.metrics import Metrics
from observability.request_metrics import RequestMetrics, RequestTimes

PATH: Final = "/dishes/71"


def main() -> None:
    """Serves until it is told to end."""
    stack, port = sys.argv[1:]
    app = FastAPI(telemetry={"tracing": False, "metrics": False, "logs": False})

    @app.get("/dishes/{dish_id}")
    async def dish(dish_id: int) -> dict[str, int | str]:
        return {"dish_id": dish_id, "name": "Pho", "price_cents": 1_050}

    if stack == "measured":
        app.add_middleware(RequestMetrics, times=RequestTimes(Metrics(), app))
    uvicorn.run(app, host="127.0.0.1", port=int(port), loop="uvloop", http="httptools", log_level="warning", access_log=False)


if __name__ == "__main__":
    main()
