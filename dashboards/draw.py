"""Opens dashboards in a browser as a person does, waits until every chart is drawn, and takes a picture of each.

What the browser was answered for each chart goes to answers.json. It fails when a chart shows an error or nothing.
"""

import argparse
import json
import os
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

WIDTH = 1600
# Higher than any dashboard: charts out of sight are not drawn.
HEIGHT = 3200
DATA = "/api/v1/chart/data"
# What a canvas shows: how many of its points differ from its first one.
INK = """canvas => {
    const points = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;
    const words = new Uint32Array(points.buffer);
    return words.reduce((count, word) => count + (word !== words[0] ? 1 : 0), 0);
}"""
LEAST_INK = 200
# The last is the yellow triangle beside a title.
SIGNS_OF_TROUBLE = ["[role=alert]", ".ant-alert-error", ".missing-chart-container", "[aria-label=warning]"]


class Dashboard:
    """One dashboard in a page of its own."""

    def __init__(self, page, url, slug, seconds):
        self.page, self.slug, self.seconds = page, slug, seconds
        self.answers, self.problems = {}, []
        page.on("response", self._answered)
        page.goto(f"{url}/superset/dashboard/{slug}/?standalone=2", wait_until="domcontentloaded")

    def _answered(self, response):
        if DATA not in response.url:
            return
        form = (response.request.post_data_json or {}).get("form_data", {})
        try:
            body = response.json()
        except Exception as error:
            body = {"message": f"{response.status}: {error}"}
        self.answers[form.get("slice_id")] = {"status": response.status, "body": body}

    def drawn(self, charts):
        """Waits until all of these charts are answered and drawn."""
        deadline = time.monotonic() + self.seconds
        while time.monotonic() < deadline:
            busy = self.page.locator(".dashboard-grid .loading, .dashboard-grid [data-test='loading-indicator']").count()
            if set(charts) <= set(self.answers) and not busy and self.page.locator("[data-test-chart-id]").count() == len(charts):
                return
            self.page.wait_for_timeout(200)
        missing = [name for chart, name in charts.items() if chart not in self.answers]
        self.problems.append(f"not drawn within {self.seconds} s; without an answer: {missing}")

    def check(self, charts):
        for chart, name in charts.items():
            answer = self.answers.get(chart)
            holder = self.page.locator(f"[data-test-chart-id='{chart}']")
            if answer is None or not holder.count():
                self.problems.append(f"{name}: it was not drawn")
                continue
            results = answer["body"].get("result") or []
            if answer["status"] != 200 or not results:
                self.problems.append(f"{name}: {answer['status']}: {json.dumps(answer['body'])[:600]}")
                continue
            if any(result.get("error") or not result.get("data") for result in results):
                self.problems.append(f"{name}: no rows: {results[0].get('error') or results[0].get('query')}")
            for sign in SIGNS_OF_TROUBLE:
                for place in holder.locator(sign).all():
                    self.problems.append(f"{name}: it shows {sign}: {place.inner_text()[:300]}")
            for canvas in holder.locator("canvas").all():
                if canvas.evaluate(INK) < LEAST_INK:
                    self.problems.append(f"{name}: its canvas is empty")

    def picture(self, path):
        """The dashboard without what is below it."""
        box = self.page.locator(".dashboard-grid, [data-test='grid-content']").first.bounding_box()
        height = min(HEIGHT, int(box["y"] + box["height"]) + 8)
        self.page.screenshot(path=path, clip={"x": 0, "y": 0, "width": WIDTH, "height": height})


def log_in(page, url, user, password):
    page.goto(f"{url}/login/", wait_until="domcontentloaded")
    # By their names: the form's first input is hidden.
    page.locator("input[name='username'], #username").first.fill(user)
    page.locator("input[name='password'], #password").first.fill(password)
    page.locator("button[type=submit], input[type=submit], [data-test='login-button']").first.click()
    page.wait_for_url(lambda address: "/login" not in address)


def charts_of(page, url, slug):
    """Ids and names."""
    answer = page.request.get(f"{url}/api/v1/dashboard/{slug}/charts")
    return {chart["id"]: chart["slice_name"] for chart in answer.json()["result"]}


def main():
    options = argparse.ArgumentParser(description="Draws dashboards.")
    options.add_argument("--superset", required=True, metavar="URL")
    options.add_argument("--user", default="admin")
    options.add_argument("--password", default=os.environ.get("SUPERSET_PASSWORD"))
    options.add_argument("--browser", required=True, type=Path, metavar="FILE", help="Chromium")
    options.add_argument("--out", required=True, type=Path, metavar="DIR")
    options.add_argument("--seconds", type=float, default=300, help="for each dashboard")
    options.add_argument("slugs", nargs="+")
    given = options.parse_args()
    given.out.mkdir(parents=True, exist_ok=True)
    answers, problems = {}, []
    with sync_playwright() as playwright, browser(playwright, given.browser) as chromium:
        context = chromium.new_context(viewport={"width": WIDTH, "height": HEIGHT}, timezone_id="UTC", locale="en-US")
        context.set_default_timeout(given.seconds * 1000)
        log_in(context.new_page(), given.superset, given.user, given.password)
        for slug in given.slugs:
            page = context.new_page()
            charts = charts_of(page, given.superset, slug)
            dashboard = Dashboard(page, given.superset, slug, given.seconds)
            dashboard.drawn(charts)
            # Charts grow to their size.
            page.wait_for_timeout(1500)
            dashboard.check(charts)
            dashboard.picture(given.out / f"{slug}.png")
            problems += [f"{slug}: {problem}" for problem in dashboard.problems]
            answers[slug] = {name: dashboard.answers.get(chart, {}).get("body") for chart, name in charts.items()}
            page.close()
    (given.out / "answers.json").write_text(json.dumps(answers, indent=1, ensure_ascii=False) + "\n")
    if problems:
        raise SystemExit("\n".join(problems))


def browser(playwright, program):
    # Without a sandbox it runs as root, too: it sees nothing but one's own Superset.
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-proxy-server"]
    return playwright.chromium.launch(executable_path=program, args=arguments, timeout=120_000)


if __name__ == "__main__":
    main()
