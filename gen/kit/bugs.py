#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plants bugs in the design's SystemVerilog, one at a time, at places that a seed draws, and runs the kit on each.

usage: bugs.py --design DIR [--work DIR] [--seed TEXT] [--count N] [--least PERCENT] [--jobs N]
A bug is an operator, a constant, a condition or a reset of a module that the design instantiates. One that changes
nothing in Yosys' netlist is no bug of this design: it is listed as equivalent, and another is drawn. Results are in
WORK/bugs.tsv; a run that was stopped goes on behind its last bug. Exit code 1 if fewer than --least percent are found.
"""
import argparse
import concurrent.futures
import hashlib
import json
import pathlib
import random
import re
import shutil
import sys

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import run  # noqa: E402
from kit_description import DATA  # noqa: E402

# What each bug is offered, in this order, until something notices.
PLAN = (run.Unit("Programs", 6, 1, 20), run.Unit("Registers", 1, 1, 0), run.Unit("Errors", 1, 1, 0), run.Unit("Resets", 1, 1, 0),
        run.Unit("Malformed", 1, 3, 0), run.Unit("Programs", 7, 1, 20), run.Unit("Programs", 8, 1, 20))
SECONDS = 1200  # most for one of them

OPERATORS = {"&&": ("||",), "||": ("&&",), "==": ("!=",), "!=": ("==",), "<=": ("<",), ">=": (">",), "<": ("<=", ">="), ">": (">=", "<"),
             "+": ("-",), "-": ("+",), "&": ("|",), "|": ("&",), "^": ("|",)}
OPERATOR = re.compile(r"(?<= )(&&|\|\||==|!=|<=|>=|<|>|\+|-|&|\||\^)(?= )")
CONSTANT = re.compile(r"\b(\d+)'([dbh])([0-9a-fA-F]+)\b")
CONDITION = re.compile(r"\bif \((?!!rst_ni)(.*)\)(?= |$)")
RESET = re.compile(r"^\s*\w+_q2?(\[[^]]*\])?\s*<= ('0|'1|\d+'[dbh][0-9a-fA-F]+|1'b[01]);\s*$")


def code_lines(text):
    """(number, line) of a module's behaviour: no comments, parameters, declarations of sizes, checks, assertions."""
    skipping, header = False, True
    for number, line in enumerate(text.splitlines()):
        bare = line.strip()
        if bare.startswith("`ifdef TRINE_ASSERT"):
            skipping = True
        if bare.startswith("`endif"):
            skipping = False
        if header:
            header = not bare.startswith(");")
            continue
        if skipping or not bare or bare.startswith(("//", "`", "parameter", "localparam", "for (", "logic", "genvar")) or "$error" in bare:
            continue
        yield number, line.split("//")[0].rstrip()


def bugs_of_line(line, resets):
    """(kind, new line) of all bugs that fit a line."""
    if resets and RESET.match(line):
        yield "reset dropped", ""
        return
    for found in OPERATOR.finditer(line):
        if found[0] == "<=" and re.match(r"^\s*(if \(.*\) )?[\w\[\]:+\-. ']+$", line[:found.start()]):
            continue  # an assignment
        for other in OPERATORS[found[0]]:
            yield f"operator {found[0]} is {other}", line[:found.start()] + other + line[found.end():]
    for found in CONSTANT.finditer(line):
        base = {"d": 10, "b": 2, "h": 16}[found[2]]
        value, most = int(found[3], base), (1 << int(found[1])) - 1
        other = value + 1 if value < most else value - 1
        digits = {"d": str(other), "b": f"{other:b}", "h": f"{other:x}"}[found[2]]
        yield f"constant {found[0]} is {digits}", line[:found.start()] + f"{found[1]}'{found[2]}{digits}" + line[found.end():]
    found = CONDITION.search(line)
    if found and "gen_" not in line:
        yield "condition inverted", line[:found.start()] + f"if (!({found[1]}))" + line[found.end():]


def places(modules):
    """All bugs: (file, line, kind, new line); a line's bugs together, so that a line is drawn, then its bug."""
    found = []
    for path in sorted(modules):
        inside = False
        for number, line in code_lines(path.read_text()):
            if "if (!rst_ni)" in line:
                inside = True
            elif "end else" in line or line.strip() == "end":
                inside = False
            bugs = list(bugs_of_line(line, inside))
            if bugs:
                found.append((path, number, bugs))
    return found


def instantiated(verilog):
    """Modules of the converted design; Yosys' names of parameterized ones hold the module's."""
    return set(re.findall(r"\b(trine_\w+)", " ".join(re.findall(r"^module (.*?)\(", verilog.read_text(), re.MULTILINE))))


