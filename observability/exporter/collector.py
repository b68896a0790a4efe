"""Where spans go that are encoded already."""

from typing import Protocol

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter


class Collector(Protocol):
    """Takes requests."""

    def take(self, request: bytes) -> bool:
        """Sends an ExportTraceServiceRequest; False when it did not arrive."""
        ...

    def shutdown(self) -> None:
        """Nothing more will be sent."""
        ...


class OtlpCollector(OTLPSpanExporter):
    """The library's way to a collector, with its retries and the environment variables that it reads (headers, gzip).

    The library offers it for spans of its own alone. So this uses what is behind it, which a new version may call by another
    name; tests send through it to a real listener.
    """

    def take(self, request: bytes) -> bool:
        """Sends an ExportTraceServiceRequest; False when it did not arrive. It logs why."""
        return bool(self._client.export(request).success)

    def shutdown(self) -> None:
        """Nothing more will be sent."""
        super().shutdown()  # type: ignore[no-untyped-call]  # the library leaves it untyped
