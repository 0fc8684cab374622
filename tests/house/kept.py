#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs a test, unless it passed before and nothing that it read has changed since.

usage: kept.py --folder DIR COMMAND ARGUMENT...

strace lists everything that the command and its children open, execute and search: files of the project, the shared
models, libraries, compilers, folders. A pass is stored in DIR for the command and the variables TRINE_*: its output,
the digest of each file and folder that was read, and whether files exist that were only searched. Ignored are .git
except for its index, temporary files, Trine's cache (its keys are digests of sources that were read), and files that
the command itself wrote.
Exit code: the command's. Without strace the command simply runs.
"""
import argparse
import hashlib
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SHARED = pathlib.Path(os.environ.get("TRINE_SHARED", ROOT.parent / "shared")).resolve()
CACHE = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache"))
IGNORED = tuple(map(str, ("/proc/", "/dev/", "/sys/", f"{tempfile.gettempdir()}/", f"{CACHE}/")))
# A call that names a file, perhaps relative to a folder, and perhaps with a path after its result.
CALL = re.compile(r'(?P<call>\w+)\((?:\w+(?:<(?P<base>[^>]*)>)?, )?"(?P<name>[^"]+)"(?P<rest>.*)\) += '
                  r"(?P<code>-?\d+)(?:<(?P<path>[^>]*)>)?(?: (?P<error>\w+))?")
SECOND = re.compile(r', (?:\w+<(?P<base>[^>]*)>, )?"(?P<name>[^"]+)"')
CHANGES = re.compile(r"rename|unlink|link|symlink|mkdir|rmdir|creat|truncate|mknod")
WRITES = re.compile(r"O_WRONLY|O_RDWR|O_CREAT|O_TRUNC")


def presence(path):
    return "there" if os.path.exists(path) else "none"


def digest(path):
    """Returns a digest of a file's bytes or of the names in a folder, or "none"."""
    path = pathlib.Path(path)
    try:
        data = "\0".join(sorted(os.listdir(path))).encode() if path.is_dir() else path.read_bytes()
    except OSError:
        return "none"
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def calls(trace):
    """Yields (name, path, match) of each call of a process that names a file."""
    folder = os.getcwd()
    for match in map(CALL.match, trace.read_text(encoding="utf-8", errors="replace").splitlines()):
        if match is None:
            continue
        folder = match["base"] if match["base"] and "AT_FDCWD" in match[0] else folder
        path = match["path"] or os.path.normpath(os.path.join(match["base"] or folder, match["name"]))
        if match["call"] == "chdir" and match["code"] == "0":
            folder = path
        yield match["call"], path, match


def inputs(traces):
    """Returns {path: its digest, or whether it exists} of everything that the traced processes depended on."""
    read, sought, written = set(), set(), set()
    for call, path, match in (each for trace in traces for each in calls(trace)):
        opens, done = call.startswith("open"), match["code"] != "-1"
        if CHANGES.match(call) or (opens and WRITES.search(match["rest"])):
            written.add(path)
            if second := SECOND.match(match["rest"]):
                written.add(os.path.normpath(os.path.join(second["base"] or os.path.dirname(path), second["name"])))
        elif done and (opens or call.startswith("execve")):
            read.add(path)
        elif done or match["error"] in ("ENOENT", "ENOTDIR"):
            sought.add(path)
    return {path: state(path) for paths, state in ((sought - read, presence), (read, digest))
            for path in sorted(paths - written) if matters(path)}


def matters(path):
    if path.startswith(f"{ROOT}/.git/"):
        return path.endswith("/index")  # lists the project's files; some tests read it
    own = path.startswith((f"{ROOT}/", f"{SHARED}/"))
    return own or not path.startswith(IGNORED)


def unchanged(record):
    return all((presence if known in ("there", "none") else digest)(path) == known
               for path, known in record["inputs"].items())


def changed_since(start, found):
    """Returns true if a file that was read is younger than the start: the command may have read an earlier version."""
    def age(path):
        try:
            return os.stat(path).st_mtime
        except OSError:
            return 0
    return any(age(path) > start for path, known in found.items() if known not in ("there", "none"))


def traced(command, folder):
    return ["strace", "-ff", "-qq", "-y", "--seccomp-bpf", "-e", "trace=%file", "-e", "signal=none",
            "-o", f"{folder}/t", *command]


def can_trace():
    """Returns false without the package, or in a container that forbids tracing."""
    with tempfile.TemporaryDirectory() as folder:
        return shutil.which("strace") and not subprocess.run(
            traced(["true"], folder), stderr=subprocess.DEVNULL, check=False).returncode


def run(command):
    """Returns (exit code, output, inputs or None)."""
    possible = can_trace()
    # A program under strace cannot search for leaks: it would end with an error.
    environment = {**os.environ, "LSAN_OPTIONS": "detect_leaks=0"} if possible else None
    with tempfile.TemporaryDirectory() as folder:
        process = subprocess.Popen(traced(command, folder) if possible else command, stdout=subprocess.PIPE,
                                   stderr=subprocess.STDOUT, text=True, errors="replace", env=environment)
        printed = []
        for line in process.stdout:
            sys.stdout.write(line)
            sys.stdout.flush()
            printed.append(line)
        code = process.wait()
        return code, "".join(printed), inputs(pathlib.Path(folder).iterdir()) if possible else None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    if "--list-test-names-only" in arguments.command:  # ctest asks for the list of tests
        os.execvp(arguments.command[0], arguments.command)
    variables = sorted(item for item in os.environ.items() if item[0].startswith("TRINE_"))
    name = hashlib.blake2b(json.dumps([arguments.command, variables, os.getcwd()]).encode(), digest_size=16).hexdigest()
    kept = arguments.folder / f"{name}.json"
    if kept.exists():
        record = json.loads(kept.read_text(encoding="utf-8"))
        if unchanged(record):
            print(f"{record['printed']}kept: passed before, and none of its {len(record['inputs'])} inputs has changed")
            return 0
        kept.unlink()
    start = time.time()
    code, printed, found = run(arguments.command)
    if code == 0 and found is not None and not changed_since(start, found):
        arguments.folder.mkdir(parents=True, exist_ok=True)
        record = {"command": arguments.command, "printed": printed, "inputs": found}
        temporary = kept.with_suffix(f".{os.getpid()}")
        temporary.write_text(json.dumps(record), encoding="utf-8")
        temporary.rename(kept)
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
