"""Settings of one process: the only reader of the environment."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Self
from urllib.parse import quote, unquote, urlsplit

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from observability.log_options import NOWHERE
from observability.trace_options import TraceOptions, TracePath
from services.addresses import check_addresses
from services.document import did_you_mean
from services.kit.database_url import parse_database_url
from services.kit.nats_url import check_nats_url
from services.policy import Profile, Switch
from services.topology import Topology, default_topology_path, load_topology

PREFIX = "FIREBREAK_"
OF_COMPOSE = (
    *("IMAGE", "LOAD_IMAGE", "MAP", "DATABASES", "GATEWAY_PORT", "GRAFANA_PORT", "JAEGER_PORT", "PROMETHEUS_PORT"),
    *("ALERTMANAGER_PORT", "LOKI_PORT", "LOCUST_PORT"),
)
"""Variables of compose.yaml, which somebody may have set for all that they start."""
OF_OTHERS = (
    *("STACK", "DATABASE", "NATS", "MIGRATIONS", "OTLP_PORT", "STORE_PATH", "STORE_MAX_SIZE_MIB", "STORE_MAX_AGE_S"),
    *OF_COMPOSE,
)
"""Variables that other parts read, and that a service inherits from whoever started all of them."""
Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]*$")]


class SettingsError(ValueError):
    """The environment does not make a process; the text names the variable and what is allowed."""


class Settings(BaseModel):
    """What a process is told from outside. Every field is the variable FIREBREAK_<NAME>."""

    model_config = ConfigDict(frozen=True)

    service: Name
    replica: int = Field(default=1, ge=1)
    host: str = "127.0.0.1"
    port: int = Field(default=0, ge=0, le=65_535, description="0: any free one")
    topology: Path = Field(default_factory=default_topology_path)
    registry: Path = Path("registry.json")
    addresses: str = Field(
        default="", description="of replicas whose names tell them: http://{service}-{replica}:8080; empty: the registry tells"
    )
    database_url: str = Field(default="sqlite:///service.sqlite", repr=False, description="of services that keep data")
    nats_url: str = Field(default="", repr=False, description="of the broker that carries events; empty: services push them")
    nats_stream: str = Field(default="firebreak", pattern=r"^[A-Za-z0-9_-]{1,60}$", description="of this system's events there")
    profile: Profile = Profile.DECLARED
    without: tuple[str, ...] = Field(default=(), description="patterns switched off, comma separated")
    otlp_endpoint: str = ""
    otlp_logs_endpoint: str = Field(
        default="", description=f"where logs go if not with the spans; {NOWHERE}: they are only written to standard output"
    )
    exporter: str = Field(
        default="", description="path of the exporter process's socket; empty: a thread of this process exports"
    )
    tracing: TracePath = Field(default=TracePath.DEFAULT, description="who makes the server spans of requests")
    trace_ratio: float = Field(default=1.0, ge=0, le=1, description="share of traces that are recorded")
    internal_token: str = Field(default="", repr=False)
    chaos_token: str = Field(default="", repr=False)
    signing_key: str = Field(default="", repr=False)
    rate_limit_user: float = Field(
        default=20, gt=0, le=1e6, description="of the entry: requests a second of one who has signed in"
    )
    rate_limit_address: float = Field(default=500, gt=0, le=1e6, description="of the entry: of one address that has not")
    run_id: str = ""
    arm: str = ""
    seed: int = 0
    log_level: str = Field(default="info", pattern="^(?i:debug|info|warning|error)$")

    @field_validator("database_url")
    @classmethod
    def _usable(cls, url: str) -> str:
        parse_database_url(url)  # Says what is allowed.
        return url

    @field_validator("addresses")
    @classmethod
    def _of_replicas(cls, pattern: str) -> str:
        return check_addresses(pattern)

    @field_validator("otlp_logs_endpoint")
    @classmethod
    def _takes_logs(cls, url: str) -> str:
        if url and url != NOWHERE and not re.fullmatch(r"https?://[^\s/]+(/[^\s?#]*)?", url):
            raise ValueError(f"no base URL of a collector; write http://HOST:PORT, or {NOWHERE}")
        return url

    @field_validator("nats_url")
    @classmethod
    def _a_broker(cls, url: str) -> str:
        return check_nats_url(url)

    @property
    def secrets(self) -> tuple[str, ...]:
        """Values that nobody may be shown: tokens, keys, and passwords in addresses, as they are and as a URL has them."""
        nats = urlsplit(self.nats_url).password or ""
        database = parse_database_url(self.database_url).password or ""
        passwords = (str(nats), unquote(nats), str(database), quote(str(database), safe=""))
        return (self.internal_token, self.chaos_token, self.signing_key, *passwords)

    @property
    def instance(self) -> str:
        """`service/replica`: how commands, logs and metrics call this process."""
        return f"{self.service}/{self.replica}"

    @property
    def trace_options(self) -> TraceOptions:
        """How this process traces."""
        return TraceOptions(self.tracing, self.trace_ratio, self.exporter)

    def load_topology(self) -> Topology:
        """The map this process belongs to. Raises DocumentError."""
        return load_topology(self.topology)

    def switches(self, topology: Topology) -> tuple[Switch, ...]:
        """The patterns switched off. Raises ValueError naming what is allowed."""
        return tuple(topology.switch(text) for text in self.without)

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Reads FIREBREAK_* variables. Raises SettingsError, also for one that nobody reads: it is a slip of whoever set it."""
        check_names(environment)
        values: dict[str, object] = {
            field: environment[PREFIX + field.upper()] for field in cls.model_fields if environment.get(PREFIX + field.upper())
        }
        if "without" in values:
            values["without"] = tuple(part.strip() for part in str(values["without"]).split(",") if part.strip())
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            variable = PREFIX + str(first["loc"][0]).upper()
            raise SettingsError(f"{variable}: {str(first['msg']).removeprefix('Value error, ')}") from None


def check_names(environment: Mapping[str, str]) -> None:
    """Raises SettingsError for a variable with our prefix that no part of Firebreak reads."""
    known = sorted(PREFIX + name for name in (*map(str.upper, Settings.model_fields), *OF_OTHERS))
    for name, value in environment.items():
        if name.startswith(PREFIX) and value and name not in known:
            raise SettingsError(f"{name}: nobody reads such a variable; allowed: {', '.join(known)}{did_you_mean(name, known)}")
