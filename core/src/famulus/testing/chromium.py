"""A real Chromium for tests of the pages of workers."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from famulus.errors import UnavailableError

if TYPE_CHECKING:
    from playwright.sync_api import Browser

#: In order of preference: the first is the same engine without the windows around its pages, and
#: takes two thirds of the processor time.
_EXECUTABLES = ("chromium-headless-shell", "chromium")

#: Chromium must request nothing over the network but the pages under test.
_QUIET = (
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

#: Chromium would make the popup of the address bar, in a process of its own, for each window: half
#: of the time that a page costs. It takes only one list, so the rest are those of playwright.
_DISABLED = (
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable",
    "LensOverlay",
    "MediaRouter",
    "PaintHolding",
    "ThirdPartyStoragePartitioning",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "TcpPortRandomizationWin",
    "OptimizationHints",
    "NetworkTimeServiceQuerying",
    "AimEnabled",
    "PreconnectToSearch",
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Run a headless Chromium: the one ``FAMULUS_CHROMIUM`` names, else the first on the path.

    On the path, ``chromium-headless-shell`` is preferred to ``chromium``.

    While it runs, playwright prevents the use of ``asyncio.run`` in the same thread.

    :raises famulus.UnavailableError: when playwright or Chromium is not installed; the message
        contains the remedy.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise UnavailableError(
            "browser tests need the Python package playwright: pip install playwright"
        ) from error
    options = launch_options()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**options)
        try:
            yield browser
        finally:
            browser.close()


def launch_options() -> dict[str, Any]:
    """Return the arguments of playwright's functions that start Chromium.

    :raises famulus.UnavailableError: when Chromium is not installed.
    """
    arguments = [*_QUIET, f"--disable-features={','.join(_DISABLED)}"]
    # Chromium does not start as root with its sandbox.
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--no-sandbox")
    return {"executable_path": _executable(), "args": arguments}


def _executable() -> str:
    named = os.environ.get("FAMULUS_CHROMIUM")
    names = (named,) if named else _EXECUTABLES
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        raise UnavailableError(
            f"browser tests need Chromium, and there is no {' or '.join(names)}: install it"
            " (Debian's package is chromium-headless-shell, or chromium) or name its executable in"
            " FAMULUS_CHROMIUM"
        )
    return found
