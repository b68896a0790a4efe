"""How busy the machine was, and with what, is told from what it counts itself."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from chaos.experiment.machine import CpuRecord, CpuSampler, package_versions, read_cpu, this_machine

if TYPE_CHECKING:
    from pathlib import Path

    from tests.chaos.experiment.conftest import Bench
    from tests.chaos.experiment.scenarios import Scenario


def test_processor_time_between_two_instants_is_a_share_of_all_cores(bench: Bench, protected: Scenario) -> None:
    record = bench.evidence(replace(protected, cpu_percent=40)).cpu
    began = record.samples[0].at
    assert record.busy_percent(began + 5, began + 24) == pytest.approx(40)
    assert record.busy_percent(began + 5.1, began + 5.2) is None
    assert CpuRecord(()).busy_percent(0, 1) is None


def test_what_the_host_of_a_virtual_machine_takes_is_told_apart_from_what_is_used(tmp_path: Path) -> None:
    (stat := tmp_path / "stat").write_text("cpu  10 20 30 500 40 5 6 70 8 9\n")
    sample = read_cpu(stat)
    assert sample is not None
    assert (sample.busy, sample.stolen, sample.total) == (141, 70, 681)
    later = sample.model_copy(update={"at": sample.at + 1, "busy": 211, "stolen": 110, "total": 781})
    record = CpuRecord((sample, later))
    assert (record.busy_percent(sample.at, later.at), record.stolen_percent(sample.at, later.at)) == (70.0, 40.0)


def test_the_sampler_writes_what_the_system_says_until_it_is_left(tmp_path: Path) -> None:
    with CpuSampler(tmp_path / "cpu.jsonl"):
        pass
    samples = CpuRecord.read(tmp_path / "cpu.jsonl").samples
    now = read_cpu()
    assert now is None or samples[0].total <= now.total


def test_a_sampler_that_cannot_write_says_so(tmp_path: Path) -> None:
    with CpuSampler(tmp_path / "nowhere" / "cpu.jsonl") as sampler:
        pass
    assert isinstance(sampler.problem, FileNotFoundError)


def test_a_system_without_counters_has_no_processor_time(tmp_path: Path) -> None:
    assert read_cpu(tmp_path / "stat") is None
    assert CpuRecord.read(tmp_path / "cpu.jsonl").samples == ()


def test_the_machine_and_its_versions_are_known() -> None:
    machine = this_machine()
    assert machine.cpus >= 1
    assert machine.memory_bytes > 0
    assert "firebreak" in package_versions()
