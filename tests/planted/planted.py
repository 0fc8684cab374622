#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Plants bugs, one at a time, in a clone of this repository, and checks whether the short suite finds them.

usage: planted.py [--list NAME] [--folder DIR] [--least N] [--jobs N] [--again] [WORD]...
       planted.py --places    only checks that the place of each bug of all lists still exists
The lists are tests/planted/NAME.json; docs/verification.md describes how they were drawn. For each bug, the tests
that cover the place best run first; if they find nothing, the whole short suite runs. Without a bug those tests must
pass. The result of each bug is stored in DIR/NAME.tsv: an interrupted run continues after its last bug (--again: from
the first). Exit code 1 if fewer than --least bugs are caught; 2 if a bug has no place or nothing builds.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import typing

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
NOTHING = "nothing"


class Bug(typing.NamedTuple):
    what: str
    area: str
    file: str
    old: str  # occurs once in the file
    new: str
    first: str  # the test program that covers the place best
    shows: str = ""  # who sees the bug, and when


def read_bugs(name):
    path = ROOT / "tests" / "planted" / f"{name}.json"
    if not path.exists():
        known = sorted(p.stem for p in path.parent.glob("*.json"))
        print(f"planted.py: --list {name}: allowed {' '.join(known)}", file=sys.stderr)
        sys.exit(2)
    return [Bug(**entry) for entry in json.loads(path.read_text())]


def call(command, folder):
    return subprocess.run([str(c) for c in command], cwd=folder, text=True, errors="replace",
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def must(command, folder):
    done = call(command, folder)
    if done.returncode:
        print(f"planted.py: {' '.join(map(str, command))}:\n{done.stdout[-3000:]}", file=sys.stderr)
        sys.exit(2)


def prepare(folder, bugs):
    """Makes a clone with the working tree's files, configured like the launcher does."""
    shutil.rmtree(folder / "tree", ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    must(["git", "clone", "-q", ROOT, "tree"], folder)
    tree = folder / "tree"
    for file in {bug.file for bug in bugs}:
        shutil.copy(ROOT / file, tree / file)
    ccache = ["-DCMAKE_C_COMPILER_LAUNCHER=ccache", "-DCMAKE_CXX_COMPILER_LAUNCHER=ccache"]
    must(["cmake", "--preset", "release", *(ccache if shutil.which("ccache") else [])], tree)
    return tree


def failed_tests(tree, target, tests, jobs):
    """Returns names of short tests that fail; code that does not compile (an assertion of the linter) counts as well."""
    build = tree / "build" / "release"
    built = call(["cmake", "--build", build, "-j", jobs, "--target", target], tree)
    if built.returncode:
        return ["the build"]
    done = call(["ctest", "-j", jobs, "-LE", "slow", "-R", tests, "--stop-on-failure"], build)
    if "No tests were found" in done.stdout:
        print(f"planted.py: no test is named {tests}", file=sys.stderr)
        sys.exit(2)
    # Several tests may be running when the first fails.
    return re.findall(r"\d+ - (.*?) \((?:Failed|Timeout|Subprocess aborted|SEGFAULT|Not Run).*\)", done.stdout)


def plant(tree, bug):
    file = tree / bug.file
    text = file.read_text()
    if text.count(bug.old) != 1:
        print(f"planted.py: {bug.file}: '{bug.old}' does not stand there once", file=sys.stderr)
        sys.exit(2)
    file.write_text(text.replace(bug.old, bug.new, 1))
    return text


def caught_by(tree, bug, jobs):
    """The first test that fails, or NOTHING."""
    text = plant(tree, bug)
    wrong = failed_tests(tree, bug.first, f"^{bug.first}:", jobs) or failed_tests(tree, "all", ".", jobs)
    (tree / bug.file).write_text(text)
    return f'"{wrong[0]}"' if wrong else NOTHING


def places():
    """Checks that the text that a bug changes occurs once in its file; the lists must follow the sources."""
    lost, count = [], 0
    for name in sorted(p.stem for p in (ROOT / "tests" / "planted").glob("*.json")):
        for bug in read_bugs(name):
            count += 1
            if (ROOT / bug.file).read_text().count(bug.old) != 1:
                lost.append(f"{name}: {bug.what}: {bug.file}")
    print("\n".join([*lost, f"{count} bugs, {len(lost)} without a place"]))
    sys.exit(bool(lost) or not count)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--list", default="tuned", help="NAME of tests/planted/NAME.json (tuned)")
    parser.add_argument("--folder", type=pathlib.Path, default=ROOT / "build" / "planted")
    parser.add_argument("--least", type=int, help="number of bugs that must be caught (nine of ten)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--again", action="store_true", help="ignore the results of earlier runs")
    parser.add_argument("--places", action="store_true", help="only check that the place of each bug exists")
    parser.add_argument("word", nargs="*", help="plant only bugs whose description contains one of the words")
    options = parser.parse_args()
    if options.places:
        places()
    bugs = [b for b in read_bugs(options.list) if not options.word or any(w in b.what for w in options.word)]
    kept = options.folder.resolve() / f"{options.list}.tsv"
    if options.again:
        kept.unlink(missing_ok=True)
    known = dict(line.split("\t") for line in kept.read_text().splitlines()) if kept.exists() else {}
    tree = prepare(options.folder.resolve(), bugs)
    for first in sorted({bug.first for bug in bugs if bug.what not in known}):
        wrong = failed_tests(tree, first, f"^{first}:", options.jobs)
        if wrong:
            print(f"planted.py: without a bug {wrong[0]} fails", file=sys.stderr)
            sys.exit(2)
    caught = 0
    print("| bug | file | caught by |\n|---|---|---|", flush=True)
    for bug in bugs:
        if bug.what not in known:
            known[bug.what] = caught_by(tree, bug, options.jobs)
            with kept.open("a") as file:
                file.write(f"{bug.what}\t{known[bug.what]}\n")
        caught += known[bug.what] != NOTHING
        print(f"| {bug.what} | `{bug.file}` | {known[bug.what]} |", flush=True)
    least = options.least if options.least is not None else (9 * len(bugs) + 9) // 10
    print(f"{caught} of {len(bugs)} bugs are caught")
    sys.exit(caught < least)


if __name__ == "__main__":
    main()
