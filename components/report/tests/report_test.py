#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests trine report: a page from real runs whose figures equal the results; wrong input; with --full in Chromium.

    components/report/tests/report_test.py --build DIR [--full]
"""
import argparse
import hashlib
import html.parser
import json
import os
import pathlib
import shutil
import subprocess
import sys
import xml.etree.ElementTree as xml

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "components" / "report"), str(ROOT / "components" / "zoo")]
import figures  # noqa: E402
import onnx_writer as onnx  # noqa: E402

PROGRAM = os.environ.get("TRINE_PROGRAM", str(ROOT / "trine"))
LENET = ROOT / "models" / "lenet_mnist.tflite"
VECTORS = ROOT / "models" / "lenet_mnist" / "vectors"
VOID = {"meta", "link", "br", "img", "input", "hr"}


def check(right, what):
    if not right:
        sys.exit(f"components/report/tests: {what}")


def trine(*arguments, code=0, program=PROGRAM):
    done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True, stdin=subprocess.DEVNULL)
    check(done.returncode == code, f"trine {' '.join(map(str, arguments))}: exit code {done.returncode}: {done.stderr}")
    return done


def refused(what, *arguments):
    """Requires one line on stderr that contains `what`, and exit code 2."""
    lines = trine(*arguments, code=2).stderr.splitlines()
    check(len(lines) == 1 and what in lines[0], f"{arguments}: says {lines}, expected one line with: {what}")


class Page(html.parser.HTMLParser):
    """Parses the page as a reader and a browser see it."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.links, self.tags, self.open = [], [], [], []
        self.figures = []  # (value, source, text) of each <data>
        self.sources, self.columns = {}, []  # data-from of the current table, row and columns: a figure's source
        self.rows, self.row, self.script, self.scripts = [], None, None, []
        self.feed(text)
        check(not self.open, f"page: not closed: {self.open}")

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.tags.append((tag, given))
        if tag not in VOID:
            self.open.append(tag)
        self.ids += [given["id"]] if "id" in given else []
        self.links += [given[k] for k in ("href", "src") if k in given]
        if tag in ("table", "tr"):
            self.sources[tag] = given.get("data-from", "")
        if tag == "table":
            self.columns = []
        if tag == "th" and "thead" in self.open:
            self.columns.append(given.get("data-from"))
        if tag == "tr":
            self.row = []
        elif tag in ("td", "th") and self.row is not None:
            self.row.append("")
        elif tag == "data":
            own = given.get("data-from") or self.columns[len(self.row) - 1]
            source = self.sources["table"] + self.sources["tr"] + own
            self.figures.append([json.loads(given["value"]), source, ""])
        elif tag == "script":
            self.scripts.append((given, ""))

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        check(self.open and self.open.pop() == tag, f"page: </{tag}> closes another one")
        if tag == "tr":
            self.rows.append(self.row)
            self.row = None

    def handle_data(self, text):
        if self.open and self.open[-1] == "script":
            given, before = self.scripts[-1]
            self.scripts[-1] = (given, before + text)
        if self.row:
            self.row[-1] += text
        if "data" in self.open:
            self.figures[-1][2] += text

    def told(self, metric, column=1):
        return next(row[column] for row in self.rows if row and row[0] == metric)


def at(data, pointer):
    for key in pointer.split("/")[1:]:
        key = key.replace("~1", "/").replace("~0", "~")
        data = data[int(key)] if isinstance(data, list) else data[key]
    return data


def in_columns(data, pointer):
    """Returns the value at a pointer of a result in the page's copy, in which lists of objects are columns."""
    row = None
    for key in pointer.split("/")[1:]:
        key = key.replace("~1", "/").replace("~0", "~")
        if isinstance(data, dict) and key not in data:
            row = int(key)
        else:
            data = data[int(key)] if isinstance(data, list) else data[key]
        if row is not None and isinstance(data, list):
            data, row = data[row], None
    return data


