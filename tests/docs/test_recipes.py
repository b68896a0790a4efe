"""Pages that tell how to add something are followed in a copy of the project, block by block: what they promise is there."""

import json
import re
import shlex
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
import yaml

from chaos.experiment.experiment_file import load_experiment
from tests.docs.pages import HOW_TO, PAGES, ROOT, blocks_of, commands_of
from tests.docs.recipe import Clone, halves_of

SERVICE, FAULT, EXPERIMENT = (HOW_TO / f"adding-{what}.md" for what in ("a-service", "a-fault", "an-experiment"))
HEARD_S = 20.0
CUSTOMER = {"email": "customer-0007@feastfast.example", "password": "correct-horse-battery"}


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    return Clone.of_project(tmp_path / "clone")


def followed(clone: Clone, page: Path) -> Clone:
    clone.follow(block for block in blocks_of(page) if block.file)
    return clone


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_yaml_on_a_page_is_yaml(page: Path) -> None:
    for block in blocks_of(page):
        if block.language == "yaml":
            assert yaml.safe_load(block.text) is not None, block


@pytest.mark.parametrize("page", [SERVICE, FAULT, EXPERIMENT], ids=lambda page: page.stem)
def test_every_change_of_a_page_fits_the_file_as_it_is(page: Path, tmp_path: Path) -> None:
    """When this fails, the file has changed and the page has not: write the page's block anew."""
    changes = [block for block in blocks_of(page) if block.file]
    for file in {block.file for block in changes if (ROOT / block.file).exists()}:
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / file, tmp_path / file)
    Clone(tmp_path).follow(changes)


def test_the_experiment_of_the_page_is_one_that_can_be_run(tmp_path: Path) -> None:
    [block] = [block for block in blocks_of(EXPERIMENT) if block.file]
    path = tmp_path / Path(block.file).name
    path.write_text(block.text)
    loaded = load_experiment(path)
    assert {arm: str(verdict) for arm, verdict in loaded.experiment.expect.items()} == {
        "declared": "ISOLATED",
        "no_retry": "LEAKED",
    }


def test_a_change_that_does_not_fit_is_named_with_its_page(tmp_path: Path) -> None:
    page = tmp_path / "docs" / "page.md"
    page.parent.mkdir()
    page.write_text("```diff file=a.txt\n one\n-two\n+three\n```\n")
    assert halves_of(blocks_of(page)[0].text) == ("one\ntwo\n", "one\nthree\n")
    (tmp_path / "a.txt").write_text("one\ntwo\n")
    block = blocks_of(page)[0]
    Clone(tmp_path).follow([block])
    assert (tmp_path / "a.txt").read_text() == "one\nthree\n"
    with pytest.raises(AssertionError, match=r"stands 0 times in a\.txt"):
        Clone(tmp_path).follow([block])


@pytest.mark.system
def test_the_fault_of_the_page_has_a_command_a_place_in_experiments_and_passes_its_tests(clone: Clone) -> None:
    followed(clone, FAULT)
    listed = clone.run("chaos.cli", "list", "--target", "local")
    assert "tail TARGET --median 5ms --p99 800ms" in listed.stdout, listed.stderr
    experiment = clone.root / "tail.yaml"
    plain = (clone.root / "chaos" / "experiments" / "slow-reads.yaml").read_text(encoding="utf-8")
    fault = "fault: {kind: tail, median: 5ms, p99: 800ms, target: orders}"
    experiment.write_text(re.sub(r"^fault: .*$", fault, plain, flags=re.MULTILINE), encoding="utf-8")
    loaded = clone.run("tests.docs.loaded", str(experiment))
    assert loaded.stdout == "tail of 800 ms over 5 ms at orders\n", loaded.stderr
    tested = clone.run("pytest", "-q", "-p", "no:cacheprovider", "tests/chaos/test_faults.py")
    assert tested.returncode == 0, tested.stdout


@pytest.mark.system
def test_the_service_of_the_page_serves_customers_hears_events_and_may_die(clone: Clone) -> None:
    followed(clone, SERVICE)
    made = clone.run("services.kit.migrations.author", "loyalty", "initial_tables")
    assert made.returncode == 0, made.stderr
    state = clone.root / "state"
    up = clone.run("testbed.cli", "up", "--free-ports", "--no-stack", "--state", str(state))
    assert up.returncode == 0, up.stderr
    try:
        api = re.findall(r"gateway +(http://\S+)", up.stdout)[0]
        token = asked(api, "/v1/sessions", body=CUSTOMER)["token"]
        order = {"restaurant_id": 3, "items": [{"dish_id": 301, "quantity": 2}]}
        cents = asked(api, "/v1/orders", str(token), order)["total_cents"]
        assert isinstance(cents, int)
        until(lambda: asked(api, "/v1/points", str(token)) == {"points": cents // 100})
        killed = clone.run("chaos.cli", "kill", "loyalty", "--state", str(state))
        assert killed.returncode == 0, killed.stderr
        assert asked(api, "/v1/points", str(token)) == {"points": None}
    finally:
        down = clone.run("testbed.cli", "down", "--state", str(state))
    assert down.returncode == 0, down.stderr


@pytest.mark.system
def test_the_service_of_the_page_passes_its_own_tests_and_keeps_the_house_s_contracts(clone: Clone) -> None:
    followed(clone, SERVICE)
    [edit] = [each.words for each in commands_of(SERVICE) if each.words[0] == "sed"]
    subprocess.run(shlex.split(shlex.join(edit)), cwd=clone.root, check=True)
    assert clone.run("services.kit.migrations.author", "loyalty", "initial_tables").returncode == 0
    assert clone.run("tests.contracts").returncode == 0
    tests = ("tests/services/loyalty", "tests/test_import_contracts.py", "tests/contracts/test_providers.py")
    tested = clone.run("pytest", "-q", "-p", "no:cacheprovider", *tests, "-k", "loyalty or points or import")
    assert tested.returncode == 0, tested.stdout


def asked(api: str, path: str, token: str = "", body: object = None) -> dict[str, object]:
    headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {token}"} if token else {})
    data = None if body is None else json.dumps(body).encode()
    try:
        with urlopen(Request(api + path, data, headers), timeout=10) as answer:  # noqa: S310 - the test's own system.
            found: dict[str, object] = json.load(answer)
    except HTTPError as error:
        raise AssertionError(f"{path}: {error.read().decode()}") from error
    return found


def until(holds: Callable[[], bool]) -> None:
    end_s = time.monotonic() + HEARD_S
    while not holds():
        assert time.monotonic() < end_s
        time.sleep(0.05)
