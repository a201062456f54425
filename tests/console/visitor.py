"""A visitor of the console in Chromium, who notices whatever a page must never do.

That is: a request that leaves the machine, an error or a violation of the content security policy in the
browser's console, a script of somebody else's that runs, an asset that is not there.
"""

import dataclasses
import os
import pathlib
import re
import shutil
import urllib.parse

import axe_playwright_python
from playwright.sync_api import expect, sync_playwright

SWITCHES = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    # Whatever name is asked for is not found, so that nothing can leave the machine unnoticed.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]
AXE = (pathlib.Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text(encoding="utf-8")
PICTURES = pathlib.Path(__file__).resolve().parents[2] / "target" / "console"
LOCALES = {"en": "en-US", "ru": "ru-RU"}
SIZES = {1280: (1280, 800), 390: (390, 844)}
LIMIT_MS = 30_000
TABS_MAX = 80
# What a browser says of an answer that is an error: the page that is shown tells it better.
ANSWER_LINE = re.compile(r"Failed to load resource: the server responded with a status of 4\d\d")


@dataclasses.dataclass(frozen=True)
class Look:
    """How a page is looked at."""

    width: int = 1280
    language: str = "en"
    theme: str = "light"

    def __str__(self):
        return f"{self.width}-{self.language}-{self.theme}"


class Browser:
    """Chromium, for all visitors of a run."""

    def __init__(self):
        program = os.environ.get("CHROMIUM") or next(
            (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), None
        )
        if program is None:
            raise AssertionError("needs Chromium (Debian: apt-get install chromium), or its path in CHROMIUM")
        self.playwright = sync_playwright().start()
        self.chromium = self.playwright.chromium.launch(executable_path=program, args=SWITCHES)
        expect.set_options(timeout=LIMIT_MS)

    def stop(self):
        """Ends it."""
        self.chromium.close()
        self.playwright.stop()


class Visitor:
    """One person's browser window."""

    def __init__(self, browser, installation, look=Look()):
        self.installation = installation
        self.url = installation.url
        self.look = look
        width, height = SIZES[look.width]
        self.context = browser.chromium.new_context(
            viewport={"width": width, "height": height},
            locale=LOCALES[look.language],
            color_scheme=look.theme,
            timezone_id="Europe/Moscow",
            base_url=self.url,
            accept_downloads=True,
            reduced_motion="reduce",
        )
        self.context.set_default_timeout(LIMIT_MS)
        self.faults = []
        self.requests = []
        self.clicks = 0
        self.context.on("request", self._see_request)
        self.context.on("requestfailed", self._see_failure)
        self.context.on("response", self._see_answer)
        self.context.on("console", self._see_line)
        self.context.on("weberror", lambda error: self.faults.append(f"an error of a script: {error.error}"))
        self.context.on("dialog", self._see_dialog)
        self.page = self.context.new_page()

    # --- what is noticed ---------------------------------------------------------------------

    def _see_request(self, request):
        self.requests.append(request)
        parts = urllib.parse.urlsplit(request.url)
        if parts.scheme not in ("data", "blob") and f"{parts.scheme}://{parts.netloc}" != self.url:
            self.faults.append(f"a request that leaves the machine: {request.url}")

    def _see_failure(self, request):
        # A page that is left takes its requests with it; so does a download, which is no page.
        if request.failure not in ("net::ERR_ABORTED",):
            self.faults.append(f"{request.url} failed: {request.failure}")

    def _see_answer(self, response):
        path = urllib.parse.urlsplit(response.url).path
        is_asset = path.startswith("/assets/")
        if response.status >= 500 or (is_asset and response.status >= 400):
            self.faults.append(f"{response.request.method} {path}: {response.status}")

    def _see_line(self, message):
        if message.type == "error" and not ANSWER_LINE.match(message.text):
            self.faults.append(f"in the browser's console: {message.text}")

    def _see_dialog(self, dialog):
        # A question before something is done for good is ours; anything else is a script's that ran.
        if dialog.type == "confirm":
            dialog.accept()
        else:
            self.faults.append(f"a script ran: {dialog.type} {dialog.message!r}")
            dialog.dismiss()

    def assert_well(self):
        """Nothing of what must never happen has happened."""
        assert not self.faults, "\n".join(dict.fromkeys(self.faults))

    # --- what is done ------------------------------------------------------------------------

    def go(self, path, status=200):
        """Opens a page by its address."""
        response = self.page.goto(path)
        assert response.status == status, f"GET {path}: {response.status}, and not {status}: {self.said()}"
        return response

    def click(self, target):
        """Clicks, and counts it."""
        self.clicks += 1
        target.click()

    def by(self, selector, text=None):
        """The first element that is shown, by a CSS selector and a text in it."""
        found = self.page.locator(selector)
        if text is not None:
            found = found.filter(has_text=text)
        return found.filter(visible=True).first

    def form_to(self, path):
        """The form that is sent to a path."""
        return self.page.locator(f'form[action^="{path}"]').filter(visible=True).first

    def send(self, form):
        """Sends a form by its button."""
        self.click(form.locator("button:not([type=button])").filter(visible=True).first)

    def arrive(self, pattern):
        """Waits until the address is of this form, below the server's."""
        self.page.wait_for_url(re.compile(f"^{re.escape(self.url)}{pattern}$"))

    def sign_in(self, customer):
        """Signs in as a person does."""
        self.sign_in_as(customer.email, customer.password)

    def sign_in_as(self, email, password):
        """The same by what is typed."""
        self.go("/sign-in")
        form = self.form_to("/sign-in")
        form.locator("[name=email]").fill(email)
        form.locator("[name=password]").fill(password)
        self.send(form)
        self.page.wait_for_url(lambda url: "/sign-in" not in url)

    def choose(self, picker, name, content):
        """Chooses a file."""
        self.page.locator(picker).set_input_files({"name": name, "mimeType": "text/csv", "buffer": content})

    def tab_to(self, selector):
        """Goes to an element by the key Tab."""
        for _ in range(TABS_MAX):
            if self.page.evaluate("(selector) => document.activeElement?.matches(selector)", selector):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{TABS_MAX} times Tab do not lead to {selector}")

    def assert_focus_is_seen(self):
        """Whatever has the focus has an outline or a shadow that it lacks otherwise."""
        style = self.page.evaluate(
            """() => { const style = getComputedStyle(document.activeElement);
                return [style.outlineStyle, parseFloat(style.outlineWidth), style.boxShadow] }"""
        )
        assert (style[0] != "none" and style[1] >= 1) or style[2] != "none", f"the focus cannot be seen: {style}"

    def said(self):
        """What the page says, for the report of a failure."""
        try:
            text = self.page.locator("body").inner_text(timeout=2000)
        except Exception as error:  # pylint: disable=broad-exception-caught
            text = f"(the page cannot be read: {error})"
        return f"{self.page.url}\n{text[:3000]}"

    def path(self):
        """Where the page is, below the server."""
        return self.page.url.removeprefix(self.url)

    # --- how a page is looked at ---------------------------------------------------------------

    def picture(self, name):
        """Keeps a picture of the whole page."""
        PICTURES.mkdir(parents=True, exist_ok=True)
        self.page.screenshot(path=PICTURES / f"{name}-{self.look}.png", full_page=True)

    def assert_fits(self):
        """The page has nothing that is beyond its right edge."""
        too_wide = self.page.evaluate(
            "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
        )
        assert too_wide <= 0, f"{self.path()} ({self.look}) scrolls sideways by {too_wide} px"

    def assert_language(self):
        """The page says that it is in the language that was asked for, and in Russian has Russian letters."""
        language = self.page.locator("html").get_attribute("lang")
        assert language == self.look.language, f"{self.path()}: lang={language!r}"
        is_cyrillic = re.search("[А-Яа-я]", self.page.locator("main").inner_text()) is not None
        assert is_cyrillic or self.look.language != "ru", f"{self.path()}: no Russian"

    def assert_accessible(self):
        """axe-core finds nothing serious."""
        if not self.page.evaluate("() => typeof window.axe === 'object'"):
            self.page.evaluate(AXE)
        found = self.page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
        grave = [one for one in found["violations"] if one["impact"] in ("serious", "critical")]
        told = [
            f"{one['impact']} {one['id']}: {one['help']}\n    "
            + "\n    ".join(node["html"][:200] + " | " + str(node.get("failureSummary"))[:300] for node in one["nodes"][:4])
            for one in grave
        ]
        assert not grave, f"{self.path()} ({self.look}): " + "\n".join(told)

    def look_over(self, name):
        """Everything that holds for every page; and a picture of it."""
        self.page.wait_for_load_state("load")
        self.picture(name)
        self.assert_fits()
        self.assert_language()
        self.assert_accessible()
        self.assert_well()

    def leave(self):
        """Closes the window."""
        self.context.close()
