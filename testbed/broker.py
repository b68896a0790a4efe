"""What carries events between a system's services: they push them to each other, or a NATS server does."""

import hashlib
import secrets
from dataclasses import dataclass, field

from services.kit.nats_url import check_nats_url
from testbed.data import PostgresData, SqliteData


@dataclass(frozen=True)
class Broker:
    """A NATS server and the stream of one system there; none when `url` is empty."""

    url: str = field(default="", repr=False)
    stream: str = ""

    def environment(self) -> dict[str, str]:
        """For every service, so that none inherits another system's broker from the caller's environment."""
        return {"FIREBREAK_NATS_URL": self.url, "FIREBREAK_NATS_STREAM": self.stream}


def choose_broker(url: str, data: SqliteData | PostgresData, *, is_fresh: bool) -> Broker:
    """Services push when there is no URL. Raises ValueError.

    Events belong to the data that they tell of: data that stays finds its stream again, and fresh data gets a new one.
    """
    try:
        check_nats_url(url)
    except ValueError as error:
        raise ValueError(f"--nats: {error}") from None
    if not url:
        return Broker()
    place = secrets.token_hex(8) if is_fresh else hashlib.sha256(data.describe().encode()).hexdigest()[:16]
    return Broker(url, f"firebreak-{place}")
