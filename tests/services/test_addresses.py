"""Addresses that follow from the names of replicas."""

import pytest

from services.addresses import check_addresses, registry_at
from services.kit.discovery import StaticResolver
from services.kit.settings import Settings, SettingsError
from services.topology import load_topology


def test_every_replica_of_the_map_is_where_its_name_says() -> None:
    resolver = StaticResolver(registry_at(load_topology(), "http://{service}-{replica}:8080"))
    assert [each.base_url for each in resolver.resolve("orders")] == ["http://orders-1:8080", "http://orders-2:8080"]
    assert [each.name for each in resolver.resolve("gateway")] == ["gateway/1"]
    assert resolver.resolve("nobody") == ()


@pytest.mark.parametrize("pattern", ["", "http://{service}-{replica}:8080", "http://{service}-{replica}.shop.svc:80"])
def test_a_pattern_with_both_names_is_taken(pattern: str) -> None:
    assert check_addresses(pattern) == pattern


@pytest.mark.parametrize(
    "pattern",
    [
        "http://{service}:8080",
        "http://orders-1:8080",
        "http://{service}-{replica}",
        "http://{service}-{replica}:0",
        "http://{service}-{replica}:port",
        "https://{service}-{replica}:8080",
        "http://{service}-{replica}:8080/api",
        "http://me:secret@{service}-{replica}:8080",
        "{service}-{replica}:8080",
        "http://{service}-{replica}-{zone}:8080",
        "http://{service.__class__}-{replica}:8080",
        "http://{service}-{}:8080",
        "http://{service}-{replica:8080",
        "http://[{service}-{replica}:8080",
    ],
)
def test_any_other_is_refused_with_how_to_write_one(pattern: str) -> None:
    with pytest.raises(
        SettingsError, match=r"^FIREBREAK_ADDRESSES: no pattern of addresses; write http://\{service\}-\{replica\}:8080"
    ):
        Settings.from_environment({"FIREBREAK_SERVICE": "orders", "FIREBREAK_ADDRESSES": pattern})
