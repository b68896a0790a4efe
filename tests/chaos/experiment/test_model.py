"""An experiment's file: what it says, and that every mistake in it is named where it stands."""

from pathlib import Path

import pytest

from chaos.experiment.experiment_file import LoadedExperiment, find_experiment, load_experiment, shipped_experiments
from chaos.experiment.model import Phases
from chaos.experiment.outcomes import Role, Verdict
from chaos.faults import Hang, Latency
from services.document import DocumentError

OUTAGE = find_experiment("delivery-outage").read_text(encoding="utf-8")


def load(folder: Path, old: str = "", new: str = "") -> LoadedExperiment:
    assert old in OUTAGE
    path = folder / "mine.yaml"
    path.write_text(OUTAGE.replace(old, new, 1), encoding="utf-8")
    return load_experiment(path)


@pytest.mark.parametrize("name", shipped_experiments())
def test_every_shipped_experiment_loads_and_expects_protection_to_make_the_difference(name: str) -> None:
    loaded = load_experiment(find_experiment(name))
    assert loaded.experiment.expect["declared"] is Verdict.ISOLATED
    assert Verdict.LEAKED in loaded.experiment.expect.values()
    assert loaded.experiment.because["declared"]
    assert loaded.name == name


@pytest.mark.parametrize("name", shipped_experiments())
def test_every_shipped_experiment_yields_enough_journeys_even_in_an_unlucky_window(name: str) -> None:
    experiment = load_experiment(find_experiment(name)).experiment
    for journey in experiment.judged:
        expected = experiment.load.rates_per_s[journey] * experiment.phases.fault_ms / 1_000
        assert expected - 3 * expected**0.5 >= experiment.bounds.min_journeys


def test_roles_and_marks_follow_the_file(tmp_path: Path) -> None:
    experiment = load(tmp_path).experiment
    assert experiment.journeys.roles() == {
        "browse": Role.JUDGED,
        "order": Role.JUDGED,
        "track": Role.MAY_DEGRADE,
        "sign_in": Role.WATCHED,
    }
    assert experiment.phases.marks_s() == (0, 5, 25, 45, 60)
    assert experiment.load.total_per_s == 57


def test_scaled_phases_never_fall_below_one_block_of_the_statistics() -> None:
    assert Phases().scaled(0.1).marks_s() == (0, 1, 3, 5, 6.5)


def test_a_request_fault_carries_its_settings_in_milliseconds(tmp_path: Path) -> None:
    fault = "{kind: latency, latency: 1.5s, jitter: 20ms, rate: 0.5, target: orders->payments}"
    loaded = load(tmp_path, "{kind: kill, target: deliveries}", fault)
    plan = loaded.experiment.fault
    assert plan.kind == "latency"
    assert plan.request_fault() == Latency(latency_ms=1_500, jitter_ms=20)
    assert loaded.place.edge == "orders->payments"
    assert str(plan) == "latency 1500 ms ± 20 ms at orders->payments on 50% of requests"


