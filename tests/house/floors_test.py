#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks the layers ("floors") of the C++ folders and the boundaries ("walls") of rtl/.

    tests/house/floors_test.py

Floors: a folder includes only headers of its own floor and of lower ones. FLOORS is the order; folders in one row are
on the same floor and do not include each other. Tests (*_test.cpp, testing.h) may include headers of higher floors,
because they are built last.
The wall of components/: neither a source nor a test of the core includes a header of a component.
The top level has the folders of TOP and no others, and no binary files.
Walls: a module of rtl/ instantiates only modules of its own folder and of lib; trine_core and trine_machine may
instantiate all. A package that folders share contains a struct only if at least two of them use it.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
FLOORS = [
    ["sw/base"],
    ["spec"],
    ["gen", "sw/model/graph"],
    ["sw/host"],
    ["sw/model/check"],
    ["sw/model/rewrite"],
    ["sw/model/onnx", "sw/model/tflite", "sw/model/tosa"],
    ["sw/model/import"],
    ["sw/reference", "sw/runtime"],
    ["sw/program"],
    ["sw/compiler"],
    ["synth"],
    ["sim"],
    ["tools/energy", "tools/estimate"],
    ["tools/random"],
    ["tools/cli"],
    ["components/sweep"],
    ["components/accuracy", "components/energy", "components/explore", "components/llm", "components/plugins", "components/python",
     "components/soc", "components/tflm"],
    ["components/fuzz"],
    ["components/regress"],
    ["tb", "tests"],
]
# The folders at the top of the repository.
TOP = {".ci", "cmake", "components", "docs", "gen", "models", "rtl", "sim", "spec", "sw", "synth", "tb", "tests", "tools"}
READS_ALL = "tests/hostile/"  # gives bad files to the readers of components, too
COMPILER = [  # inside of sw/compiler
    ["network"],
    ["lower", "rewrite"],
    ["partition", "plan"],
    ["schedule"],
    ["verify"],
    ["transform"],
    ["search", "emit"],
    ["edges", "mapping"],
    ["options"],
    ["batch_over_cores", "candidate", "compile_shapes"],
    ["segment_program"],
    ["program_template"],
    ["compiler"],
]
FLOOR = {folder: floor for floor, folders in enumerate(FLOORS) for folder in folders}
INCLUDE = re.compile(r'^\s*#\s*include "([^"]+)"', re.MULTILINE)


def folder_of(path):
    """Returns the folder of FLOORS that contains the path, or None for generated headers and Verilated classes."""
    folders = [str(parent) for parent in pathlib.PurePath(path).parents]
    return next((folder for folder in folders if folder in FLOOR), None)


def is_test(path):
    return path.name.endswith("_test.cpp") or path.name == "testing.h"


def climbs(folder, included):
    above = FLOOR[included] > FLOOR[folder]
    return above or (FLOOR[included] == FLOOR[folder] and included != folder)


def faults(root):
    """Returns "file: includes header: sim stands above sw/compiler" for each include of a higher floor."""
    found, edges = [], 0
    for path in sorted(p for folder in FLOOR for s in ("*.h", "*.cpp", "*.c") for p in (root / folder).rglob(s)):
        here = path.relative_to(root)
        for header in [] if is_test(path) else INCLUDE.findall(path.read_text()):
            included = folder_of(header)
            if included is None:
                continue
            edges += 1
            if climbs(folder_of(here), included):
                found.append(f"{here}: includes {header}: {included} does not stand below {folder_of(here)}")
    return found, edges


def component_faults(root, sources):
    """Returns the includes of components by the core, its tests included."""
    return [f"{name}: includes {header}: the core must not include components"
            for name in sources if not name.startswith(("components/", READS_ALL))
            for header in INCLUDE.findall((root / name).read_text()) if header.startswith("components/")]