def leaves(data, pointer=""):
    """Yields the pointer and the value of each number, text and empty list or object."""
    if not isinstance(data, (dict, list)) or not data:
        yield pointer, data
        return
    for key, value in data.items() if isinstance(data, dict) else enumerate(data):
        yield from leaves(value, f"{pointer}/" + str(key).replace("~", "~0").replace("/", "~1"))


def check_figures(page, folder, embedded):
    """Requires that each figure with a source equals the value in that file and in the page's copy of the file, and is
    shown as such."""
    for value, source, text in page.figures:
        file, _, pointer = source.partition("#")
        found = at(json.loads((folder / file).read_text()), pointer)
        check(found == value, f"{source}: is {found}, the page has {value}")
        check(in_columns(embedded[file], pointer) == value, f"{source}: is not in the page's results")
        number = text.split()[0].replace(",", "")
        shown = [f"{value}", f"{value:.0f}", f"{100 * value:.1f}"
                 ] + [f"{value / scale:.{n}f}" for n in range(5) for scale in (1, 1e6)]
        check(number in shown, f"{source}: {value} is shown as {text}")
    check(len(page.figures) > 100, f"only {len(page.figures)} figures name their source")


def check_page(text, folder):
    page = Page(text)
    check(len(page.ids) == len(set(page.ids)), "page: an id stands twice")
    outside = [link for link in page.links if not link.startswith(("#", "data:"))]
    check(not outside, f"page: needs {outside}")
    check(all(link[1:] in page.ids for link in page.links if link.startswith("#")), "page: a link leads nowhere")
    for svg in text.split("<svg")[1:]:
        xml.fromstring("<svg" + svg[:svg.index("</svg>")] + "</svg>")
    check(
        sum(tag == "table" for tag, _ in page.tags) == sum(tag == "caption" for tag, _ in page.tags),
        "page: a table without caption")
    embedded = json.loads(next(text for given, text in page.scripts if given.get("id") == "results"))
    check_embedded(embedded, folder)
    check_figures(page, folder, embedded)
    return page


def check_embedded(embedded, folder):
    """Requires that the page contains every result, and of a result only keys from which the page is computed."""
    commands = {path.relative_to(folder).as_posix() for path in folder.rglob("*.json")
                if json.loads(path.read_text()).get("command")}
    check(set(embedded) == commands, f"page: it has the data of {sorted(embedded)}, not of {sorted(commands)}")
    for name, result in embedded.items():
        measured = json.loads((folder / name).read_text())
        for layer in measured.get("layers", []):
            layer.pop("actions", None)
        for pointer, value in leaves({key: measured[key] for key in result}):
            check(in_columns(result, pointer) == value, f"page: its data of {name}#{pointer} are others")
        check("made_from" not in result, f"page: its data of {name} contain what it does not show")
        check(result.get("images", 1) == 1 or "layers" not in result, f"page: {name} contains the layers of a batch")


def check_size(text, points, layers):
    """Requires that the page grows little with the points and with their layers."""
    page = len(text.encode())
    allowed = 30_000 + 25_000 * points + 900 * layers
    check(page <= allowed, f"page: {page} bytes for {points} points with {layers} layers, allowed {allowed}")
    pictures = text.count("<figure>")
    drawn = sum(len(svg[:svg.index("</svg>")].encode()) for svg in text.split("<svg")[1:])
    allowed = 1_000 * pictures + 200 * layers
    check(drawn <= allowed, f"page: {drawn} bytes of SVG for {pictures} pictures and {layers} layers, allowed {allowed}")


