"""What an arm left behind is read as it was, and what is missing or damaged is named."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from chaos.experiment.errors import EvidenceError
from chaos.experiment.evidence import ArmEvidence
from chaos.experiment.experiment_file import LoadedExperiment
from chaos.experiment.facts import LeaseCount
from chaos.experiment.fault_plan import FaultPlan, HangPlan, PartitionPlan
from chaos.experiment.folders import ExperimentFolder
from chaos.experiment.journeys import Journey, RequestLine, arrivals_digest, assemble
from chaos.experiment.metrics import Mark, MetricsRecord, Samples
from chaos.experiment.outcomes import ProofStatus
from chaos.experiment.process_journal import JournalLine, ProcessJournal
from chaos.experiment.proofs.fault_bit import fault_bit
from chaos.experiment.served import Served
from chaos.experiment.trace import candidates, keep_trace, read_pick
from chaos.experiment.windows import Window, Windows
from chaos.http_get import FetchError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from tests.chaos.experiment.conftest import Bench
    from tests.chaos.experiment.scenarios import Scenario


def line(journey: str = "order", number: int = 1, **changes: object) -> RequestLine:
    values: dict[str, object] = {
        "journey": journey, "id": f"0-{number}", "step": "place", "intended": 1.0, "sent": 1.0, "done": 1.1, "status": 201,
        "outcome": "ok", "degraded": False, "trace_id": "ab" * 16, "last": True,
    }  # fmt: skip
    return RequestLine.model_validate(values | changes)


def journey(name: str = "order", at_s: float = 1.0, *, ok: bool = True, trace: str | None = None) -> Journey:
    return Journey(name, at_s, at_s + 0.1, ok, trace is not None, trace, frozenset())


def test_steps_become_a_journey_from_the_first_intention_to_the_last_answer() -> None:
    steps = [
        line(step="read_back", intended=1.2, done=1.5, trace_id="cd" * 16),
        line(last=False, done=1.2, degraded=True),
    ]
    (found,) = assemble(steps)
    assert found.elapsed_ms == pytest.approx(500)
    assert (found.succeeded, found.degraded, found.degraded_trace_id) == (True, True, "ab" * 16)
    assert found.steps_done == {"place", "read_back"}


def test_one_failed_step_fails_the_journey_but_not_what_was_done_before() -> None:
    (found,) = assemble([line(last=False), line(step="read_back", intended=1.1, status=0, outcome="abandoned")])
    assert not found.succeeded
    assert found.steps_done == {"place"}


def test_a_journey_without_an_end_means_that_the_record_was_cut_off() -> None:
    with pytest.raises(EvidenceError, match=r"journey 0-1 has no last request; the record is cut off"):
        assemble([line(last=False)])


def test_arms_with_the_same_arrivals_have_the_same_digest_whatever_became_of_them() -> None:
    ours = [journey(at_s=6.0), journey("track", at_s=0.5)]
    theirs = [journey(at_s=6.0, ok=False)]
    assert arrivals_digest(ours, 5.0) == arrivals_digest(theirs, 5.0)
    assert arrivals_digest(ours, 5.0) != arrivals_digest([journey(at_s=6.000001)], 5.0)


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("load/requests.jsonl", '{"journey": "order"', r"requests\.jsonl:1: .*EOF"),
        ("load/requests.jsonl", '{"journey": "order"}\n', r"requests\.jsonl:1: id: Field required"),
        ("load/load.json", "{}", r"load\.json: started_unix: Field required"),
        ("arm.json", "{}", r"arm\.json: name: Field required"),
        ("cpu.jsonl", "x\n", r"cpu\.jsonl: is damaged"),
        ("processes.jsonl", "{}\n", r"processes\.jsonl:1: Field required"),
        ("metrics/fault_end/orders-1.txt", "not a metric {", r"orders-1\.txt: is not in the Prometheus text format"),
        ("books.json", '{"orders": []}', r"books\.json: read_at: Field required"),
        ("trace.json", '{"data": []}', r"trace\.json: holds no trace of a degraded journey"),
    ],
)
def test_a_damaged_file_is_named_with_what_is_wrong_in_it(
    bench: Bench, protected: Scenario, file: str, text: str, said: str
) -> None:
    folder = bench.write(protected)
    (folder.root / file).write_text(text, encoding="utf-8")
    with pytest.raises(EvidenceError, match=said):
        ArmEvidence.read(folder, bench.loaded.place)


@pytest.mark.parametrize("file", ["load/requests.jsonl", "load/load.json", "arm.json", "processes.jsonl", "telemetry.sqlite"])
def test_a_missing_file_is_named(bench: Bench, protected: Scenario, file: str) -> None:
    folder = bench.write(protected)
    (folder.root / file).unlink()
    with pytest.raises(EvidenceError, match=rf"{file}: (cannot be read|is missing)"):
        ArmEvidence.read(folder, bench.loaded.place)


def test_an_arm_that_did_not_run_to_its_end_is_refused(bench: Bench, protected: Scenario) -> None:
    with pytest.raises(EvidenceError, match="the arm declared did not run to its end"):
        bench.evidence(replace(protected, arm_complete=False))


def test_windows_follow_when_the_fault_was_really_in_force() -> None:
    windows = Windows.of((0, 5, 25, 45, 60), applied_s=25.3, lifted_s=45.2)
    assert windows == Windows(Window(5, 24), Window(25.3, 45), Window(45.2, 60))
    assert windows.fault.contains(25.3)
    assert not windows.fault.contains(45)


def metrics(marks: Mapping[Mark, Mapping[str, float]]) -> MetricsRecord:
    text = '# TYPE c counter\nc_total{{edge="a->b",to="open"}} {}\nc_total{{edge="a->c",to="open"}} 90\n'
    return MetricsRecord(
        {mark: {name: Samples.parse(text.format(value)) for name, value in each.items()} for mark, each in marks.items()}
    )


def test_growth_adds_up_the_replicas_of_the_service_on_that_edge_only() -> None:
    record = metrics(
        {
            Mark.FAULT_START: {"orders/1": 1, "orders/2": 2, "gateway/1": 5},
            Mark.FAULT_END: {"orders/1": 4, "orders/2": 2, "gateway/1": 9},
        }
    )
    assert record.growth("c_total", {"edge": "a->b"}, "orders", Mark.FAULT_START, Mark.FAULT_END) == 3
    assert record.growth("d_total", {}, "orders", Mark.FAULT_START, Mark.FAULT_END) == 0
    assert record.label_values("c_total", "edge", "gateway", Mark.FAULT_END) == {"a->b", "a->c"}


def test_a_counter_that_fell_began_again_from_zero() -> None:
    record = metrics({Mark.FAULT_START: {"orders/1": 100}, Mark.FAULT_END: {"orders/1": 7, "orders/2": 3}})
    assert record.growth("c_total", {"edge": "a->b"}, "orders", Mark.FAULT_START, Mark.FAULT_END) == 10


def test_down_time_counts_between_a_kill_and_the_next_start_inside_the_window() -> None:
    events = [(1, "start"), (10, "kill"), (10.1, "exit"), (30, "start"), (40, "pause"), (41, "resume"), (50, "kill")]
    lines = [JournalLine(t=t, event=event, instance="orders/1") for t, event in events]
    journal = ProcessJournal((*lines, JournalLine(t=5, event="kill", instance="orders/2")))
    assert journal.down_s("orders/1", 0, 100) == pytest.approx(20 + 1 + 50)
    assert journal.down_s("orders/1", 15, 20) == pytest.approx(5)
    assert journal.down_s("payments/1", 0, 100) == 0


def test_only_server_spans_of_the_service_count_as_served(bench: Bench, protected: Scenario) -> None:
    evidence = bench.evidence(protected)
    assert evidence.served.per_s(Window(5, 24)) == 47
    assert evidence.served.per_s(Window(25.02, 45)) == 0
    assert Served({}).per_s(Window(1.2, 1.9)) is None


def with_fault(bench: Bench, plan: FaultPlan) -> LoadedExperiment:
    return replace(bench.loaded, experiment=bench.loaded.experiment.model_copy(update={"fault": plan}))


@pytest.mark.parametrize(
    ("counts", "rate", "status", "said"),
    [
        ([(500, 500, True)], 1.0, ProofStatus.PROVEN, "500 of 500 requests at deliveries were hit (100.0%, asked 100%)"),
        ([(500, 250, True)], 0.5, ProofStatus.PROVEN, "250 of 500 requests"),
        ([(500, 350, True)], 0.5, ProofStatus.REFUTED, "not the rate that was asked"),
        ([(500, 0, True)], 0.5, ProofStatus.REFUTED, "saw 500 requests and hit none"),
        ([(500, 500, False)], 1.0, ProofStatus.REFUTED, "not in force to the window's end in deliveries/1"),
        ([], 1.0, ProofStatus.REFUTED, "not in force to the window's end in deliveries/1"),
    ],
)
def test_a_request_fault_bit_if_its_lease_hit_at_the_asked_rate_to_the_end(
    bench: Bench, protected: Scenario, counts: list[tuple[int, int, bool]], rate: float, status: ProofStatus, said: str
) -> None:
    leases = tuple(
        LeaseCount(instance="deliveries/1", lease="x", rate=rate, seen=seen, injected=hit, in_force_at_lift=alive)
        for seen, hit, alive in counts
    )
    plan = HangPlan(kind="hang", target="deliveries", rate=rate)
    proof = fault_bit(bench.evidence(replace(protected, counts=leases)), with_fault(bench, plan))
    assert proof.status is status
    assert said in proof.sentence


def test_a_partition_bit_what_went_in_and_what_came_out(bench: Bench, protected: Scenario) -> None:
    lease = LeaseCount(instance="deliveries/1", lease="x", rate=1, seen=70, injected=70, in_force_at_lift=True)
    plan = PartitionPlan(kind="partition", target="deliveries")
    proof = fault_bit(bench.evidence(replace(protected, counts=(lease,))), with_fault(bench, plan))
    assert (proof.status, proof.sentence.partition(" (")[0]) == (
        ProofStatus.PROVEN,
        "70 of 70 requests, calls and answers at deliveries were hit",
    )


def test_a_fault_that_one_replica_never_saw_did_not_bite_everywhere(bench: Bench, protected: Scenario) -> None:
    counts = tuple(
        LeaseCount(instance=f"deliveries/{n}", lease="x", rate=1, seen=seen, injected=seen, in_force_at_lift=True)
        for n, seen in ((1, 400), (2, 0))
    )
    plan = HangPlan(kind="hang", target="deliveries")
    proof = fault_bit(bench.evidence(replace(protected, counts=counts)), with_fault(bench, plan))
    assert (proof.status, "deliveries/2 saw none" in proof.sentence) == (ProofStatus.REFUTED, True)


def envelope(trace_id: str, spans: int) -> bytes:
    trace = {
        "traceID": trace_id,
        "spans": [{"spanID": str(number), "processID": "p1"} for number in range(spans)],
        "processes": {"p1": {"serviceName": "gateway"}, "p2": {"serviceName": "orders"}},
    }
    return json.dumps({"data": [trace], "total": 0, "limit": 0, "offset": 0, "errors": None}).encode()


def test_the_trace_shown_is_a_degraded_order_from_the_middle_of_the_outage() -> None:
    journeys = [
        journey("track", 35.0, trace="t"),
        journey("order", 26.0, trace="early"),
        journey("order", 34.0, trace="middle"),
        journey("order", 35.0),
        journey("order", 50.0, trace="after"),
    ]
    found = [each.degraded_trace_id for each in candidates(journeys, Window(25, 45), ("browse", "order"))]
    assert found == ["middle", "early", "t"]


def test_a_trace_that_the_store_lacks_or_has_in_part_is_passed_over(tmp_path: Path) -> None:
    kept = {"whole": envelope("whole", 9), "torn": envelope("torn", 1)}

    def get(url: str, _headers: Mapping[str, str]) -> bytes:
        trace_id = url.rpartition("/")[2]
        if trace_id not in kept:
            raise FetchError(f"GET {url}: status 404")
        return kept[trace_id]

    wanted = [journey(at_s=30.0, trace=trace) for trace in ("lost", "torn", "whole")]
    path = tmp_path / "trace.json"
    assert keep_trace(path, "http://127.0.0.1:1", wanted, get)
    pick = read_pick(path, wanted)
    assert pick is not None
    assert (pick.trace_id, pick.spans, pick.services, pick.journey) == ("whole", 9, ("gateway", "orders"), "order")


def test_without_a_whole_trace_nothing_is_kept(tmp_path: Path) -> None:
    def get(url: str, _headers: Mapping[str, str]) -> bytes:
        raise FetchError(url)

    path = tmp_path / "trace.json"
    assert not keep_trace(path, "http://127.0.0.1:1", [journey(trace="x")], get)
    assert read_pick(path, []) is None


def test_a_new_run_becomes_the_latest_and_never_reuses_a_folder(tmp_path: Path) -> None:
    first = ExperimentFolder.create("1-outage", tmp_path)
    first.facts.write_text("{}", encoding="utf-8")
    second = ExperimentFolder.create("2-outage", tmp_path)
    second.facts.write_text("{}", encoding="utf-8")
    assert ExperimentFolder.find("latest", tmp_path).root == second.root.resolve()
    assert ExperimentFolder.find("1-outage", tmp_path).root == first.root.resolve()
    with pytest.raises(FileExistsError):
        ExperimentFolder.create("1-outage", tmp_path)


def test_what_is_no_run_is_refused_with_the_runs_there_are(tmp_path: Path) -> None:
    with pytest.raises(EvidenceError, match=r"'yesterday' is no run .* holds none yet; make one with: chaos run NAME"):
        ExperimentFolder.find("yesterday", tmp_path)
    ExperimentFolder.create("1-outage", tmp_path)
    with pytest.raises(EvidenceError, match=r"'yesterday' is no run .*: 1-outage"):
        ExperimentFolder.find("yesterday", tmp_path)
