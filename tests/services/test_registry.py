"""The registry: who runs where, in a file that is old or new and never half of either."""

from pathlib import Path

import pytest

from services.registry import Instance, InstanceState, Registry


def instance(service: str, replica: int, state: InstanceState = InstanceState.UP) -> Instance:
    return Instance(service=service, replica=replica, host="127.0.0.1", port=8_000 + replica, pid=1, state=state)


def test_an_instance_has_a_name_and_an_address() -> None:
    assert (instance("orders", 2).name, instance("orders", 2).base_url) == ("orders/2", "http://127.0.0.1:8002")


@pytest.mark.parametrize("state", [InstanceState.STARTING, InstanceState.DOWN])
def test_only_instances_that_are_up_are_offered(state: InstanceState) -> None:
    registry = Registry(instances=(instance("orders", 1), instance("orders", 2, state), instance("payments", 1)))
    assert registry.up("orders") == (instance("orders", 1),)


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    registry = Registry(instances=(instance("orders", 1), instance("payments", 1, InstanceState.DOWN)))
    registry.write(tmp_path / "registry.json")
    assert Registry.read(tmp_path / "registry.json") == registry


def test_writing_leaves_nothing_but_the_file(tmp_path: Path) -> None:
    Registry().write(tmp_path / "registry.json")
    assert [path.name for path in tmp_path.iterdir()] == ["registry.json"]


def test_a_disk_that_refuses_leaves_the_old_file_and_no_rest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "registry.json"
    old = Registry(instances=(instance("orders", 1),))
    old.write(path)

    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(OSError, match="No space left"):
        Registry().write(path)
    assert Registry.read(path) == old
    assert [each.name for each in tmp_path.iterdir()] == ["registry.json"]


def test_a_missing_file_is_an_error_of_the_system(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        Registry.read(tmp_path / "none.json")


@pytest.mark.parametrize("text", ["", "{", '{"instances": [{"service": "orders"}]}'])
def test_a_file_that_is_no_registry_is_a_value_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "registry.json").write_text(text)
    with pytest.raises(ValueError, match="validation error"):
        Registry.read(tmp_path / "registry.json")
