"""A browser without a window, for what only a browser can say of a page."""

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

HOW_TO_GET_IT = "no chromium on this machine; Debian: apt-get install --no-install-recommends chromium"
_NAMES = ("chromium", "chromium-browser", "google-chrome")
_TIMEOUT_S = 60
_OPTIONS = (
    "--headless",
    "--no-sandbox",  # Tests may run as root, and look at nothing but their own page.
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--enable-logging=stderr",
    "--virtual-time-budget=10000",
)


def find_chromium() -> str | None:
    """Its program; None when there is none."""
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


@dataclass(frozen=True)
class Chromium:
    """Opens pages; each time with a profile of its own in `folder`."""

    program: str
    folder: Path

    def dom(self, url: str, width: int = 1_280) -> str:
        """The page's document in a window so many pixels wide, as HTML, once its scripts rest.

        Raises:
            AssertionError: A script complained.
        """
        profile = f"--user-data-dir={self.folder / 'profile'}"
        ran = subprocess.run(
            [self.program, *_OPTIONS, f"--window-size={width},1000", profile, "--dump-dom", url],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=True,
        )
        complaints = [line for line in ran.stderr.splitlines() if "CONSOLE" in line]
        assert complaints == []
        return ran.stdout
