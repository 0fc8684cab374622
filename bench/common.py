# SPDX-License-Identifier: Apache-2.0
"""What the benchmarks share: where the program and the models are, one run, one table."""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
# A benchmark may import one of any folder of bench/.
sys.path += [str(ROOT / "bench" / name) for name in ("cycles", "silicon", "published", "speed")]
SHARED = pathlib.Path(os.environ.get("TRINE_SHARED", ROOT.parent / "shared"))
REFUSED = 2  # exit code for bad input


def help_of(text):
    """Prints it where it is asked for, before modules are imported that may not be here."""
    if {"-h", "--help"} & set(sys.argv[1:]):
        print(text)
        sys.exit(0)


def program():
    """$TRINE_PROGRAM, else what ./trine has built; ./trine builds it on the way."""
    return os.environ.get("TRINE_PROGRAM", str(ROOT / "trine"))


def attempt(*arguments):
    """Runs a command. @return its --json, or None where it refuses its input (exit code 2), and the command's message;
    ends the benchmark with that message if anything else is wrong."""
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
    """Whole or not at all, through a temporary that is renamed; what is no plain file (a device, a pipe, where a link
    leads) is written through."""
    target = pathlib.Path(path).resolve()
    if target.exists() and not target.is_file():
        target.write_text(text)
        return
    partial = target.with_name(f"{target.name}.part")
    partial.write_text(text)
    partial.replace(target)


def kept(folder, name, measure):
    """What `measure` gives, a report; with a folder the one that is there already, else it is left there."""
    path = pathlib.Path(folder) / f"{name}.json" if folder else None
    if path and path.exists():
        return json.loads(path.read_text())
    report = measure()
    if path:
        path.parent.mkdir(parents=True, exist_ok=True)
        save(path, json.dumps(report, indent=1))
    return report


def design(config):
    """Options for a design: a preset or file, and keys to set: "edge256 memory.dmem_kib=16"."""
    name, *keys = config.split()
    return ["--config", name, *(word for key in keys for word in ("--set", key))]


def versions():
    """Tools and machine, for the line under a table."""
    def first_line(*command):
        return subprocess.run(command, stdout=subprocess.PIPE, text=True).stdout.splitlines()[0]
    revision = first_line("git", "-C", str(ROOT), "rev-parse", "--short", "HEAD")
    return f"{first_line('verilator', '--version')}; {first_line('yosys', '-V')}; revision {revision}"


def table(head, rows):
    """Markdown; text to the left, numbers to the right."""
    print("| " + " | ".join(head) + " |")
    right = [not isinstance(cell, str) or cell[:1].isdigit() for cell in rows[0]]
    print("|" + "|".join("---:" if r else "---" for r in right) + "|")
    for row in rows:
        print("| " + " | ".join(f"{c:,}" if isinstance(c, int) else str(c) for c in row) + " |")
    print()


def percent(part, whole):
    return f"{100 * part / whole:.1f} %"
