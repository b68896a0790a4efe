"""The result as JUnit XML, which CI systems show: a suite an arm, a test case for its verdict, each objective and proof."""

import xml.etree.ElementTree as ET
from pathlib import Path

from chaos.experiment.outcomes import ObjectiveStatus, ProofStatus, Verdict
from chaos.experiment.result import ArmResult, ObjectiveResult, Proof, Result

_SKIPPED = (ProofStatus.NOT_EVALUATED, ProofStatus.UNKNOWN)


def write_junit(result: Result, path: Path) -> None:
    """Writes junit.xml, whole or not at all. Raises OSError."""
    root = ET.Element("testsuites", name=result.experiment.name)
    for arm in result.arms:
        _suite(root, arm, result)
    ET.indent(root)
    fresh = path.with_name(f".{path.name}.new")
    try:
        fresh.write_bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))
        fresh.replace(path)
    finally:
        fresh.unlink(missing_ok=True)


def _suite(root: ET.Element, arm: ArmResult, result: Result) -> None:
    length_s = arm.phases[-1].end_s
    suite = ET.SubElement(root, "testsuite", name=f"{result.experiment.name}.{arm.name}", time=f"{length_s:.3f}")
    classname = f"{result.experiment.name}.{arm.name}"
    verdict = ET.SubElement(suite, "testcase", classname=classname, name=f"verdict is {arm.expected}", time=f"{length_s:.3f}")
    if not arm.met:
        kind = "error" if arm.verdict in (Verdict.INVALID, Verdict.INCONCLUSIVE) else "failure"
        message = f"{arm.verdict}, expected {arm.expected}"
        ET.SubElement(verdict, kind, message=message, type=str(arm.verdict)).text = "\n".join(arm.reasons)
    for objective in arm.objectives:
        _objective(suite, classname, objective, arm)
    for proof in arm.proofs:
        _case(suite, classname, proof, arm)
    for kind in ("failure", "error", "skipped"):
        name = {"failure": "failures", "error": "errors", "skipped": "skipped"}[kind]
        suite.set(name, str(len(suite.findall(f"testcase/{kind}"))))
    suite.set("tests", str(len(suite.findall("testcase"))))


def _objective(suite: ET.Element, classname: str, objective: ObjectiveResult, arm: ArmResult) -> None:
    """Like a proof, it fails its case only where the arm is not as expected."""
    name = f"objective {objective.kind} {objective.subject}".rstrip()
    case = ET.SubElement(suite, "testcase", classname=classname, name=name)
    if objective.status is ObjectiveStatus.UNDECIDED:
        ET.SubElement(case, "skipped", message=objective.sentence)
    elif objective.status is ObjectiveStatus.VIOLATED and not arm.met:
        ET.SubElement(case, "failure", message=objective.sentence, type=str(objective.status))
    ET.SubElement(case, "system-out").text = objective.sentence


def _case(suite: ET.Element, classname: str, proof: Proof, arm: ArmResult) -> None:
    """A proof that is refuted fails its case only where isolation is expected: a leak is meant to refute some."""
    case = ET.SubElement(suite, "testcase", classname=classname, name=proof.kind.replace("_", " "))
    if proof.status in _SKIPPED:
        ET.SubElement(case, "skipped", message=proof.sentence)
    elif proof.status is ProofStatus.REFUTED and not arm.met:
        ET.SubElement(case, "failure", message=proof.sentence, type=str(proof.status))
    ET.SubElement(case, "system-out").text = proof.sentence
