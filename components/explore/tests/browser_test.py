#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Operates `trine explore` in Chromium: every control changes its key, the figures are those of `trine estimate --json` for
random settings, the page works without a server, at 360 and 1,920 pixels, by keyboard, in dark and light.

usage: browser_test.py [--settings N]
$TRINE_PROGRAM is the tool. It requires Debian's chromium, chromium-driver, python3-selenium and libjs-chart.js. Exit code 1
if a check fails.
"""
import argparse
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path.insert(0, str(ROOT / "tests"))
sys.path.append("/usr/lib/python3/dist-packages")  # where Debian has selenium
from selenium import webdriver  # noqa: E402
from selenium.webdriver.chrome.service import Service  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import Select, WebDriverWait  # noqa: E402

PROGRAM = os.environ.get("TRINE_PROGRAM", str(ROOT / "trine"))
MODELS = ["models/lenet_mnist.tflite", "models/shapes/squeezenet.csv"]
OPTIONS = argparse.Namespace(settings=50)
FIGURES = {"mm2": lambda j: j["total_um2"] / 1e6, "cycles": lambda j: j["cycles"], "utilization": lambda j: j["utilization"],
           "milliseconds": lambda j: j["cycles"] * j["clock_placed_ns"] / 1e6, "microjoules": lambda j: j["energy_pj"] / 1e6,
           "dram_megabytes": lambda j: (j["dram_bytes_read"] + j["dram_bytes_written"]) / 1e6,
           "gate_equivalents": lambda j: j["gate_equivalents"]}


def estimate(config, settings, model=MODELS[0]):
    words = [word for setting in settings for word in ("--set", setting)]
    done = subprocess.run([PROGRAM, "estimate", "--config", config, *words, model, "--json", "-"], cwd=ROOT, capture_output=True,
                          text=True)
    return json.loads(done.stdout) if done.returncode == 0 else None


def browser(width=1400, dark=False):
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride",
                           {"width": width, "height": 1000, "deviceScaleFactor": 1, "mobile": False})
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia",
                           {"features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]})
    return driver


class Explorer(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = subprocess.Popen([PROGRAM, "explore", "--config", "edge64", "--config", "edge256", "--serve", *cls.models()],
                                      cwd=ROOT, stdout=subprocess.PIPE, text=True)
        cls.address = re.match(r"http://127\.0\.0\.1:\d+/", cls.server.stdout.readline()).group()
        cls.driver = browser()

    @classmethod
    def tearDownClass(cls):
        cls.driver.quit()
        cls.server.send_signal(signal.SIGINT)
        cls.server.wait(10)
        cls.server.stdout.close()

    @staticmethod
    def models():
        return [word for model in MODELS for word in ("--models", model)]

    def setUp(self):
        self.open()

    def tearDown(self):
        self.assertEqual([entry for entry in self.driver.get_log("browser") if entry["level"] == "SEVERE"], [])

    def open(self, fragment=""):
        self.driver.get("about:blank")
        self.driver.get(self.address + fragment)
        self.settle()

    def settle(self, driver=None):
        """Waits until nothing is estimated."""
        WebDriverWait(driver or self.driver, 60).until(
            lambda d: d.execute_script("return work.running + work.waiting.length") == 0
            and "estimating" not in d.find_element(By.ID, "state").text)

    def state(self):
        return self.driver.execute_script("return state")

    def figure(self, name):
        return float(self.driver.find_element(By.ID, f"figure-{name}").get_attribute("data-value"))

    def test_figures_are_those_of_estimate(self):
        chance = random.Random(87)
        compared = 0
        while compared < OPTIONS.settings:
            config = chance.choice(["edge64", "edge256"])
            settings = [f"{key}={chance.choice(values)}" for key, values in (
                ("array.rows", (1, 2, 3, 4, 6, 8, 16)), ("array.cols", (4, 8, 12, 16)), ("memory.dmem_kib", (16, 32, 64, 256)),
                ("memory.pmem_kib", (8, 16, 64, 128)), ("bus.axi_data_bits", (32, 64, 128)), ("matmul.enable", ("true", "false")),
                ("post.columns_per_cycle", (1, 2)), ("array.precisions", ('["int8"]', '["int8","binary"]')))]
            report = estimate(config, settings)
            self.open("#" + "&".join([f"config={config}", *(f"set={setting}" for setting in settings)]))
            refused = self.driver.find_element(By.ID, "refused")
            self.assertEqual(refused.is_displayed(), report is None, settings)
            compared += 1
            if report is None:
                continue
            for name, of in FIGURES.items():
                self.assertAlmostEqual(self.figure(name), of(report), delta=1e-9 * abs(of(report)), msg=f"{name} {settings}")

    def test_each_control_changes_its_key(self):
        self.driver.execute_script("document.getElementById('more-controls').open = true")
        boxes = self.driver.find_elements(By.CSS_SELECTOR, "[data-key]")
        self.assertEqual(len(boxes), len(self.driver.execute_script("return known.controls")))
        for box in boxes:
            key = box.get_attribute("data-key")
            before = self.state()["keys"][key]
            control = box.find_element(By.CSS_SELECTOR, "select, input:not([type=range])")
            if control.tag_name == "select":
                select = Select(control)
                other = next(o.text for o in select.options if o.text != str(before))
                select.select_by_visible_text(other)
            elif control.get_attribute("type") == "checkbox":
                control.click()
            else:
                low, high = (int(control.get_attribute(name)) for name in ("min", "max"))
                other = before - 1 if before > low else before + 1
                self.assertLessEqual(other, high)
                control.clear()
                control.send_keys(str(other), Keys.TAB)
            after = self.state()["keys"]
            self.assertNotEqual(after[key], before, key)
            self.assertIn("changed", box.get_attribute("class"))
            self.driver.find_element(By.ID, "reset").click()
            self.assertEqual(self.state()["keys"][key], before, key)
        self.settle()

    def test_sliders_move_by_keyboard(self):
        for key in ("array.rows", "array.cols", "memory.dmem_kib", "memory.pmem_kib"):
            slider = self.driver.find_element(By.ID, f"slide-{key}")
            before = self.state()["keys"][key]
            slider.send_keys(Keys.ARROW_RIGHT)
            self.assertGreater(self.state()["keys"][key], before, key)
            self.assertEqual(slider.get_attribute("aria-valuetext"), str(self.state()["keys"][key]))
        self.settle()
        self.assertEqual(self.figure("cycles"), estimate("edge64", [
            f"{key}={self.state()['keys'][key]}" for key in ("array.rows", "array.cols", "memory.dmem_kib", "memory.pmem_kib")])["cycles"])

    def test_model_start_axes_and_hold(self):
        cycles = self.figure("cycles")
        self.driver.find_element(By.ID, "hold").click()
        Select(self.driver.find_element(By.ID, "config")).select_by_visible_text("edge256")
        self.settle()
        self.assertLess(self.figure("cycles"), cycles)
        self.assertIn(f"held: {int(cycles):,}", self.driver.find_element(By.ID, "figure-cycles").text)
        Select(self.driver.find_element(By.ID, "x-axis")).select_by_value("gate_equivalents")
        address = self.driver.execute_script("return location.hash")
        for part in ("config=edge256", "held=edge64", "x=gate_equivalents"):
            self.assertIn(part, address)
        self.open(address)  # a link keeps the state
        self.assertEqual((self.state()["x"], self.state()["held"]["keys"]["array.rows"]), ("gate_equivalents", 2))
        Select(self.driver.find_element(By.ID, "model")).select_by_visible_text(MODELS[1])
        self.settle()
        self.assertEqual(self.figure("cycles"), estimate("edge256", [], MODELS[1])["cycles"])
        self.driver.find_element(By.ID, "hold").click()
        self.assertIsNone(self.state()["held"])

    def test_a_design_opens_from_chart_and_table(self):
        self.assertEqual(self.driver.execute_script("return points.size"), 9)
        self.driver.execute_script("""const chart = charts.front, set = chart.data.datasets.find(d => d.label === 'front');
          const at = chart.getDatasetMeta(chart.data.datasets.indexOf(set)).data[0], box = chart.canvas.getBoundingClientRect();
          window.wanted = set.data[0].point;
          for (const type of ['mousemove', 'click']) chart.canvas.dispatchEvent(new MouseEvent(type,
            {clientX: box.left + at.x, clientY: box.top + at.y, bubbles: true}));""")
        WebDriverWait(self.driver, 5).until(lambda d: d.execute_script("return figureText('mm2', shown.figures) === "
                                                                       "figureText('mm2', wanted.figures)"))
        self.settle()
        self.driver.execute_script("document.getElementById('designs').closest('details').open = true")
        button = next(b for b in self.driver.find_elements(By.CSS_SELECTOR, "#designs button") if b.text == "open")
        row = button.find_element(By.XPATH, "./ancestor::tr").find_element(By.TAG_NAME, "td").text
        button.send_keys(Keys.ENTER)
        self.assertEqual(self.driver.execute_script("return nameOf(state)"), row)
        self.settle()

    def test_commands_and_toml_make_the_design(self):
        self.open("#set=array.rows=4&set=array.precisions=[\"int8\"]")
        command = self.driver.find_element(By.ID, "commands").text.splitlines()[0]
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(command.replace("./trine", PROGRAM) + f" --json {folder}/a --quiet", shell=True, cwd=ROOT)
            self.assertEqual(done.returncode, 0)
            pathlib.Path(folder, "design.toml").write_text(
                self.driver.execute_script("return document.getElementById('toml').textContent"))
            subprocess.run([PROGRAM, "estimate", "--config", f"{folder}/design.toml", MODELS[0], "--json", f"{folder}/b", "--quiet"],
                           cwd=ROOT, check=True)
            for file in ("a", "b"):
                self.assertEqual(json.loads(pathlib.Path(folder, file).read_text())["cycles"], self.figure("cycles"))

    def test_refused_designs_say_why(self):
        self.open("#set=array.rows=999")
        self.assertIn("array.rows: 999 is too large, allowed 1..256", self.driver.find_element(By.ID, "refused").text)
        self.assertIn("stale", self.driver.find_element(By.ID, "results").get_attribute("class"))

    def test_widths_and_colours(self):
        for width, dark in ((360, False), (360, True), (820, False), (1920, True)):
            driver = browser(width, dark)
            try:
                driver.get(self.address + "#model=models/shapes/squeezenet.csv&held=edge256")
                self.settle(driver)
                self.assertLessEqual(driver.execute_script("return document.documentElement.scrollWidth"), width)
                ground, ink = driver.execute_script("const s = getComputedStyle(document.body); return [s.backgroundColor, s.color]")
                light = [sum(map(int, re.findall(r"\d+", colour)[:3])) for colour in (ground, ink)]
                self.assertEqual(light[0] < light[1], dark)
                self.assertGreater(abs(light[0] - light[1]), 500)
            finally:
                driver.quit()

    def test_a_page_without_a_server(self):
        with tempfile.TemporaryDirectory() as folder:
            page = pathlib.Path(folder, "page.html")
            subprocess.run([PROGRAM, "explore", "--config", "edge64", "--set", "array.rows=2,4", "--out", page, "--quiet"], cwd=ROOT,
                           check=True)
            self.assertLess(page.stat().st_size, 1e6)
            self.driver.get(f"file://{page}#set=array.rows=4")
            self.assertEqual(self.figure("cycles"), estimate("edge64", ["array.rows=4"])["cycles"])
            self.driver.get("about:blank")
            self.driver.get(f"file://{page}#set=array.rows=5")
            self.assertIn("--serve", self.driver.find_element(By.ID, "state").text)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--settings", type=int, default=50, help="random settings to compare")
    OPTIONS, more = parser.parse_known_args()
    unittest.main(argv=[sys.argv[0], *more])
