#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs the README's commands on fresh Debian systems: each release in a new folder that contains only git.

usage: distro_test.py [--release NAME]... [--folder DIR] [COMMAND]...
COMMAND is the part after ./trine --yes: by default demo and test, one argument each ("test --all"). Releases are
bookworm and trixie; sid on request. Needs root and mmdebstrap (Debian's package). The last commit is tested. The
systems stay in DIR (build/distro), where a second run finds their packages; remove it to start from scratch.

Prints for each command its minutes (wall and processor), its outcome and the tests that were skipped, and the last
lines of the first command that fails. Exit code 1 if one fails, 77 (skipped) if this user is not root or mmdebstrap
is missing.
"""
import argparse
import os
import pathlib
import re
import resource
import shlex
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from harness import ROOT, SKIPPED  # noqa: E402

RELEASES = ("bookworm", "trixie", "sid")
MIRROR = "http://deb.debian.org/debian"
# Mounted in the system, and unmounted when the process ends.
INSIDE = """set -e
mount --bind "$1" "$1"
for folder in proc sys dev; do mount --rbind /$folder "$1/$folder"; done
system=$1 command=$2
shift 2
exec chroot "$system" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin LANG=C.UTF-8 "$@" sh -c "$command"
"""
# Uses this computer's certificates, in case a proxy signs with its own.
CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
NETWORK = ("SSL_CERT_FILE", "PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "http_proxy", "https_proxy", "no_proxy",
           "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
SKIPPED_TEST = re.compile(r"\(Skipped\)|\*\*\*Skipped")  # ctest's lines


def inside(system, command, **options):
    network = [f"{name}={os.environ[name]}" for name in NETWORK if name in os.environ]
    return subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-c", INSIDE, "sh", system, command,
                           *network], stdin=subprocess.DEVNULL, **options)


def make(system, release):
    """Makes the smallest system that contains git, unless it already exists."""
    if (system / "etc/debian_version").exists():
        return
    system.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", "--include=ca-certificates,git", release, system, MIRROR],
                   check=True)


def clone(system):
    """Clones this repository's last commit, like a user."""
    shutil.rmtree(system / "root/trine", ignore_errors=True)
    subprocess.run(["git", "clone", "--quiet", "--no-hardlinks", ROOT, system / "root/trine"], check=True)
    for file in filter(os.path.exists, ("/etc/resolv.conf", CERTIFICATES)):
        (system / file[1:]).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(file, system / file[1:])


def minutes():
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (usage.ru_utime + usage.ru_stime) / 60


def run(system, command):
    """Returns (wall minutes, processor minutes, exit code); the output is in COMMAND.log next to the system."""
    log = system.parent / f"{system.name}_{'_'.join(command.split())}.log"
    began, used = time.monotonic(), minutes()
    with log.open("w") as out:
        done = inside(system, f"cd /root/trine && ./trine --yes {command}", stdout=out, stderr=subprocess.STDOUT)
    return (time.monotonic() - began) / 60, minutes() - used, done.returncode, log


def try_release(folder, release, commands):
    """Prints a line for each command. @return true if all succeeded"""
    system = folder.resolve() / release
    make(system, release)
    clone(system)
    for command in commands:
        wall, used, code, log = run(system, command)
        print(f"{release:<10} ./trine --yes {command:<12} {wall:7.1f} min {used:7.1f} processor min   "
              f"{'ok' if code == 0 else f'exit code {code}'}", flush=True)
        lines = log.read_text(errors="replace").splitlines()
        print("".join(f"  {line}\n" for line in lines if SKIPPED_TEST.search(line)), end="")
        if code:
            print("".join(f"  {line}\n" for line in lines[-30:]))
            return False
    return True


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--release", action="append", choices=RELEASES)
    parser.add_argument("--folder", type=pathlib.Path, default=ROOT / "build" / "distro")
    parser.add_argument("command", nargs="*",
                        help=f"command of ./trine --yes, such as {shlex.quote('demo')} or {shlex.quote('test')}")
    options = parser.parse_args()
    if os.geteuid() != 0 or not shutil.which("mmdebstrap"):
        print("SKIPPED: needs root and mmdebstrap (Debian's package)")
        return SKIPPED
    good = [try_release(options.folder, release, options.command or ["demo", "test"])
            for release in options.release or RELEASES[:2]]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