def check_many(work, run):
    """Checks a page of three designs and a large network: folded sections, pictures of 40 layers, tables of all layers."""
    folder = work / "many"
    folder.mkdir()
    layers = [{**layer, "name": f"{layer['name']}.{i}"} for i in range(10) for layer in run["layers"]]
    for name in ("one", "two", "three"):
        design = {"design_hash": name, "configuration": {**run["configuration"], "name": name}}
        (folder / f"{name}.json").write_text(json.dumps({**run, **design, "layers": layers}))
    trine("report", folder, "--html", work / "many.html", "--quiet")
    text = (work / "many.html").read_text()
    page = check_page(text, folder)
    check_size(text, 3, 3 * len(layers))
    check(text.count('<details class="section">') == 3, "page: sections of three designs are not folded")
    check(text.count(f"40 of {len(layers)} layers, which take") == 4 * 3, "page: a picture of too many layers")
    for i, layer in enumerate(layers, 1):
        check(sum(row[:2] == [str(i), layer["name"]] for row in page.rows) == 3, f"page: tables lack layer {i}")


def check_derived(page, folder):
    """Computes the page's derived figures in another way."""
    run = json.loads((folder / "edge64.lenet_mnist.run.json").read_text())
    synth = json.loads((folder / "edge64.synth.json").read_text())
    clock_ns = run["clock_placed_ns"]  # the design is not placed: predicted
    check(clock_ns > synth["clock_ns"], "page: the placed clock is not longer")
    milliseconds = run["cycles"] / (1000 / clock_ns) / 1000
    check(abs(float(page.told("Latency, batch 1").split()[0]) / milliseconds - 1) < 1e-3, "page: latency")
    batch = [json.loads(p.read_text()) for p in folder.glob("edge64.*.batch*.json")] + [run]
    rate = max(b["images"] / (b["cycles"] * clock_ns) * 1e9 for b in batch)
    check(abs(float(page.told("Throughput").split()[0].replace(",", "")) / rate - 1) < 1e-3, "page: throughput")
    kinds = [row for row in page.rows if row and row[0] in ("constants", "maps read", "maps written", "program")][:4]
    check(
        sum(int(row[1].replace(",", "")) for row in kinds) == run["dram_bytes_read"] + run["dram_bytes_written"],
        "page: traffic")
    speeds = [row for row in page.rows if row[:2] == ["lenet_mnist", "edge256"] and len(row) > 5]
    other = json.loads((folder / "edge256.lenet_mnist.run.json").read_text())
    check(speeds and float(speeds[0][5]) == round(run["cycles"] / other["cycles"], 2), "page: speed")


def synth_result(like):
    """Returns a result like `trine synth`'s for a design, without the minutes of mapping; tests of --full use a real
    one."""
    pe = {"name": "trine_pe", "instances": 16, "gate_equivalents": 2650.5, "children": {}}
    top = {
        "name": "trine_top",
        "instances": 1,
        "gate_equivalents": 100.25,
        "children": {
            "trine_pe": 16,
            "trine_sram__1": 2
        }
    }
    return {
        "command": "synth",
        **{
            k: like[k]
            for k in ("configuration", "design_hash", "revision")
        }, "target": "asic",
        "library": "a library",
        "area_um2": 1.5e6,
        "gate_equivalents": 42508.25,
        "nand2_um2": 24.0,
        "total_um2": 2e6,
        "clock_ns": 5.5,
        "clock_placed_ns": None,
        "modules": [pe, top],
        "memories": [{
            "name": "trine_sram__1",
            "instances": 2,
            "area_um2": 96000.0
        }]
    }


def check_trace(file, run):
    """Checks Perfetto's file: events of each track follow each other within the run; layers add up to its cycles."""
    events = json.loads(file.read_text())["traceEvents"]
    names = {e["tid"]: e["args"]["name"] for e in events if e["name"] == "thread_name"}
    check(sorted(set(names.values())) == ["compute", "layers", "load", "store", "vector"], f"{file}: tracks {names}")
    ends, layers, busy = {}, {}, {}
    for e in (e for e in events if e["ph"] == "X"):
        check(e["cat"] == names[e["tid"]], f"{file}: {e} is on the track of another engine")
        check(
            ends.get(e["tid"], 0) <= e["ts"] and e["ts"] + e["dur"] <= run["cycles"],
            f"{file}: {e} overlaps, or ends too late")
        ends[e["tid"]] = e["ts"] + e["dur"]
        busy.setdefault(e["cat"], []).append((e["ts"], ends[e["tid"]]))
        if e["cat"] == "layers":
            layers[e["name"]] = layers.get(e["name"], 0) + e["dur"]
    check(layers == {layer["name"]: layer["cycles"] for layer in run["layers"]}, f"{file}: layers {layers}")
    for engine, cycles in run["engines"].items():
        spans = set().union(*(range(a, b) for a, b in busy[engine]))
        check(cycles == len(spans), f"{file}: {engine} works {cycles} cycles, its RUNs take {len(spans)}")


