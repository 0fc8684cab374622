#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plants bugs in the design's SystemVerilog, one at a time, at places that a seed draws, and runs the kit on each.

usage: bugs.py --design DIR [--work DIR] [--seed TEXT] [--count N] [--least PERCENT] [--jobs N]
A bug changes an operator, a constant, a condition or a reset of a module that the design instantiates. A change is
equivalent, and another one is drawn, if it leaves Yosys' netlist unchanged, or if no test finds it and equivalence.py
proves that it changes nothing at the pins. Results are in WORK/bugs.tsv; an interrupted run continues after its last
bug. Exit code 1 if fewer than --least percent are found.
"""
import argparse
import concurrent.futures
import hashlib
import pathlib
import random
import re
import shutil
import sys

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import equivalence  # noqa: E402
import run  # noqa: E402

# The tests for each bug, in this order, until one fails.
PLAN = (run.Unit("Programs", 7, 1, 4), run.Unit("Programs", 6, 2, 16), run.Unit("Registers", 1, 1, 0), run.Unit("Errors", 1, 1, 0), run.Unit("Resets", 1, 1, 0),
        run.Unit("Malformed", 1, 3, 0), run.Unit("Errors", 5, 1, 0), run.Unit("Closing", 1, 2, 8))
SECONDS = 900  # processor seconds, far above the need of any test, because other programs on the machine increase it

OPERATORS = {"&&": ("||",), "||": ("&&",), "==": ("!=",), "!=": ("==",), "<=": ("<",), ">=": (">",), "<": ("<=", ">="), ">": (">=", "<"),
             "+": ("-",), "-": ("+",), "&": ("|",), "|": ("&",), "^": ("|",)}
OPERATOR = re.compile(r"(?<= )(&&|\|\||==|!=|<=|>=|<|>|\+|-|&|\||\^)(?= )")
CONSTANT = re.compile(r"\b(\d+)'([dbh])([0-9a-fA-F]+)\b")
CONDITION = re.compile(r"\bif \((?!!rst_ni)(.*)\)(?= |$)")
RESET = re.compile(r"^\s*\w+_q2?(\[[^]]*\])?\s*<= ('0|'1|\d+'[dbh][0-9a-fA-F]+|1'b[01]);\s*$")


def code_lines(text):
    """Yields (number, line) of a module's behaviour, without comments, parameters, declarations of sizes, checks and
    assertions."""
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


def is_assignment(before):
    """Returns true if a <= after this text assigns to a register: it is outside of parentheses and not part of
    another assignment."""
    return before.count("(") == before.count(")") and not re.search(r"assign|[^<>=!]=[^=]", before)


def bugs_of_line(line, resets):
    """Yields (kind, new line) of all bugs that are possible in a line."""
    if resets and RESET.match(line):
        yield "reset dropped", ""
        return
    for found in OPERATOR.finditer(line):
        if found[0] == "<=" and is_assignment(line[:found.start()]):
            continue
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
    """Returns all bugs (file, line, kind, new line), grouped by line, so that first a line is drawn, then one of its
    bugs."""
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
    """Returns the modules of the converted design; Yosys' names of parameterized modules contain the module's name."""
    return set(re.findall(r"\b(trine_\w+)", " ".join(re.findall(r"^module (.*?)\(", verilog.read_text(), re.MULTILINE))))


NETLIST = "opt_expr; opt_merge; opt_clean; rename -enumerate; write_rtlil netlist.il"


def fingerprint(folder):
    """Returns a digest of Yosys' netlist: equal digests mean equal designs, whatever the lines and names are."""
    text = (folder / "netlist.il").read_text()
    text = re.sub(r"^\s*attribute .*$|^#.*$|^autoidx.*$", "", text, flags=re.MULTILINE)
    # Variables of functions are named after their line; all other names are numbers, or independent of lines.
    return hashlib.sha256(re.sub(r"\$func\$\S+", "$", text).encode()).hexdigest()


def planted(files, bug, folder):
    """Plants a bug in the design's files. @return the files, and a description"""
    path, number, kind, new = bug
    lines = path.read_text().splitlines()
    old, lines[number] = lines[number], new
    copy = folder / path.name
    copy.write_text("\n".join(lines) + "\n")
    return [copy if f == path else f for f in files], f"{path.name}:{number + 1}\t{kind}\t{old.strip()[:90]}"


def candidates(seed, files, plain):
    """Returns all bugs in the order of the seed: a line is drawn, then one of its bugs."""
    names = instantiated(plain / "design.v")
    every = places([f for f in files if f.stem in names and not f.stem.endswith("_pkg") and f.suffix == ".sv"])
    source = random.Random(seed)
    source.shuffle(every)
    return [(path, number, *source.choice(kinds)) for path, number, kinds in every]


