"""The page of an experiment: complete, self-contained, escaped, bounded, and possible from whatever a run left."""

import base64
import hashlib
import re
import shutil
from html.parser import HTMLParser
from pathlib import Path

import pytest

from chaos.experiment.outcomes import Holding, ProofStatus, Verdict
from chaos.experiment.report.report import render_report, report_html
from chaos.experiment.result import ArmResult, JourneySeries, Recovery, Result, WindowStats
from services.topology import default_topology_path

FIXTURE = Path(__file__).parents[1] / "fixtures" / "outage"
HOSTILE = "<script>alert('x')</script>\"><img src=x onerror=alert(1)>{{ 7 * 7 }}"
VOID = {"meta", "link", "br", "img", "hr", "input"}


class Outline(HTMLParser):
    """What a page holds. Feeding it a page whose elements do not close in order fails."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"{tag} says an attribute twice"
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] not in ("style", "script"):
            self.texts.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.texts))

    def all(self, tag: str) -> list[dict[str, str]]:
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(FIXTURE, tmp_path / "run")
    for place in ("", "arms/declared", "arms/none"):
        (tmp_path / "run" / place).mkdir(exist_ok=True)
        shutil.copy(default_topology_path(), tmp_path / "run" / place / "topology.yaml")
    return tmp_path / "run"


@pytest.fixture
def result(folder: Path) -> Result:
    return Result.read(folder / "verdict.json")


def invalid(arm: ArmResult) -> ArmResult:
    """An arm that ended before its fault: no fault, no seconds, nothing compared."""
    none = WindowStats(journeys=0, succeeded=0, degraded=0, p50_ms=None, p95_ms=None, p99_ms=None)
    changed = {"baseline": none, "fault": none, "recovery": none, "comparison": None, "holding": Holding.NOT_JUDGED}
    return arm.model_copy(
        update={
            "fault": None,
            "verdict": Verdict.INVALID,
            "met": False,
            "reasons": ("the load was not delivered: lateness p99 was 41 ms",),
            "trace": None,
            "phases": (),
            "series": (),
            "recovery": Recovery(recovered=False, after_s=None, last_journey=None),
            "journeys": tuple(journey.model_copy(update=changed) for journey in arm.journeys),
            "proofs": tuple(p.model_copy(update={"status": ProofStatus.NOT_EVALUATED, "numbers": {}}) for p in arm.proofs),
        }
    )


def test_the_report_is_written_into_the_run_and_nothing_is_left_beside_it(result: Result, folder: Path) -> None:
    before = set(folder.iterdir())
    path = render_report(result, folder)
    assert set(folder.iterdir()) - before == {path}
    assert path.read_text(encoding="utf-8") == report_html(result, folder)


def test_a_report_that_cannot_be_written_leaves_nothing_half_done(result: Result, folder: Path) -> None:
    (folder / "report.html").mkdir()
    before = set(folder.iterdir())
    with pytest.raises(OSError, match=r"report\.html"):
        render_report(result, folder)
    assert set(folder.iterdir()) == before


def test_every_arm_journey_proof_and_reason_is_on_the_page(result: Result, folder: Path) -> None:
    text = Outline(report_html(result, folder)).text
    for arm in result.arms:
        assert arm.verdict in text
        assert all(reason in text for reason in arm.reasons)
        assert all(proof.sentence in text for proof in arm.proofs)
        assert all(journey.name in text and journey.sentence in text for journey in arm.journeys)
    assert all(name in text and version in text for name, version in result.versions.items())
    assert str(result.seed) in text


def test_the_verdict_stands_before_everything_else(result: Result, folder: Path) -> None:
    text = Outline(report_html(result, folder)).text
    order = [text.index(mark) for mark in ("Deliveries was dead", "LEAKED", "What customers felt", "Six proofs", "What was run")]
    assert order == sorted(order)


def test_every_journey_has_a_chart_for_each_arm_and_a_row_for_each_second(result: Result, folder: Path) -> None:
    page = Outline(report_html(result, folder))
    plots = [svg for svg in page.all("svg") if svg.get("class") == "plot"]
    journeys = len(result.arms[0].series)
    assert len(plots) == journeys * len(result.arms)
    assert all(plot["role"] == "img" for plot in plots)
    bodies = {plot["data-rows"] for plot in plots}
    assert bodies == {body["id"] for body in page.all("tbody") if "id" in body}
    html = report_html(result, folder)
    for body in bodies:
        rows = html.split(f'<tbody id="{body}">')[1].split("</tbody>")[0]
        assert rows.count("<tr>") == len(result.arms[0].series[0].arrivals)


def test_every_reference_inside_the_page_leads_somewhere(result: Result, folder: Path) -> None:
    page = Outline(report_html(result, folder))
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [use["href"].removeprefix("#") for use in page.all("use")]
    labels = [each for _, attributes in page.elements for each in attributes.get("aria-labelledby", "").split()]
    assert set(links) | set(labels) <= set(ids)


def test_the_page_asks_for_nothing_outside_itself(result: Result, folder: Path) -> None:
    html = report_html(result, folder)
    page = Outline(html)
    assert "://" not in html
    assert "@import" not in html
    assert re.findall(r"url\((?!#)", html) == []
    for tag, attributes in page.elements:
        assert "src" not in attributes, tag
        assert attributes.get("href", "#").startswith(("#", "data:,")), tag
        assert not any(name.startswith("on") or name == "style" for name in attributes), tag


def test_only_the_pages_own_style_and_script_may_act(result: Result, folder: Path) -> None:
    html = report_html(result, folder)
    policy = next(meta["content"] for meta in Outline(html).all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")
    for tag in ("style", "script"):
        (text,) = re.findall(rf"<{tag}>(.*?)</{tag}>", html, flags=re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy


def test_hostile_names_are_shown_and_do_nothing(result: Result, folder: Path) -> None:
    text = result.model_dump_json()
    for victim in ("order leaked", "kill deliveries", "AMD EPYC", "browse", "locust", "resilience"):
        text = text.replace(victim, HOSTILE.replace('"', '\\"'))
    trace = folder / "arms" / "declared" / "trace.json"
    trace.write_text(trace.read_text().replace("POST /v1/orders", HOSTILE.replace('"', '\\"')))
    html = report_html(Result.model_validate_json(text), folder)
    page = Outline(html)
    assert html.count("<script>") == 1
    assert page.all("img") == []
    assert HOSTILE in page.text


def test_an_invalid_and_an_undecided_arm_say_why(result: Result, folder: Path) -> None:
    first, second = result.arms
    undecided = second.model_copy(
        update={"verdict": Verdict.INCONCLUSIVE, "met": False, "reasons": ("1840 journeys are needed",)}
    )
    html = report_html(result.model_copy(update={"arms": (invalid(first), undecided), "passed": False}), folder)
    text = Outline(html).text
    assert "INVALID" in text
    assert "the load was not delivered: lateness p99 was 41 ms" in text
    assert "INCONCLUSIVE" in text
    assert "1840 journeys are needed" in text
    assert "Not passed" in text
    assert "not as expected" in text


def test_a_run_in_which_nothing_was_recorded_still_has_a_page(result: Result, folder: Path) -> None:
    arms = tuple(invalid(arm) for arm in result.arms)
    text = Outline(report_html(result.model_copy(update={"arms": arms, "passed": False}), folder)).text
    assert "nothing to draw" in text
    assert "was not shown to bite" in text
    assert "No degraded journey was traced" in text
    assert "no edge was concerned" in text


def test_missing_and_damaged_files_are_named_on_the_page(result: Result, folder: Path) -> None:
    (folder / "topology.yaml").write_text("services: [")
    (folder / "arms" / "declared" / "trace.json").unlink()
    text = Outline(report_html(result, folder)).text
    assert "topology.yaml of this run is invalid" in text
    assert "trace.json of this arm could not be read: No such file or directory" in text


def test_the_protection_of_every_edge_that_the_fault_hit_is_shown_for_each_arm(result: Result, folder: Path) -> None:
    text = Outline(report_html(result, folder)).text
    shown = text.split("Protection in force")[1].split("Reproduce")[0]
    assert "gateway->deliveries" in shown
    assert "orders->deliveries" in shown
    assert "orders->payments" not in shown
    assert (
        "breaker kind consecutive, fail_max 5, reset_timeout 5s, success_threshold 1, permitted_calls_in_half_open 1 off"
        in re.sub(r" +", " ", shown)
    )


def test_a_run_from_before_arms_had_maps_of_their_own_shows_its_protection(result: Result, folder: Path) -> None:
    before = Outline(report_html(result, folder)).text
    for arm in result.arms:
        (folder / "arms" / arm.name / "topology.yaml").unlink()
    assert Outline(report_html(result, folder)).text == before


def test_a_huge_run_stays_below_a_megabyte(result: Result, folder: Path) -> None:
    arm = result.arms[0]
    seconds = 3_600
    series = tuple(
        JourneySeries(
            name=f"journey-{index}",
            arrivals=(25,) * seconds,
            succeeded=tuple(second % 26 for second in range(seconds)),
            degraded=tuple(second % 7 for second in range(seconds)),
            p50_ms=tuple(float(second % 900) for second in range(seconds)),
            p95_ms=tuple(float(second % 1_900) for second in range(seconds)),
        )
        for index in range(40)
    )
    journeys = tuple(arm.journeys[1].model_copy(update={"name": each.name, "sentence": "long " * 5_000}) for each in series)
    proofs = tuple(
        p.model_copy(update={"sentence": "x" * 9_999, "numbers": dict.fromkeys(map(str, range(999)), 1.5)}) for p in arm.proofs
    )
    changed = {"series": series, "journeys": journeys, "proofs": proofs, "reasons": ("because " * 999,) * 99}
    big = result.model_copy(update={"arms": (arm.model_copy(update=changed),) * 20})
    page = render_report(big, folder)
    Outline(page.read_text(encoding="utf-8"))
    assert page.stat().st_size <= 1_000_000