def check_summary(page, text, folder):
    """Checks the summary: three figures of each design, and the gain of the larger one."""
    runs = [json.loads((folder / f"edge{n}.lenet_mnist.run.json").read_text()) for n in (64, 256)]
    speed = runs[0]["cycles"] / runs[1]["cycles"]
    for where, found in (("page", page[page.index("<main"):]), ("text", text[text.index("Summary"):])):
        found = " ".join(found.split())
        first, verdict = found.find("Summary"), found.find(f"edge256: 4x the MACs bring {speed:.2f}x the speed")
        check(0 <= first < verdict < found.index("every metric"), f"{where}: no verdict at the beginning: {found[:600]}")
    for picture in ("Cycles of lenet_mnist by design and cause", "Area by design and part, predicted"):
        place = page.find(picture)
        check(0 <= place < page.index("An inference"), f"page: '{picture}' does not stand above the first table")
        check("edge256" in page[place:page.index("</svg>", place)], f"page: '{picture}' lacks a design")
    check("The same with DRAM, by data and by place" in page, "page: no energy by data")
    check("All published figures" in page and "All published figures" not in text, "text: systems on other networks")
    check("scalability" in text, "text: two designs are compared")
    bars = page[page.index("<svg", page.index("Utilization by layer")):]
    bars = bars[:bars.index("</svg>")]
    check(">100<" in bars.replace(" ", "").replace("\n", ""), "page: the scale of utilization does not end at 100 %")
    names = figures.distinct_names(["net/a/conv/ReadVariableOp", "net/b/conv/ReadVariableOp", "net/out/ReadVariableOp", "net/p"])
    check(names == ["a/conv", "b/conv", "out", "p"], f"names of layers: {names}")


def check_single(work, run, batch):
    """Requires that a single design is not compared, and that operators that cut a batch into images are not operators of
    one inference; the name of a variant of a preset states its settings."""
    folder = work / "single"
    folder.mkdir()
    (folder / "run.json").write_text(json.dumps(run))
    (folder / "batch.json").write_text(json.dumps(batch))
    alone = trine("report", folder).stdout
    check("scalability" not in alone and "Designs compared" not in alone, "text: a single design is compared")
    check(batch["host"] and not run["host"] and "On the host" not in alone, "text: operators of a batch are of one image")
    (folder / "batch.json").unlink()
    trine("run", "--config", "edge64", "--set", "array.rows=4", "--backend", "arch", LENET, "--json", folder / "run.json")
    alone = trine("report", folder).stdout
    check("edge64 (array.rows = 4)" in alone.splitlines()[0], f"text: a variant is {alone.splitlines()[0]}")


