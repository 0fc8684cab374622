#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Draws the pages from components/benchmarks/results/ (store.py), measures figures again, and shows how old each one is.

usage: refresh.py                           draws all pages, measures nothing
       refresh.py [--only TEXT] FILE.md...  runs the commands of these pages' blocks (with --only those with TEXT),
                                            writes components/benchmarks/results/NAME.json, draws all pages; a failure changes nothing
       refresh.py --list                    each result: command, file; results that take minutes are measured by hand
       refresh.py --age                     commits to what each result measures since its revision
       refresh.py --check                   exit code 1 if a page shows anything else, or a result is older than what it
                                            measures
Only commands that begin with components/benchmarks/ run here. Others, such as ./trine synth, are run by hand, and their figures
written into the file with revision and tools. headlines.py measures commands that take a second.
"""
import re
import shlex
import subprocess
import sys

import common
import store

sys.path.insert(0, str(common.ROOT / "tests" / "house"))
import markdown  # noqa: E402


def documents():
    """Returns the pages with blocks or figures."""
    names = store.git("ls-files", "*.md").split("\n")
    return [name for name in names if (common.ROOT / name).is_file()
            and re.search(r"^<!-- \$ |(?<!`)<!--=", (common.ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)]


def draw():
    """Writes each page again. @return figures that the store does not contain"""
    missing = []
    for name in documents():
        path = common.ROOT / name
        text = path.read_text(encoding="utf-8")
        now, lacks = store.drawn(text)
        missing += [f"{name}: {line}" for line in lacks]
        if now != text:
            common.save(path, now)
            print(f"{name} drawn")
    return missing


def slug(command):
    """Returns the name of a new file of results."""
    script, *rest = command.split()
    words = [re.sub(r"\W+", "_", word).strip("_") for word in rest if word.startswith("--") or word.isalpha()]
    return "_".join([re.sub(r".*/|\.py$", "", script), *words[:2]])


def measure(command):
    print(f"{command} ...", file=sys.stderr)
    done = subprocess.run(shlex.split(command), cwd=common.ROOT, stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        sys.exit(f"{command}: exit code {done.returncode}")
    name, record = store.of_command(command) or (slug(command), {"command": command})
    tools, _, revision = common.versions().rpartition("; revision ")
    output = markdown.wrap(done.stdout.strip(), markdown.COLUMNS).split("\n")
    record = {**record, "revision": revision, "tools": tools, "output": output}
    record.pop("note", None)
    store.save(name, record)


def listed():
    """Returns how each result is measured, a line each."""
    return [f"{record['command']}: components/benchmarks/results/{name}.json" for name, record in store.records().items() if "command" in record]


def ages():
    """Returns [(name, commits or None, line)] of the results that this project measured."""
    found = []
    for name, record in store.records().items():
        if "command" not in record:
            continue
        commits = store.age(record)
        where = f"of {' '.join(record.get('measures', ['all']))} since {record['revision']}"
        found.append((name, commits, f"{name}: {where}: " +
                      ("not in this repository's history" if commits is None else f"{commits} commits")))
    return found


def check():
    found = [fault for name in store.PAGES for fault in store.faults(name)]
    found += [f"{line}: measure again: {store.records()[name]['command']}" for name, commits, line in ages() if commits != 0]
    print("\n".join(found + [f"{len(store.records())} files of results, {len(found)} faults"]))
    return 1 if found else 0


def main(arguments):
    if arguments in (["-h"], ["--help"]):
        print(__doc__.strip())
        return 0
    if arguments == ["--list"]:
        print("\n".join(listed()))
        return 0
    if arguments == ["--age"]:
        print("\n".join(line for _, _, line in ages()))
        return 0
    if arguments == ["--check"]:
        return check()
    only = ""
    if arguments[:1] == ["--only"] and len(arguments) > 2:
        only, arguments = arguments[1], arguments[2:]
    if any(argument.startswith("-") for argument in arguments):
        sys.exit(__doc__)
    for path in arguments:
        with open(path, encoding="utf-8") as file:
            blocks = store.BLOCK.findall(file.read())
        for command in dict.fromkeys(block[1] for block in blocks):
            if only not in command:
                continue
            by_hand = (store.of_command(command) or ("", {}))[1].get("by_hand")
            if by_hand or not command.startswith("components/benchmarks/"):
                print(f"{command}: by hand{': ' + by_hand if by_hand else ''}", file=sys.stderr)
            else:
                measure(command)
    missing = draw()
    print("\n".join(missing))
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