def try_plan(folder):
    """@return the test that failed ("nothing" if none), its reason, seconds, cycles"""
    seconds = cycles = 0
    for unit in PLAN:
        name = "_".join(map(str, unit))
        passes, reason, took, clocks = run.simulate(folder, unit, name, limit=SECONDS)
        seconds, cycles = seconds + took, cycles + clocks
        if not passes:
            return name, reason, seconds, cycles
    return "nothing", "", seconds, cycles


def hunt(number, bug, files, work, right):
    """@return a line of bugs.tsv: number, place, kind, text, the test that found it, its reason, seconds, cycles"""
    folder = work / f"bug{number}"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    changed, text = planted(files, bug, folder)
    wrong = run.build(changed, folder, NETLIST)
    if wrong:
        finder, reason, seconds, cycles = "refused", wrong.replace(f"{folder}/", ""), 0, 0
    elif fingerprint(folder) == right:
        finder, reason, seconds, cycles = "equivalent", "the netlist is the same: nothing of this design depends on it", 0, 0
    else:
        finder, reason, seconds, cycles = try_plan(folder)
        how = equivalence.proof(work / "plain", folder) if finder == "nothing" else ""
        if how:
            finder, reason = "equivalent", f"{how}: nothing at the pins depends on it"
    shutil.rmtree(folder)
    reason = re.sub(r"\s+", " ", reason)[:200]
    return f"{number}\t{text}\t{finder}\t{reason}\t{seconds:.0f}\t{cycles}"


def rows_of(path):
    return [line.split("\t") for line in path.read_text().splitlines()] if path.exists() else []


def counted(rows):
    """Returns the rows that count as bugs, in the order in which they were drawn."""
    return sorted((row for row in rows if row[4] not in ("equivalent", "refused")), key=lambda row: int(row[0]))


def check_plain(files, work):
    """Requires once that the unchanged design passes. @return its fingerprint"""
    plain, ready = work / "plain", work / "plain" / "passed"
    if not ready.exists():
        wrong = run.build(files, plain, NETLIST)
        if wrong:
            run.fail(wrong)
        finder, reason, seconds, cycles = try_plan(plain)
        if finder != "nothing":
            run.fail(f"the design without a bug fails: {finder}: {reason}")
        ready.write_text(f"{seconds:.0f} s, {cycles} cycles\n")
    equivalence.Flat(plain)  # before several threads need it
    print(f"without a bug: {ready.read_text().strip()}", flush=True)
    return fingerprint(plain)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--design", type=pathlib.Path, required=True)
    parser.add_argument("--work", type=pathlib.Path, default=pathlib.Path("kit_bugs"))
    parser.add_argument("--seed", default="1")
    parser.add_argument("--count", type=int, default=40)
    parser.add_argument("--least", type=float, default=80, help="percentage of the bugs that must be found")
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    if options.count < 1 or options.jobs < 1:
        run.fail("--count and --jobs: at least 1")
    design, work = options.design.resolve(), options.work.resolve()
    run.check_design(design)
    work.mkdir(parents=True, exist_ok=True)
    files = run.sources(design)
    right = check_plain(files, work)
    bugs = candidates(options.seed, files, work / "plain")
    print(f"{len(bugs)} lines have a place for a bug", flush=True)
    hunt_all(bugs, files, work, right, options)
    sys.exit(report(work / "bugs.tsv", options.count, options.least))


def hunt_all(bugs, files, work, right, options):
    """Tries the candidates in order, some in parallel, until `count` of the first ones are bugs."""
    path = work / "bugs.tsv"
    done = {int(row[0]) for row in rows_of(path)}
    numbers = (n for n in range(len(bugs)) if n not in done)
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        waiting = set()
        while True:
            open_places = options.count - len(counted(rows_of(path))) - len(waiting)
            while open_places > 0 and len(waiting) < options.jobs and (number := next(numbers, None)) is not None:
                waiting.add(pool.submit(hunt, number, bugs[number], files, work, right))
                open_places -= 1
            if not waiting:
                return
            ended, waiting = concurrent.futures.wait(waiting, return_when=concurrent.futures.FIRST_COMPLETED)
            for line in (future.result() for future in ended):
                with path.open("a") as out:
                    out.write(line + "\n")
                print(line.replace("\t", " | "), flush=True)


def report(path, count, least):
    """@return true if too few were found"""
    bugs = counted(rows_of(path))[:count]
    survivors = [row for row in bugs if row[4] == "nothing"]
    share = 100 * (len(bugs) - len(survivors)) / count
    print(f"{len(bugs) - len(survivors)} of {count} bugs found ({share:.0f} %)")
    for row in survivors:
        print(f"  survived: {row[1]}, {row[2]}: {row[3]}")
    return share < least


if __name__ == "__main__":
    main()