def check_refused(work, folder):
    run = json.loads((folder / "edge64.lenet_mnist.run.json").read_text())
    bad = work / "bad"

    def with_file(text):
        shutil.rmtree(bad, ignore_errors=True)
        bad.mkdir()
        (bad / "a.json").write_text(json.dumps(run))
        (bad / "b.json").write_text(text if isinstance(text, str) else json.dumps(text))
        return bad

    empty = work / "empty"
    empty.mkdir(exist_ok=True)
    refused(f"{empty}: no results", "report", empty)
    refused("nowhere: is not a folder", "report", work / "nowhere")
    refused("DIR or --config", "report")
    refused("b.json: revision: is 1.0, but", "report", with_file({**run, "revision": "1.0"}))
    refused("b.json: cycles: is missing", "report", with_file({k: v for k, v in run.items() if k != "cycles"}))
    refused("b.json: command: is missing", "report", with_file({k: v for k, v in run.items() if k != "command"}))
    refused("b.json: layers[0].macs: is text, allowed a number", "report",
            with_file({
                **run, "layers": [{
                    **run["layers"][0], "macs": "many"
                }]
            }))
    refused("b.json: cycles: is 0, allowed more than 0", "report", with_file({**run, "cycles": 0}))
    refused("b.json: is not valid JSON", "report", with_file("{"))
    refused("b.json: is not valid JSON", "report", with_file('{"cycles": NaN}'))
    refused("b.json: is not valid JSON", "report", with_file("[" * 100000))
    refused("cannot", "report", folder, "--html", work / "nowhere" / "page.html")
    refused("is a folder", "report", folder, "--html", work)
    refused("--out", "report", "--config", "edge64", "--model", LENET)
    refused("--vectors: given 2 times", "report", "--config", "edge64", "--model", LENET, "--out", work / "o",
            "--vectors", VECTORS, "--vectors", VECTORS)
    refused("nowhere.tflite", "report", "--config", "edge64", "--model", "nowhere.tflite", "--out", work / "o")
    refused("cannot", "run", "--config", "edge64", "--backend", "arch", LENET, "--perfetto",
            work / "nowhere" / "t.json")


def check_host(work):
    """No figure includes time on the host: the latency must state that."""
    folder = work / "host"
    model = ROOT / "tests" / "operators" / "host_floats.tflite"
    folder.mkdir()
    trine("run", "--config", "edge32", "--backend", "arch", "--allow-host", model, "--json", folder / "run.json")
    trine("estimate", "--config", "edge32", "--allow-host", model, "--json", folder / "estimate.json")
    trine("report", folder, "--html", folder / "page.html", "--quiet", "--json", folder / "report")
    count = len(json.loads((folder / "run.json").read_text())["host"])
    point = json.loads((folder / "report").read_text())["points"][0]
    check(count > 0 and point["host_operators"] == count, f"{count} operators on the host, told: {point}")
    latency = Page((folder / "page.html").read_text()).told("Latency, batch 1")
    check(latency.endswith(f"ms without {count} operators on the host"), f"latency: {latency}")


