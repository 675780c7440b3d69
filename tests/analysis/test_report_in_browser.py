"""The report in a real browser: nothing on the console, nothing clipped or wider than the screen, the filter works."""

from __future__ import annotations

import html as escapes
import json
import re
import shutil
import subprocess
from dataclasses import replace

import pytest
from toy import EXPERIMENT, FINAL, WINS

from svgbench.analysis.report.page import html
from svgbench.reporting import make_report
from svgbench.study import Study
from svgbench.words.claims import Claim, Comparison, Term

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "chrome")
BROWSER = next(filter(None, map(shutil.which, NAMES)), None)
NARROW, WIDE = 360, 1280

pytestmark = pytest.mark.skipif(
    BROWSER is None, reason=f"no browser: none of {', '.join(NAMES)} is installed; the page's layout is not checked"
)

LOSES = Comparison(Term("theirs", FINAL), ">", Term("ours", FINAL), "loses: by any amount")
LOOK = """
<script>
addEventListener("load", () => {
  const seen = {console: window.errors, wide: [], clipped: [], shown: [], sorted: []};
  const name = (e) => `${e.tagName} ${e.id} ${e.className} ${e.textContent.trim().slice(0, 40)}`;
  for (const part of document.querySelectorAll("details")) part.open = true;
  const room = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > room) seen.wide.push("the page");
  for (const e of document.body.querySelectorAll("*:not(svg *)")) {
    const box = e.getBoundingClientRect();
    const style = getComputedStyle(e);
    if (e.closest("thead") && style.position !== "static" || e.closest(".skip")) continue;
    if (!box.width || e.closest("thead") && getComputedStyle(e.closest("thead")).position === "absolute") continue;
    if (box.right > room + 0.5 || box.left < -0.5) seen.wide.push(name(e));
    if (style.overflowX !== "visible" && e.scrollWidth > e.clientWidth + 1) seen.clipped.push(name(e));
  }
  for (const text of document.querySelectorAll("svg text")) {
    const box = text.getBoundingClientRect(), frame = text.ownerSVGElement.getBoundingClientRect();
    const beside = Math.max(frame.left - box.left, box.right - frame.right);
    const out = Math.max(beside, frame.top - box.top, box.bottom - frame.bottom);
    if (box.width && out > 1) seen.clipped.push(`${name(text)} by ${out}`);
  }
  const rows = () => [...document.querySelectorAll("#claims tbody tr")].filter((row) => !row.hidden);
  const names = () => rows().map((row) => row.querySelector("a").textContent);
  seen.shown = names();
  seen.count = document.getElementById("filter-count").textContent;
  const head = document.querySelector("#claims thead button");
  for (let k = 0; head && k < 2; k++) { head.click(); seen.sorted.push(names()); }
  seen.aria = head ? head.parentElement.getAttribute("aria-sort") : "";
  document.body.dataset.seen = JSON.stringify(seen);
});
</script>
"""
WATCH = """<script>
window.errors = [];
addEventListener("error", (event) => errors.push(event.message));
for (const kind of ["error", "warn"]) console[kind] = (...words) => errors.push(words.join(" "));
</script>
"""


@pytest.fixture
def look(store, tmp_path):
    """Open the toy's report, with two claims, and return what the browser shows."""
    claims = (Claim("wins", "ours wins", "nowhere", "text", (WINS,)), Claim("loses", "so", "p. 1", "text", (LOSES,)))
    text = html(make_report([Study(replace(EXPERIMENT, claims=claims), store.root)]))
    page = tmp_path / "report.html"
    page.write_text(text.replace("<head>", f"<head>{WATCH}", 1).replace("</body>", f"{LOOK}</body>", 1))

    def look(width: int, at: str = "", *options: str) -> dict[str, object]:
        words = ("--headless", "--no-sandbox", "--disable-gpu", f"--window-size={width},900", "--dump-dom", *options)
        done = subprocess.run(
            [str(BROWSER), *words, f"--user-data-dir={tmp_path / 'profile'}", f"{page.as_uri()}{at}"],
            capture_output=True,
            text=True,
            timeout=90,
        )
        found = re.search(r'<body[^>]* data-seen="([^"]*)"', done.stdout)
        assert found, done.stderr[-2000:]
        return json.loads(escapes.unescape(found[1]))

    return look


@pytest.mark.parametrize("width", [NARROW, WIDE])
def test_the_page_fits_the_screen(look, width):
    seen = look(width)
    assert seen["console"] == []
    assert seen["wide"] == []
    assert seen["clipped"] == []
    assert seen["shown"] == ["wins", "loses"]
    assert seen["count"] == "2 of 2 claims"
    assert seen["sorted"] == [["loses", "wins"], ["wins", "loses"]]
    assert seen["aria"] == "descending"


def test_a_link_can_filter_the_claims(look):
    seen = look(WIDE, "#filter=REFUTED")
    assert seen["shown"] == ["loses"]
    assert seen["count"] == "1 of 2 claims"
    assert look(WIDE, "#filter=ours%20wins")["shown"] == ["wins"]


def test_without_javascript_every_claim_is_there(store, tmp_path):
    """The script only adds the filter, so the static page has every row and no dead control."""
    text = html(make_report([Study(EXPERIMENT, store.root)]))
    static = re.sub(r"<script>.*?</script>", "", text, flags=re.S)
    assert '<form id="filter" hidden>' in static
    assert static.count('<tr role="row" data-word=') == 1
    assert "<button" not in static