def top_faults(root):
    """Returns folders and binary files that do not belong at the top of the repository."""
    names = subprocess.check_output(["git", "-C", root, "ls-files"], text=True).splitlines()
    folders = {name.split("/")[0] for name in names if "/" in name}
    files = [name for name in names if "/" not in name and b"\0" in (root / name).read_bytes()]
    return [f"{name}/: allowed at the top are {', '.join(sorted(TOP))}" for name in sorted(folders - TOP)] + [
        f"{name}: a binary file" for name in files]


def compiler_faults(root):
    """Returns includes of higher floors inside of the compiler; a file in the folder itself belongs to the floor that
    its name states."""
    floor = {name: i for i, names in enumerate(COMPILER) for name in names}
    found, house = [], root / "sw/compiler"

    def room(path):
        parts = path.relative_to(house).parts
        return parts[0] if len(parts) > 1 else path.stem

    for path in sorted(p for s in ("*.h", "*.cpp") for p in house.rglob(s) if not is_test(p)):
        for header in re.findall(r'#include "(sw/compiler/[^"]+)"', path.read_text()):
            here, there = room(path), room(root / header)
            if here != there and floor[there] >= floor[here]:
                found.append(f"{path.relative_to(root)}: includes {header}: {there} does not stand below {here}")
    return found


def rtl_code(root):
    """Returns {module or package: (folder, text without comments)}."""
    files = [path for path in sorted((root / "rtl").rglob("trine_*.sv")) if path.parent.name != "bench"]
    return {path.stem: (path.parent.name, re.sub(r"//.*", "", path.read_text())) for path in files}


def rtl_faults(root):
    """Returns the violations of the walls of rtl/, and the number of instances that were checked."""
    code, found, instances = rtl_code(root), [], 0
    for module, (folder, text) in code.items():
        for child in set(re.findall(r"^\s*(trine_\w+)\s+(?:#\(|u_\w+)", text, re.MULTILINE)) & set(code):
            instances += 1
            if code[child][0] not in (folder, "lib") and module not in ("trine_core", "trine_machine"):
                found.append(f"{module}: instantiates {child}, which is in rtl/{code[child][0]}, not in rtl/{folder} or lib")
        for package in set(re.findall(r"\b(trine_\w+_pkg)::", text)):
            if code[package][0] not in (folder, "lib") and module not in ("trine_core", "trine_machine"):
                found.append(f"{module}: names {package}, which is in rtl/{code[package][0]}")
    return found + unshared(code), instances


def unshared(code):
    """Returns the structs in packages of lib that only one folder uses. trine_isa_pkg contains the whole instruction set,
    printed from spec/isa.def."""
    found = []
    packages = {name for name, (folder, _) in code.items() if folder == "lib" and name.endswith("_pkg")}
    for package in sorted(packages - {"trine_isa_pkg"}):
        for struct in re.findall(r"\}\s*(\w+);", code[package][1]):
            users = {folder for name, (folder, text) in code.items() if f"{package}::{struct}" in text}
            inside = re.search(rf"^\s*{struct}\s+\w+;", code[package][1], re.MULTILINE)
            if len(users) < 2 and users != {"lib"} and not inside:
                found.append(f"{package}: {struct} is of {', '.join(users) or 'nobody'} alone")
    return found


def main():
    found, edges = faults(ROOT)
    walls, instances = rtl_faults(ROOT)
    sources = subprocess.check_output(["git", "-C", ROOT, "ls-files", "*.h", "*.cpp"], text=True).split()
    found += compiler_faults(ROOT) + component_faults(ROOT, sources) + top_faults(ROOT) + walls
    print("\n".join(found))
    homeless = [s for s in sources if folder_of(s) is None and not s.startswith("tb/mutation/")]
    for source in homeless:
        print(f"{source}: its folder stands on no floor (FLOORS)")
    print(f"{edges} includes between {len(FLOOR)} folders, {len(found)} upwards")
    print(f"{instances} instances in rtl/, {len(walls)} through walls")
    return 1 if found or homeless or edges < 500 or instances < 100 else 0


if __name__ == "__main__":
    sys.exit(main())