class Tree:
    """The program in a separate tree, whose revision is that of its file: the tests' tree may contain changes."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()
        for path in ROOT.iterdir():
            if path.name not in (".git", "build", "cmake", "trine"):
                (folder / path.name).symlink_to(path)
        shutil.copytree(ROOT / "cmake", folder / "cmake")
        shutil.copy(os.environ.get("TRINE_PROGRAM", ROOT / "build" / "release" / "tools" / "cli" / "trine"),
                    folder / "program")
        self.set_revision("1")

    def set_revision(self, revision):
        (self.folder / "cmake" / "revision").write_text(revision)

    def report(self, *arguments, code=0):
        """Runs the report. Returns the names of the results that were measured."""
        done = trine("report", *arguments, code=code, program=self.folder / "program")
        return [line for line in done.stdout.splitlines() if line.endswith((".run", ".verify", ".accuracy", ".estimate"))]


def check_stale(work):
    """Requires that a result is measured again if one of its inputs was edited in place, and that no other is."""
    folder = work / "stale"
    folder.mkdir()
    tree = Tree(folder / "tree")
    model, config = folder / "m.tflite", folder / "c.toml"
    vectors, data = folder / "vectors", folder / "data"
    shutil.copy(LENET, model)
    shutil.copy(ROOT / "spec" / "presets" / "edge32.toml", config)
    shutil.copytree(VECTORS, vectors)
    shutil.copytree(VECTORS, data)
    asked = [
        "--config", config, "--model", model, "--batch", "1", "--vectors", vectors, "--data", data, "--out",
        folder / "out"
    ]
    everything = [f"c.m.{command}" for command in ("run", "estimate", "verify", "accuracy")]

    def measured(what, expected, code=0, **results):
        found = tree.report(*asked, code=code)
        check(found == expected, f"{what}: measured {found}, expected {expected}")
        for command, (key, value) in results.items():
            told = json.loads((folder / "out" / f"c.m.{command}.json").read_text())[key]
            check(told == value, f"{what}: {command} tells {key} = {told}, expected {value}")

    def edit(path, change):
        content = bytearray(path.read_bytes())
        change(content)
        path.write_bytes(content)

    measured("first", everything, verify=("vectors_exact", 100))
    measured("again", [])
    labels = data / "manifest.json"
    right = json.loads((folder / "out" / "c.m.accuracy.json").read_text())["top1"]
    manifest = json.loads(labels.read_text())
    for case in manifest["cases"]:
        case["label"] = (case["label"] + 1) % 10
    labels.write_text(json.dumps(manifest))
    measured("labels edited", ["c.m.accuracy"])
    wrong = json.loads((folder / "out" / "c.m.accuracy.json").read_text())["top1"]
    check(wrong < right, f"labels edited: top1 {wrong}, before {right}")
    edit(vectors / "out0.npy", lambda codes: codes.__setitem__(-1, codes[-1] ^ 1))
    for call in ("first", "second"):  # a wrong result stays wrong
        measured(f"a code is another, {call} call", ["c.m.verify"], code=1, verify=("vectors_exact", 99))
    edit(vectors / "out0.npy", lambda codes: codes.__setitem__(-1, codes[-1] ^ 1))
    measured("the code is right again", ["c.m.verify"], verify=("vectors_exact", 100))
    model.touch()
    measured("model touched", [])
    edit(config, lambda text: text.extend(b"# a remark\n"))
    measured("a remark in the configuration", [])
    config.write_text(config.read_text().replace("columns_per_cycle = 1", "columns_per_cycle = 2"))
    measured("configuration edited", everything)
    tree.set_revision("2")
    measured("another revision", everything)
    tree.set_revision("2-dirty")
    measured("a tree with changes", everything)
    measured("a tree with other changes", everything)
    tree.set_revision("2")
    measured("a tree without changes", everything)


def external_model(file, data):
    """Writes x (1, 4) as codes, times weights in a separate file, as codes again."""
    scalar = lambda name, kind, value: onnx.tensor(name, kind, [], [value])
    weights = [(1, 4), (1, 2), (2, onnx.INT8), (8, "w"), (14, 1), (13, [(1, "location"), (2, data.name)])]
    constants = [scalar("s", onnx.FLOAT, 0.0625), scalar("z", onnx.INT8, 0), weights]
    quantized = lambda x, y: [onnx.node("QuantizeLinear", [x, "s", "z"], y + ".codes"),
                              onnx.node("DequantizeLinear", [y + ".codes", "s", "z"], y)]
    nodes = [*quantized("x", "a"), onnx.node("DequantizeLinear", ["w", "s", "z"], "b"),
             onnx.node("MatMul", ["a", "b"], "c"), *quantized("c", "y")]
    file.write_bytes(onnx.model("external", 17, nodes, constants, [onnx.float_end("x", [1, 4])],
                                [onnx.float_end("y", [1, 2])]))


def check_shapes(work):
    """Checks the report of a table of shapes, which is estimated only."""
    table = ROOT / "models" / "shapes" / "squeezenet.csv"
    found = trine("report", "--config", "edge64", "--model", table, "--out", work / "shapes", "--html", work / "shapes.html")
    estimate = json.loads((work / "shapes" / "edge64.squeezenet.estimate.json").read_text())
    check(f"{estimate['cycles']:,} (estimated)" in found.stdout, "text: cycles of a table")
    check(f"{estimate['dram_bytes_read']:,}" in found.stdout, "text: traffic of a table")
    check_page((work / "shapes.html").read_text(), work / "shapes")
    refused("has no --vectors and no --data", "report", "--config", "edge64", "--model", table, "--vectors", VECTORS,
            "--out", work / "other")


def check_weights(work):
    """Requires that separate weights belong to an ONNX model, and tool versions to a result."""
    folder = work / "weights"
    folder.mkdir()
    tree = Tree(folder / "tree")
    model, data = folder / "m.onnx", folder / "m.onnx.data"
    external_model(model, data)
    asked = ["--config", "edge32", "--model", model, "--batch", "1", "--out", folder / "out"]
    everything = ["edge32.m.run", "edge32.m.estimate"]
    for weights, wanted in (([1, 2, 3, 4, 5, 6, 7, 8], everything), ([1, 2, 3, 4, 5, 6, 7, 8], []),
                            ([1, 2, 3, 4, 5, 6, 7, 9], everything)):
        data.write_bytes(bytes(weights))
        found = tree.report(*asked)
        check(found == wanted, f"weights {weights}: measured {found}, expected {wanted}")
    trine("compile", "--config", "edge32", model, "--out", folder / "m.trine")
    digest = lambda path: hashlib.sha256(path.read_bytes()).hexdigest()
    lines = f"{digest(model)}\n{data.name} {digest(data)}\n"
    check(hashlib.sha256(lines.encode()).hexdigest().encode() in (folder / "m.trine").read_bytes(),
          "the program's model_sha256 does not cover the weights")
    tools = folder / "bin"
    tools.mkdir()
    keys = []
    for version in ("0.1", "0.2"):
        yosys = tools / "yosys"
        yosys.write_text(f'#!/bin/sh\n[ "$1" = -V ] && echo Yosys {version} && exit 0\nexit 1\n')
        yosys.chmod(0o755)
        done = subprocess.run([folder / "tree" / "program", "sweep", "--by", "synth", "--config", "edge32", "--out",
                               folder / "points"], capture_output=True, text=True,
                              env=os.environ | {"PATH": f"{tools}:{os.environ['PATH']}"})
        check(done.returncode == 1, f"sweep with a yosys that fails: {done}")
        keys.append({path.stem for path in (folder / "points").glob("*.failed")})
    check(len(keys[0]) == 1 and len(keys[1]) == 2, f"results of two versions of Yosys: {keys}")


def check_identity(work):
    """Requires that two designs that run the same programs are different designs; a file that is edited in between is
    measured again."""
    folder = work / "identity"
    folder.mkdir()
    configs = [folder / "one.toml", folder / "two.toml"]
    preset = (ROOT / "spec" / "presets" / "edge32.toml").read_text()
    check("columns_per_cycle = 1" in preset, "edge32.toml: post.columns_per_cycle")
    configs[0].write_text(preset)
    configs[1].write_text(preset.replace("columns_per_cycle = 1", "columns_per_cycle = 2"))

    def points():
        trine("report", "--config", configs[0], "--config", configs[1], "--model", LENET, "--batch", "1", "--out",
              folder / "out", "--quiet", "--json", folder / "report.json")
        found = json.loads((folder / "report.json").read_text())["points"]
        runs = [json.loads((folder / "out" / f"{c.stem}.lenet_mnist.run.json").read_text()) for c in configs]
        check(runs[0]["configuration_hash"] == runs[1]["configuration_hash"], "the designs run other programs")
        return found, [r["cycles"] for r in runs]

    found, cycles = points()
    check(cycles[0] != cycles[1], f"post.columns_per_cycle changes no cycle: {cycles}")
    check(
        sorted(p["cycles"] for p in found) == sorted(cycles) and len({p["design_hash"] for p in found}) == 2
        and len({p["design"] for p in found}) == 2, f"two designs are told as {found}")
    configs[0].write_text(configs[1].read_text())
    found, now = points()
    check(now == [cycles[1]] * 2, f"{configs[0].name} is another design now, but its cycles are {now}, not {cycles[1]}")


def check_names(work, folder):
    """Tests that layers of a model may have any names."""
    evil = work / "evil"
    shutil.rmtree(evil, ignore_errors=True)
    evil.mkdir()
    run = json.loads((folder / "edge64.lenet_mnist.run.json").read_text())
    for name, layer in zip(
        ["</script><script>alert(1)</script>", "`touch gone`'\"\\", "\u0000\u2028\n{{ 7 * 7 }}", "\ud800"],
            run["layers"]):
        layer["name"] = name
    (evil / "run.json").write_text(json.dumps(run))
    trine("report", evil, "--html", work / "evil.html", "--quiet")
    page = Page((work / "evil.html").read_text())
    check(
        len(page.scripts) == 2 and any("{{ 7 * 7 }}" in cell for row in page.rows for cell in row),
        "page: a layer's name is more")


def console(page, *more):
    """Loads the page in Chromium and requires an empty console."""
    done = subprocess.run([
        "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr", "--dump-dom", *more,
        page.as_uri()
    ],
                          capture_output=True,
                          text=True,
                          timeout=300)
    said = [line for line in done.stderr.splitlines() if ":CONSOLE" in line]
    check(done.returncode == 0 and not said, f"chromium: exit code {done.returncode}: {said}")
    return done.stdout


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    parser.add_argument("--full", action="store_true")
    options = parser.parse_args()
    work = options.build.resolve()
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    folder, page = work / "results", work / "page.html"
    designs = ["--config", "edge64", "--config", "edge256"] if not options.full else ["--config", "edge32", "--synth"]
    measured = [
        "report", *designs, "--model", LENET, "--vectors", VECTORS, "--data", VECTORS, "--batch", "1,2,4", "--out",
        folder, "--html", page
    ]
    first = trine(*measured)
    if options.full:
        check_page(page.read_text(), folder)
        check_page(console(page), folder)
        check_page(console(page, "--blink-settings=preferredColorScheme=0"), folder)
        return
    run = json.loads((folder / "edge64.lenet_mnist.run.json").read_text())
    check_trace(folder / "edge64.lenet_mnist.run.perfetto.json", run)
    (folder / "edge64.synth.json").write_text(json.dumps(synth_result(run)))
    (folder / "lenet_mnist.cpu.json").write_text(json.dumps(
        {"command": "cpu", "revision": run["revision"], "model": "models/lenet_mnist.tflite", "runtime": "a runtime",
         "cpu": "a processor", "runs": 10, "milliseconds": 0.25, "best": 0.125}))
    check("edge64.lenet_mnist.run\n" in first.stdout, "measures nothing")
    second = trine(*measured)
    check(f"{run['cycles']:,} (arch)" in second.stdout, "text: cycles")
    found = check_page(page.read_text(), folder)
    check_derived(found, folder)
    check_summary(page.read_text(), second.stdout, folder)
    check_size(page.read_text(), 2, 2 * len(run["layers"]))
    check_many(work, run)
    check_single(work, run, json.loads((folder / "edge64.lenet_mnist.batch2.json").read_text()))
    check(found.told("Exactness").startswith("100 of 100"), "page: exactness")
    trine("report", folder, "--html", work / "again.html", "--quiet", "--json", work / "report.json")
    points = json.loads((work / "report.json").read_text())["points"]
    check([p["cycles"] for p in points if p["design"] == "edge64"] == [run["cycles"]], f"--json: {points}")
    check({p["cpu_ms"] for p in points} == {0.25}, f"--json: {points}")
    check(found.told("One core of a CPU").split()[::2] == ["0.2500", "(a", "a"], found.told("One core of a CPU"))
    check(page.read_text() == (work / "again.html").read_text(), "the same results give another page")
    check_refused(work, folder)
    check_names(work, folder)
    check_host(work)
    check_identity(work)
    check_stale(work)
    check_weights(work)
    check_shapes(work)


if __name__ == "__main__":
    main()
