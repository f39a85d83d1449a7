"""Chromium from Debian's packages, driven without a screen: what a page does, says and looks like."""

import dataclasses
import pathlib
import shutil

import pytest
from playwright.sync_api import sync_playwright

# What is wider than the page, or a text than its picture: what is put out of sight on purpose lies to the left.
TOO_WIDE = """() => [...document.querySelectorAll('body *')]
  .filter(element => element.getBoundingClientRect().right >
    1 + (element.ownerSVGElement || document.documentElement).getBoundingClientRect().right)
  .map(element => element.tagName + '.' + element.getAttribute('class') + ': ' + element.textContent.slice(0, 60))"""

# Texts whose colour is too near to what they stand on (WCAG 2.2, AA). Backgrounds are opaque colours here, or none.
TOO_FAINT = """() => {
  const channels = colour => colour.match(/[\\d.]+/g).map(Number);
  const luminance = colour => {
    const [r, g, b] = channels(colour).map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const background = element => {
    for (let at = element; at; at = at.parentElement) {
      const colour = getComputedStyle(at).backgroundColor;
      if (channels(colour)[3] !== 0) return colour;
    }
    return 'rgb(255, 255, 255)';
  };
  const faint = [];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some(node => node.nodeType === 3 && node.textContent.trim());
    const marked = element.closest('svg') && element.classList.contains('mark');
    if (!own || marked || element.closest('title, desc')) continue;
    const style = getComputedStyle(element);
    const ink = element.closest('svg') ? style.fill : style.color;
    const [light, dark] = [luminance(ink), luminance(background(element))].sort((a, b) => b - a);
    const ratio = (light + 0.05) / (dark + 0.05);
    const large = parseFloat(style.fontSize) >= 24;
    if (ratio < (large ? 3 : 4.5)) faint.push(`${ratio.toFixed(2)} ${element.tagName}: ${element.textContent.slice(0, 40)}`);
  }
  return faint;
}"""

# What could run: scripts, and attributes that hold one.
RUNNABLE = """() => [...document.querySelectorAll('*')].filter(element =>
  element.tagName.toLowerCase() === 'script' || element.getAttributeNames().some(name => name.startsWith('on'))
  || (element.getAttribute('href') || '').toLowerCase().startsWith('javascript:')).map(element => element.outerHTML.slice(0, 80))"""


@dataclasses.dataclass
class Seen:
    """A page as a browser has it."""

    text: str
    """What a person reads."""
    problems: list[str]
    """Requests beside that for the page, errors and words on the console, dialogs."""
    too_wide: list[str]
    too_faint: list[str]
    runnable: list[str]
    is_owned: bool
    """Whether a script of an attacker ran."""
    scrolls_sideways: bool


class Browser:
    """One browser for the suite; each look has a context of its own."""

    def __init__(self, executable: str):
        self._playwright = sync_playwright().start()
        # The suite may run as root, where Chromium has no sandbox.
        self._browser = self._playwright.chromium.launch(executable_path=executable, args=["--no-sandbox"])

    def see(
        self, page_file: pathlib.Path, width: int, scheme: str, media: str = "screen", picture: pathlib.Path | None = None
    ) -> Seen:
        """Opens a page from its file."""
        context = self._browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
        try:
            page = context.new_page()
            problems = []
            page.on("request", lambda request: problems.append(f"request {request.url}"))
            page.on("console", lambda message: problems.append(f"console {message.type}: {message.text}"))
            page.on("pageerror", lambda error: problems.append(f"error {error}"))
            page.on("dialog", lambda dialog: (problems.append(f"dialog {dialog.message}"), dialog.dismiss()))
            page.emulate_media(media=media, color_scheme=scheme)
            page.goto(page_file.as_uri())
            page.wait_for_timeout(100)
            problems.remove(f"request {page_file.as_uri()}")
            if picture:
                page.screenshot(path=picture, full_page=True)
            return Seen(
                text=page.inner_text("body"),
                problems=problems,
                too_wide=page.evaluate(TOO_WIDE),
                too_faint=page.evaluate(TOO_FAINT),
                runnable=page.evaluate(RUNNABLE),
                is_owned=page.evaluate("() => 'owned' in window || document.title.includes('owned')"),
                scrolls_sideways=page.evaluate(
                    "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"
                ),
            )
        finally:
            context.close()

    def printed_pages(self, page_file: pathlib.Path) -> int:
        """On how many sheets of A4 a page is printed."""
        context = self._browser.new_context()
        try:
            page = context.new_page()
            page.goto(page_file.as_uri())
            pdf = page.pdf(format="A4")
            return pdf.count(b"/Type /Page\n") + pdf.count(b"/Type /Page/")
        finally:
            context.close()

    def close(self) -> None:
        """Ends it."""
        self._browser.close()
        self._playwright.stop()


def start() -> Browser:
    """A browser, or a skipped test where the machine has none."""
    for name in ["chromium", "chromium-browser", "google-chrome"]:
        if executable := shutil.which(name):
            return Browser(executable)
    pytest.skip("no browser: `apt-get install chromium` brings one, and the case report is then looked at")
