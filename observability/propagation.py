"""What a request carries from service to service: W3C trace context, and of W3C baggage the three keys that are ours.

The formats are the library's. Both come from strangers too, and everything that is let in goes on to every callee and, of trace
context, into every span: so of baggage only known keys with short, plain values are, and of vendors' state what W3C asks for.
"""

import re
from collections.abc import Mapping
from typing import Final

from opentelemetry import baggage, propagate
from opentelemetry.baggage.propagation import W3CBaggagePropagator
from opentelemetry.context import Context
from opentelemetry.propagators.composite import CompositePropagator
from opentelemetry.propagators.textmap import CarrierT, Getter, Setter, TextMapPropagator, default_getter, default_setter
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from observability import names

CARRIED: Final = (names.ATTR_RUN, names.ATTR_ARM, names.ATTR_JOURNEY)
"""Keys of baggage; server spans get attributes of the same names."""
HEADERS: Final = frozenset({b"traceparent", b"tracestate", b"baggage"})
"""What of a request's head `propagate.extract` looks at."""
MAX_BAGGAGE_CHARS: Final = 8_192
"""Of the whole header, as W3C bounds it; a longer one is ignored."""
MAX_TRACE_STATE_CHARS: Final = 512
"""Of the header of other vendors' state, which W3C wants passed on up to here; a longer one is ignored."""
_HEADER, _TRACE_PARENT, _TRACE_STATE = "baggage", "traceparent", "tracestate"
_MEMBER: Final = re.compile(rf"(?:{'|'.join(map(re.escape, CARRIED))})=[A-Za-z0-9._-]{{1,64}}")


class ShortTraceContext(TraceContextTextMapPropagator):
    """The library's trace context, of which no long state is let in: each span of a trace would hold all of it."""

    def extract(  # noqa: D102 - the library's.
        self, carrier: CarrierT, context: Context | None = None, getter: Getter[CarrierT] = default_getter
    ) -> Context:
        parent = getter.get(carrier, _TRACE_PARENT)
        if not parent:  # Whoever calls from outside; the instrumentation's getter reads the whole head for each header.
            return Context() if context is None else context
        state = getter.get(carrier, _TRACE_STATE)
        is_short = state and sum(map(len, state)) <= MAX_TRACE_STATE_CHARS
        return super().extract({_TRACE_PARENT: parent, **({_TRACE_STATE: state} if is_short else {})}, context)


class KnownBaggage(TextMapPropagator):
    """The library's baggage, of which only what is known is let in."""

    def __init__(self) -> None:
        self._baggage = W3CBaggagePropagator()

    def extract(  # noqa: D102 - the library's.
        self, carrier: CarrierT, context: Context | None = None, getter: Getter[CarrierT] = default_getter
    ) -> Context:
        given = getter.get(carrier, _HEADER)
        text = ",".join(given) if given else ""
        members = [member.strip() for member in text.split(",")] if 0 < len(text) <= MAX_BAGGAGE_CHARS else []
        known = [member for member in members if _MEMBER.fullmatch(member)]
        if not known:
            return Context() if context is None else context
        return self._baggage.extract({_HEADER: ",".join(known)}, context)

    def inject(  # noqa: D102 - the library's.
        self, carrier: CarrierT, context: Context | None = None, setter: Setter[CarrierT] = default_setter
    ) -> None:
        self._baggage.inject(carrier, context, setter)

    @property
    def fields(self) -> set[str]:  # noqa: D102 - the library's.
        return self._baggage.fields


def carry_known_baggage() -> None:
    """Makes this process carry trace context and known baggage: the instrumentations ask the library's one global propagator."""
    propagate.set_global_textmap(CompositePropagator([ShortTraceContext(), KnownBaggage()]))


def told_by_caller(context: Context | None, own: Mapping[str, object]) -> dict[str, str]:
    """Attributes of a server span from the baggage of `context` (None: the current one), save for what `own` says already."""
    carried = baggage.get_all(context)
    return {key: str(carried[key]) for key in CARRIED if key in carried and carried[key] != own.get(key)} if carried else {}
