# SPDX-License-Identifier: Apache-2.0
"""The common part of the tests in Python: the tool, and packages of PyPI in a virtual environment of the build folder."""
import fcntl
import hashlib
import importlib.util
import os
import pathlib
import subprocess
import sys
import venv

ROOT = pathlib.Path(__file__).resolve().parent.parent
SKIPPED = 77  # exit code with which ctest marks a test as skipped


def fail(text):
    print(f"{pathlib.Path(sys.argv[0]).name}: {text}", file=sys.stderr)
    sys.exit(2)


def pip(python):
    """Returns the command of pip for the environment of `python`.

    All environments share one pip, because installing pip takes most of the time to make an environment. `--python`
    requires pip 22.3, which Debian 12 provides."""
    folder = ROOT / "build" / f"pip-{sys.version_info.major}.{sys.version_info.minor}"
    folder.parent.mkdir(exist_ok=True)
    with open(f"{folder}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests run in parallel
        if not (folder / "ready").exists():
            venv.create(folder, with_pip=True, clear=True)
            (folder / "ready").touch()
    return [folder / "bin" / "python3", "-m", "pip", "--disable-pip-version-check", "--python", python]


def new_environment(folder, *packages):
    """Makes a virtual environment with packages (arguments of `pip install`). Returns the exit code of pip."""
    venv.create(folder, with_pip=False, clear=True)
    return subprocess.run([*pip(folder / "bin" / "python3"), "install", "-q", *packages]).returncode


def with_packages(build, requirements, *modules):
    """Continues in an environment in which `modules` can be imported, by starting the program again.

    `requirements` is a file for pip; a changed file makes a new environment in `build`. Without PyPI the test is
    skipped."""
    if all(importlib.util.find_spec(module) for module in modules):
        return
    folder = build / "venv"
    python = folder / "bin" / "python3"
    if sys.prefix == str(folder):
        fail(f"{requirements} does not give {', '.join(modules)}")
    ready = folder / "ready"
    wanted = hashlib.sha256(requirements.read_bytes()).hexdigest()
    if not ready.exists() or ready.read_text() != wanted:
        if new_environment(folder, "-r", requirements) != 0:
            print(f"SKIPPED: pip cannot install {requirements.name} (is PyPI reachable?)")
            sys.exit(SKIPPED)
        ready.write_text(wanted)
    os.execv(python, [str(python), *sys.argv])


def trine(*arguments):
    """Runs the tool: $TRINE_PROGRAM, or the launcher."""
    program = os.environ.get("TRINE_PROGRAM", str(ROOT / "trine"))
    done = subprocess.run([program, *map(str, arguments)], stdout=subprocess.DEVNULL)
    if done.returncode:
        fail(f"trine {' '.join(map(str, arguments))}: exit code {done.returncode}")
