# SPDX-License-Identifier: Apache-2.0
"""The common part of the benchmarks: paths of the program and the models, running a command, printing a table."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
# A benchmark may import modules of any folder of components/benchmarks/.
sys.path += [str(ROOT / "components" / "benchmarks" / name) for name in ("cycles", "silicon", "published", "speed")]
SHARED = pathlib.Path(os.environ.get("TRINE_SHARED", ROOT.parent / "shared"))
REFUSED = 2  # exit code for bad input


def help_of(text):
    """Prints the help if requested, before modules are imported that may not be installed."""
    if {"-h", "--help"} & set(sys.argv[1:]):
        print(text)
        sys.exit(0)


def program():
    """Returns $TRINE_PROGRAM, or the launcher ./trine, which builds the program if necessary."""
    return os.environ.get("TRINE_PROGRAM", str(ROOT / "trine"))


def attempt(*arguments):
    """Runs a command. @return its --json, or None if it refuses its input (exit code 2), and the command's message.
    Ends the benchmark with that message on any other error."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "result.json"
        command = [program(), *map(str, arguments), "--quiet", "--json", str(path)]
        done = subprocess.run(command, stderr=subprocess.PIPE, text=True)
        message = f"{' '.join(command[:-3])}: exit code {done.returncode}\n{done.stderr}"
        if done.returncode not in (0, REFUSED):
            sys.exit(message)
        return (json.loads(path.read_text()) if done.returncode == 0 else None), message


def trine(*arguments):
    """Runs a command and returns its --json; ends the benchmark with the command's own message."""
    result, message = attempt(*arguments)
    return sys.exit(message) if result is None else result


def save(path, text):
    """Writes a file completely or not at all, through a temporary file that is renamed; writes directly to a path
    that is not a plain file (a device, a pipe, the target of a link)."""
    target = pathlib.Path(path).resolve()
    if target.exists() and not target.is_file():
        target.write_text(text)
        return
    partial = target.with_name(f"{target.name}.part")
    partial.write_text(text)
    partial.replace(target)


def kept(folder, name, measure):
    """Returns the report of `measure`; with a folder, reuses a report that is stored there, or stores the new one."""
    path = pathlib.Path(folder) / f"{name}.json" if folder else None
    if path and path.exists():
        return json.loads(path.read_text())
    report = measure()
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        save(path, json.dumps(report, indent=1))
    return report


def design(config):
    """Returns the options for a design: a preset or file, and keys to set: "edge256 memory.dmem_kib=16"."""
    name, *keys = config.split()
    return ["--config", name, *(word for key in keys for word in ("--set", key))]


def versions():
    """Returns the versions of tools and computer, for the line under a table."""
    def first_line(*command):
        return subprocess.run(command, stdout=subprocess.PIPE, text=True).stdout.splitlines()[0]
    revision = first_line("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD")
    return f"{first_line('verilator', '--version')}; {first_line('yosys', '-V')}; revision {revision}"


def table(head, rows):
    """Prints a Markdown table; text is left-aligned, numbers are right-aligned."""
    print("| " + " | ".join(head) + " |")
    right = [not isinstance(cell, str) or cell[:1].isdigit() for cell in rows[0]]
    print("|" + "|".join("---:" if r else "---" for r in right) + "|")
    for row in rows:
        print("| " + " | ".join(f"{c:,}" if isinstance(c, int) else str(c) for c in row) + " |")
    print()


def percent(part, whole):
    return f"{100 * part / whole:.1f} %"