def test_a_target_may_be_one_replica(tmp_path: Path) -> None:
    loaded = load(tmp_path, "{kind: kill, target: deliveries}", "{kind: hang, target: orders/2}")
    assert (loaded.place.service, loaded.place.replica) == ("orders", 2)
    assert loaded.experiment.fault.kind == "hang"
    assert loaded.experiment.fault.request_fault() == Hang()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "kill, target: deliveries",
            "kill, target: deliverys",
            r"fault.target: unknown service 'deliverys' .*deliveries\?\); allowed: gateway",
        ),
        (
            "kill, target: deliveries",
            "hang, target: orders->delivery",
            r"fault.target: unknown edge .*; allowed: gateway->users",
        ),
        (
            "kill, target: deliveries",
            "kill, target: orders/3",
            r"fault.target: unknown replica 'orders/3' .*allowed: orders/1, orders/2",
        ),
        ("target: deliveries", "target: orders->deliveries", r"fault.target: kill acts on processes; name a service"),
        ("kind: kill", "kind: kil", r"fault: .*'kil'.*'kill', 'pause', 'latency', 'error', 'abort', 'hang'"),
        ("kind: kill", "kind: latency", r"fault.latency: is missing"),
        ("kind: kill", "kind: latency, latency: 20ms, jitter: 1s", r"jitter \(1000 ms\) is longer than the latency"),
        ("kind: kill", "kind: error, status: 200", r"fault.status: .*greater than or equal to 400"),
        ("kind: kill", "kind: hang, rate: 2", r"fault.rate: .*less than or equal to 1"),
        ("kind: kill", "kind: partition, rate: 0.5", r"fault: a partition loses every packet, so it has no rate"),
        ("warmup: 5s", "warmup: -5s", r"phases.warmup: '-5s' is not a duration; write a positive number and a unit"),
        ("warmup: 5s", "warmup: 5", r"phases.warmup: 5 is not a duration"),
        ("warmup: 5s", "warmup: 5h", r"phases.warmup: .*less than or equal to 600000"),
        ("p95_increase", "p95_increse", r"judged.browse.p95_increse: unknown key; .*did you mean p95_increase"),
        ("browse: 25", "browse: 0", r"load.rates_per_s.browse: .*greater than or equal to 1"),
        ("browse: 25", "browse: 990", r"load: the rates add up to 1022 journeys a second; at most 1000"),
        ("browse: 25", "browse: 25, brwse: 1", r"rates_per_s.brwse: unknown journey 'brwse'; .*did you mean browse"),
        (", sign_in: 1}", "}", r"watched.0: unknown journey 'sign_in'; allowed: browse, order, track"),
        ("watched: [sign_in]", "watched: []", r"rates_per_s.sign_in: has a rate but no role"),
        ("watched: [sign_in]", "watched: [sign_in, track]", r"watched.1: track is already among may_degrade"),
        ("none: {profile: none}", "none: {profile: non}", r"arms.none.profile: .*'timeouts_only' or 'none'"),
        ("profile: none}", "profile: none, without: [breker]}", r"arms.none.without.0: 'breker' is no pattern; allowed"),
        ("none: LEAKED", "nome: LEAKED", r"expect.nome: unknown arm 'nome'; .*did you mean none"),
        (", none: LEAKED", "", r"expect: says nothing about the arm none"),
        ("none: LEAKED", "none: INVALID", r"expect.none: INVALID is no outcome to expect; allowed: ISOLATED, LEAKED"),
        ("opened, edge: orders->deliveries", "opened, edge: orders->payment", r"because.declared.0.edge: unknown edge"),
        (
            "fallback_served, edge: orders->deliveries",
            "caught_up, edge: gateway->deliveries",
            r"there is no fallback of kind defer on gateway->deliveries in the arm declared",
        ),
        (
            "  declared:\n    -",
            "  none:\n    -",
            r"there is no breaker on orders->deliveries in the arm none, so breaker_opened could never be seen",
        ),
        ("  declared:\n    -", "  declard:\n    -", r"because.declard: unknown arm 'declard'"),
        ("seed: 20261121", "seed: -1", r"seed: .*greater than or equal to 0"),
        ("title:", "tittle:", r"tittle: unknown key; .*did you mean title"),
    ],
)
def test_every_mistake_is_named_with_file_line_and_what_is_allowed(tmp_path: Path, old: str, new: str, said: str) -> None:
    with pytest.raises(DocumentError, match=said) as caught:
        load(tmp_path, old, new)
    assert all(f"{tmp_path / 'mine.yaml'}:{mistake.line}: " in str(caught.value) for mistake in caught.value.mistakes)


def test_a_mistake_names_the_line_it_stands_on(tmp_path: Path) -> None:
    line = next(number for number, text in enumerate(OUTAGE.splitlines(), 1) if text.startswith("fault:"))
    with pytest.raises(DocumentError, match=rf"mine\.yaml:{line}: fault\.target"):
        load(tmp_path, "target: deliveries", "target: nobody")


def test_an_experiment_that_does_not_exist_is_told_apart_from_its_neighbours() -> None:
    with pytest.raises(DocumentError, match=r"^delivery-outge: is no experiment; .*did you mean delivery-outage"):
        find_experiment("delivery-outge")


def test_a_file_that_does_not_exist_is_said_to_be_unreadable(tmp_path: Path) -> None:
    with pytest.raises(DocumentError, match=r"nothing\.yaml: cannot be read: No such file"):
        load_experiment(find_experiment(str(tmp_path / "nothing.yaml")))


def test_another_topology_is_found_beside_the_file_and_checked_as_well(tmp_path: Path) -> None:
    (tmp_path / "map.yaml").write_text("services: {shop: {module: shop, entry: yes, replica: 2}}\n", encoding="utf-8")
    with pytest.raises(DocumentError, match=r"map\.yaml:1: services\.shop\.replica: unknown key"):
        load(tmp_path, "seed:", "topology: map.yaml\nseed:")
