"""The pages in a real Chromium: by keyboard alone, with and without JavaScript, at two widths, in the light and dark.

Needs selenium and Debian's chromium and chromium-driver, and skips without them. With a folder in the variable
SCREENSHOTS, pictures of the pages are kept there.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from data_science_project import pipeline
from data_science_project.engine.project import package, settings

selenium = pytest.importorskip("selenium", reason="selenium is not installed")
if not (shutil.which("chromium") and shutil.which("chromedriver")):
    pytest.skip("there is no chromium with its chromedriver", allow_module_level=True)

from selenium import webdriver  # noqa: E402 (after it is known to be here)
from selenium.common.exceptions import WebDriverException  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import WebDriverWait  # noqa: E402

COLOUR = "colour<script>document.title='run'</script>"
RED, YES = "<b onclick=\"document.title='run'\">red</b>", "<img src=x onerror=\"document.title='run'\">"
NOTE = "</textarea><script>document.title='run'</script> & so"
WIDTHS = (360, 1300)
pytestmark = pytest.mark.once

# The text of each element that is less than 4.5:1 above its background, WCAG 2.
TOO_FAINT = """
const luminance = (colour) => {
  const [r, g, b] = colour.match(/[\\d.]+/g).slice(0, 3).map((x) => {
    x /= 255;
    return x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const behind = (element) => {
  for (let e = element; e; e = e.parentElement) {
    const colour = getComputedStyle(e).backgroundColor;
    if (!/, 0\\)$/.test(colour)) return colour;
  }
  return matchMedia("(prefers-color-scheme: dark)").matches ? "rgb(18, 18, 18)" : "rgb(255, 255, 255)";
};
return [...document.querySelectorAll("body *")].filter((e) =>
  [...e.childNodes].some((node) => node.nodeType === 3 && node.data.trim()) && e.getClientRects().length)
  .filter((e) => {
    const [low, high] = [luminance(getComputedStyle(e).color), luminance(behind(e))].sort((a, b) => a - b);
    return (high + 0.05) / (low + 0.05) < 4.5;
  }).map((e) => e.outerHTML.slice(0, 80));
"""
# Elements that reach beyond the window and cannot be scrolled to.
CUT = """
const scrolls = (e) => e && (getComputedStyle(e).overflowX === "auto" || scrolls(e.parentElement));
return [...document.querySelectorAll("main *, header *")].filter((e) =>
  e.getBoundingClientRect().right > innerWidth + 1 && !scrolls(e)).map((e) => e.outerHTML.slice(0, 80));
"""


@pytest.fixture(scope="module")
def address(tmp_path_factory):
    """The address of the service of a project whose names, categories, texts and classes are markup."""
    root, random = tmp_path_factory.mktemp("browser"), np.random.default_rng(0)
    amount = random.normal(50, 10, 200).round(1)
    table = pd.DataFrame(
        {
            "order": np.arange(1001, 1201),
            'size "in" <u>cm</u>': amount,
            COLOUR: random.choice([RED, "green", "blue"], 200),
            "note": [f"{NOTE} {place} went to {random.choice(['Ulm', 'Bonn'])}" for place in range(200)],
            "answer": np.where(amount + random.normal(0, 3, 200) > 50, YES, "no"),
        }
    )
    table.to_csv(root / "table.csv", index=False)
    (root / "params.toml").write_text(
        '[data]\nsource = "table.csv"\ntarget = "answer"\n[train]\ncandidates = ["linear"]\n[serve]\nport = 0\n'
    )
    shutil.copytree(package.FOLDER, root / "src" / package.NAME)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(package, "FOLDER", root / "src" / package.NAME)
        pipeline.make(settings.load(root), "train")
    variables = {**os.environ, "PYTHONPATH": str(root / "src"), "API_TOKEN": "", "DATABASE_URL": ""}
    with (root / "serve.log").open("w") as errors:
        where = {"cwd": root, "env": variables, "stdout": subprocess.PIPE, "stderr": errors}
        service = subprocess.Popen([sys.executable, "-m", package.NAME, "serve"], **where)
        found = re.match(rb"(http://\S+)", service.stdout.readline())
        assert found, (root / "serve.log").read_text()
        yield found[1].decode()
        service.send_signal(signal.SIGTERM)
        service.wait(30)
    service.stdout.close()


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    """Start a browser, with or without scripts, one of each for all tests."""
    started = {}

    def start(scripts=True, width=1300, scheme="light"):
        if scripts not in started:
            options = webdriver.ChromeOptions()
            options.binary_location = shutil.which("chromium")
            for word in ("--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--hide-scrollbars"):
                options.add_argument(word)
            if not scripts:
                off = {"profile.managed_default_content_settings.javascript": 2}
                options.add_experimental_option("prefs", off)
            options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
            service = webdriver.ChromeService(shutil.which("chromedriver"))
            started[scripts] = webdriver.Chrome(options=options, service=service)
        driver = started[scripts]
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        wanted = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", wanted)
        return driver

    yield start
    for driver in started.values():
        driver.quit()


@pytest.fixture
def picture():
    """Keep a picture of a page, if a folder is named for that."""

    def take(driver, name):
        if folder := os.environ.get("SCREENSHOTS"):
            Path(folder).mkdir(parents=True, exist_ok=True)
            driver.save_screenshot(str(Path(folder) / f"{name}.png"))

    return take


def press(driver, *keys):
    """Type into what has the focus."""
    for key in keys:
        driver.switch_to.active_element.send_keys(key)


def tab_to(driver, place):
    """Go on by the tab key until something has the focus; what had it on the way."""
    way = []
    for _ in range(60):
        press(driver, Keys.TAB)
        here = driver.switch_to.active_element
        way.append(here.get_attribute("id") or here.text)
        if place in (way[-1], here.text):
            return way
    raise AssertionError(f"{place} is not reached: {way}")


def wait_for(driver, text):
    """Wait until a text is on the page."""
    waiting = WebDriverWait(driver, 20, ignored_exceptions=[WebDriverException])  # while one page gives way to another
    waiting.until(lambda d: text in d.find_element(By.TAG_NAME, "main").text)


def answered(driver, address):
    """Ask the example."""
    driver.get(f"{address}/?example=1")
    driver.find_element(By.XPATH, "//button[text()='Ask']").click()
    wait_for(driver, "Was this right?")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scripts", [True, False])
def test_row_is_asked_and_the_answer_corrected_by_keyboard_alone(address, browser, picture, scripts, width):
    driver = browser(scripts, width)
    driver.get(address)

    way = tab_to(driver, "c0")
    assert way == ["To the content", "Ask", "Label", "Monitor", "For programs", "Fill in an example", "c0"]
    press(driver, "80", Keys.TAB, "g", Keys.TAB, NOTE)
    tab_to(driver, "Ask")
    press(driver, Keys.ENTER)
    wait_for(driver, "Was this right?")

    section = driver.find_element(By.CSS_SELECTOR, "section.answer")
    assert f"answer: {YES}, with a probability of" in section.text and driver.switch_to.active_element == section
    picture(driver, f"answer-{width}{'' if scripts else '-plain'}")
    tab_to(driver, "Wrong, it was: no")
    press(driver, Keys.ENTER)
    wait_for(driver, "somebody said")
    assert driver.find_element(By.CSS_SELECTOR, "section.answer strong").text == "no"
    assert tab_to(driver, f"Right, it was: {YES}")
    press(driver, Keys.ENTER)
    wait_for(driver, f"It was: {YES}, somebody said")


def test_refused_row_says_why_at_the_top_and_leads_to_the_field(address, browser, picture):
    driver = browser(width=360)
    driver.get(f"{address}/?example=1")
    field = driver.find_element(By.ID, "c0")
    field.clear()
    field.send_keys("<u>much</u>", Keys.ENTER)
    wait_for(driver, "This was not answered")

    tab_to(driver, 'size "in" <u>cm</u>')
    press(driver, Keys.ENTER, Keys.TAB)

    picture(driver, "refused-360")
    assert driver.current_url.endswith("#c0")
    assert driver.find_element(By.ID, "c0").get_attribute("value") == "<u>much</u>"
    assert driver.find_element(By.ID, "c0").get_attribute("aria-invalid") == "true"


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scripts", [True, False])
def test_rows_are_labelled_skipped_and_taken_back_one_key_each(address, browser, picture, scripts, width):
    driver = browser(scripts, width)
    for _ in range(4):
        answered(driver, address)
    driver.get(f"{address}/label")
    if choose := driver.find_elements(By.XPATH, "//button[text()='Choose rows']"):
        choose[0].click()
        wait_for(driver, "rows labelled")

    picture(driver, f"label-{width}{'' if scripts else '-plain'}")
    assert driver.execute_script(CUT) == [] and driver.execute_script(TOO_FAINT) == []
    before = driver.find_element(By.NAME, "id").get_attribute("value")
    press(driver, "2") if scripts else driver.find_element(By.CSS_SELECTOR, "[accesskey='2']").click()
    wait_for(driver, "Undo: your last label was")
    assert driver.find_element(By.CSS_SELECTOR, "[accesskey='u']").text.endswith("was no")
    press(driver, "u") if scripts else driver.find_element(By.CSS_SELECTOR, "[accesskey='u']").click()
    wait_for(driver, "0 of")
    assert driver.find_element(By.NAME, "id").get_attribute("value") == before
    driver.find_element(By.ID, "name").send_keys("12")
    assert driver.find_element(By.ID, "name").get_attribute("value") == "12"


@pytest.mark.parametrize("scripts", [True, False])
def test_names_categories_classes_and_texts_that_are_markup_are_shown_and_run_nothing(
    address, browser, tmp_path, scripts
):
    driver = browser(scripts)
    driver.get_log("browser")
    answered(driver, address)
    choice = driver.find_element(By.ID, "c1")
    texts = [option.text for option in choice.find_elements(By.TAG_NAME, "option")]
    file = tmp_path / "<img src=x onerror=alert(1)>.csv"
    pd.DataFrame({"order": ["<b>7</b>"], 'size "in" <u>cm</u>': [50], COLOUR: [RED], "note": [NOTE]}).to_csv(file)

    assert {RED, "green", "blue"} <= set(texts)
    assert driver.find_element(By.CSS_SELECTOR, "label[for=c1]").text == COLOUR
    driver.get(address)
    driver.find_element(By.ID, "file").send_keys(str(file))
    driver.find_element(By.XPATH, "//button[text()='Ask for all']").click()
    wait_for(driver, "<b>7</b>")
    assert driver.find_element(By.TAG_NAME, "h1").text == f"Answers to {file.name}"
    driver.get(f"{address}/monitor")
    wait_for(driver, YES)
    driver.get(f"{address}/docs")
    wait_for(driver, COLOUR)
    assert "run" not in driver.title
    assert [one for one in driver.get_log("browser") if "Content Security Policy" in one["message"]] == []


def test_answers_to_a_table_are_downloaded_as_csv(address, browser, tmp_path):
    driver = browser()
    driver.execute_cdp_cmd("Browser.setDownloadBehavior", {"behavior": "allow", "downloadPath": str(tmp_path)})
    rows = pd.DataFrame(
        {"order": [5, 6], 'size "in" <u>cm</u>': [30, 70], COLOUR: ["green", RED], "note": ["a b", "c"]}
    )
    rows.to_csv(tmp_path / "rows.csv", index=False)
    driver.get(address)
    driver.find_element(By.ID, "file").send_keys(str(tmp_path / "rows.csv"))
    driver.find_element(By.XPATH, "//button[text()='Ask for all']").click()
    wait_for(driver, "Download all 2 as CSV")

    driver.find_element(By.LINK_TEXT, "Download all 2 as CSV").click()

    file = tmp_path / "rows_answers.csv"
    end = time.monotonic() + 20
    while not file.is_file() and time.monotonic() < end:
        time.sleep(0.1)
    assert pd.read_csv(file)[["order", "prediction"]].to_numpy().tolist() == [[5, "no"], [6, YES]]


@pytest.mark.parametrize("path", ["/", "/?example=1", "answer", "/monitor", "/docs"])
def test_page_is_readable_at_every_width_in_the_light_and_in_the_dark(address, browser, picture, path):
    for width in (*WIDTHS, 640):
        for scheme in ("light", "dark"):
            driver = browser(width=width, scheme=scheme)
            if path == "answer":
                answered(driver, address)
            else:
                driver.get(address + path)

            picture(driver, f"{path.strip('/?=1') or 'ask'}-{width}-{scheme}")
            assert driver.execute_script("return document.documentElement.scrollWidth") <= width
            assert driver.execute_script(CUT) == []
            assert driver.execute_script(TOO_FAINT) == []