def fingerprint(files, folder):
    """Of the design's netlist, optimized as far as that takes seconds. @return "", or None where Yosys refuses"""
    script = (f"read_verilog -sv {' '.join(map(str, files))}; hierarchy -check -top {DATA['top']}; proc; opt_clean; opt_expr; "
              f"opt_merge; opt_clean; rename -enumerate; write_rtlil {folder / 'netlist.il'}")
    code, _ = run.call(["yosys", "-qq", "-p", script], folder)
    if code:
        return None
    text = (folder / "netlist.il").read_text()
    text = re.sub(r"^\s*attribute .*$|^#.*$|^autoidx.*$", "", text, flags=re.MULTILINE)
    text = re.sub(r"\$[\w\\/.:$|-]+", "$", text)
    return hashlib.sha256(text.encode()).hexdigest()


def planted(files, bug, folder):
    """The design's files with a bug. @return them, its description"""
    path, number, kind, new = bug
    lines = path.read_text().splitlines()
    old, lines[number] = lines[number], new
    copy = folder / path.name
    copy.write_text("\n".join(lines) + "\n")
    return [copy if f == path else f for f in files], f"{path.name}:{number + 1}\t{kind}\t{old.strip()[:90]}"


def draw(options, files, work):
    """The list of bugs, made once: `count` that change the netlist, and the equivalents that were drawn before them."""
    path = work / "drawn.json"
    if path.exists():
        return [(pathlib.Path(p), *rest) for p, *rest in json.loads(path.read_text())["bugs"]]
    scratch = work / "scratch"
    scratch.mkdir(exist_ok=True)
    wrong = run.build(files, work / "plain")
    if wrong:
        run.fail(wrong)
    names = instantiated(work / "plain" / "design.v")
    modules = [f for f in files if f.stem in names and not f.stem.endswith("_pkg") and f.suffix == ".sv"]
    every, right = places(modules), fingerprint(files, scratch)
    source = random.Random(options.seed)
    source.shuffle(every)
    bugs, equivalent, refused = [], [], []
    for path_of, number, kinds in every:
        if len(bugs) == options.count:
            break
        bug = (path_of, number, *source.choice(kinds))
        changed, text = planted(files, bug, scratch)
        found = fingerprint(changed, scratch)
        (refused if found is None else equivalent if found == right else bugs).append(
            text if found in (None, right) else [str(path_of), *bug[1:]])
        print(f"{len(bugs)}: {text}".replace("\t", " ") + (" (refused)" if found is None else " (equivalent)" if found == right else ""),
              flush=True)
    path.write_text(json.dumps({"seed": options.seed, "bugs": bugs, "equivalent": equivalent, "refused": refused,
                                "places": len(every), "modules": len(modules)}, indent=1))
    return [(pathlib.Path(p), *rest) for p, *rest in bugs]


def hunt(number, bug, files, work):
    """@return a line of bugs.tsv: number, place, kind, text, who found it, what it said, seconds, cycles"""
    folder = work / f"bug{number}"
    folder.mkdir(exist_ok=True)
    changed, text = planted(files, bug, folder)
    wrong = run.build(changed, folder)
    finder, said, seconds, cycles = ("build", wrong, 0, 0) if wrong else ("", "", 0, 0)
    for unit in () if wrong else PLAN:
        name = "_".join(map(str, unit))
        passes, said, took, clocks = run.simulate(folder, unit, name, limit=SECONDS)
        seconds, cycles = seconds + took, cycles + clocks
        if not passes:
            finder = name
            break
    shutil.rmtree(folder)
    said = re.sub(r"\s+", " ", said)[:160]
    return f"{number}\t{text}\t{finder or 'nothing'}\t{said}\t{seconds:.0f}\t{cycles}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--design", type=pathlib.Path, required=True)
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("kit_bugs"))
    parser.add_argument("--seed", default="1")
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--least", type=float, default=80, help="percent that must be found")
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    design, work = options.design.resolve(), options.work.resolve()
    run.check_design(design)
    work.mkdir(parents=True, exist_ok=True)
    files = run.sources(design)
    bugs = draw(options, files, work)
    path = work / "bugs.tsv"
    done = {int(line.split("\t")[0]) for line in path.read_text().splitlines()} if path.exists() else set()
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        waiting = [pool.submit(hunt, n, bug, files, work) for n, bug in enumerate(bugs) if n not in done]
        for finished in concurrent.futures.as_completed(waiting):
            line = finished.result()
            with path.open("a") as out:
                out.write(line + "\n")
            print(line.replace("\t", " | "), flush=True)
    sys.exit(report(path, len(bugs), options.least))


def report(path, count, least):
    """@return whether too few were found"""
    rows = [line.split("\t") for line in path.read_text().splitlines()]
    survivors = [row for row in rows if row[4] == "nothing"]
    found = len(rows) - len(survivors)
    print(f"{found} of {count} bugs found ({100 * found / count:.0f} %)")
    for row in survivors:
        print(f"  survived: {row[1]} {row[2]}: {row[3]}")
    return 100 * found / count < least


if __name__ == "__main__":
    main()
