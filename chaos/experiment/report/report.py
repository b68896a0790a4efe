"""Writes report.html: one file that needs nothing else, drawn from a run's folder."""

import base64
import hashlib
import os
from importlib.resources import files
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from chaos.experiment.folders import ExperimentFolder
from chaos.experiment.report.page import page
from chaos.experiment.result import Result

_PACKAGE = "chaos.experiment.report"


def render_report(result: Result, run_folder: Path) -> Path:
    """Draws `result` as `report.html` in `run_folder`, replacing an older one whole, and returns its path.

    Of the folder, the arms' traces (`arms/<arm>/trace.json`) and `topology.yaml` are read; what is missing is said on the page.
    Raises OSError, leaving the older file, when the disk refuses.
    """
    path = ExperimentFolder(run_folder).report
    temporary = path.with_name(f"{path.name}.{os.getpid()}.new")
    try:
        temporary.write_text(report_html(result, run_folder), encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    return path


def report_html(result: Result, run_folder: Path) -> str:
    """The page as text. Every text of the run is escaped; a policy in the page forbids any other script, style or request."""
    environment = Environment(
        loader=PackageLoader(_PACKAGE),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    style, script = _part("style.css"), _part("readout.js")
    return environment.get_template("report.html.j2").render(
        page=page(result, run_folder),
        style=style,
        script=script,
        style_digest=_digest(style),
        script_digest=_digest(script),
    )


def _part(name: str) -> Markup:
    """A file of ours that stands in the page as it is."""
    return Markup((files(_PACKAGE) / "templates" / name).read_text(encoding="utf-8"))  # noqa: S704  our own file, no input


def _digest(text: str) -> str:
    """The hash by which Content-Security-Policy lets exactly this text run."""
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
