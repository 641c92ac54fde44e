"""What a person sees in the MLflow UI: the real server, looked at through headless Chromium."""

import json
import shutil
from urllib.parse import quote

import pytest

from emofuse import tables

pytestmark = pytest.mark.slow

WAIT = 90_000
"""Milliseconds to wait for a page: the machine may be busy."""


@pytest.fixture
def page():
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("there is no chromium on the PATH: the MLflow UI was not looked at")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        page = browser.new_page(viewport={"width": 1600, "height": 1000})
        page.set_default_timeout(WAIT)
        yield page
        browser.close()


def see(page, names):
    for name in names:
        page.get_by_text(name, exact=True).first.wait_for()


def part(page, name):
    """An element by the name that MLflow's developers gave it; the text on a button changes more often."""
    return page.locator(f"button[data-component-id*='{name}']")


def test_a_person_finds_the_runs_by_name_compares_them_and_opens_their_pictures(study, serve, page, tmp_path):
    rows = study.synchronise()
    parents = {row["method"]: row["run_id"] for row in rows if row["fold"] is None}
    with serve(study) as address:
        page.goto(f"{address}/#/experiments")
        page.get_by_text("Model training").first.click()  # the other half of the UI is for chat bots
        page.get_by_text("released/iemocap").first.click()
        see(page, parents)
        assert page.get_by_text("paper/Ses01F").count() == 0  # folds are folded up beneath their method
        part(page, "assistant.chat_panel.close").click()  # it covers a third of the page
        part(page, "runnamecellrenderer").nth([*reversed(parents)].index("paper")).click()  # the newest is on top
        see(page, ["paper/Ses01F", "paper/Ses01M"])
        page.screenshot(path=tmp_path / "runs.png")

        page.goto(f"{address}/#/experiments/{study.experiment_id}/runs?compareRunsMode=CHART")
        see(page, [*parents, "UA.improvised"])
        page.screenshot(path=tmp_path / "charts.png")

        runs, experiments = (quote(json.dumps(ids)) for ids in ([*parents.values()], [study.experiment_id]))
        page.goto(f"{address}/#/compare-runs?runs={runs}&experiments={experiments}")
        see(page, ["Comparing 3 Runs from 1 Experiment", *parents])
        page.screenshot(path=tmp_path / "compare.png")

        page.goto(f"{address}/#/experiments/{study.experiment_id}/runs/{parents['paper']}/artifacts")
        page.get_by_text("figures", exact=True).first.click()
        page.get_by_text("confusion.png", exact=True).click()
        picture = page.locator("img[src^=blob]").first
        picture.wait_for()
        assert picture.evaluate("image => image.naturalWidth") == 64
        page.get_by_text("confusion.csv", exact=True).click()
        see(page, ["Previewing the first 4 rows", *tables.EMOTIONS])
        page.screenshot(path=tmp_path / "table.png")
