# SPDX-License-Identifier: Apache-2.0
"""The common part of the checks of both plug-ins: data, parallel sessions, the report on a partition."""
import argparse
import json
import pathlib
import sys
import threading

import numpy as np

ROOT = pathlib.Path(__file__).resolve().parents[3]


def shared_options(page):
    """Parses the command line of either script. @param page  its docstring"""
    parser = argparse.ArgumentParser(description=page.splitlines()[0])
    parser.add_argument("library", type=pathlib.Path)
    parser.add_argument("scratch", type=pathlib.Path)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--refused", action="store_true")
    parser.add_argument("--rtl", action="store_true", help="also run one small network on the RTL")
    parser.add_argument("models", type=pathlib.Path, nargs="*")
    return parser.parse_args()


def expect(what, holds, text=""):
    if not holds:
        sys.exit(f"frameworks: {what}: {text}")


def data(shape, dtype, random):
    """Returns random values for networks; whole numbers of 32 and 64 bits are usually table indices."""
    if np.issubdtype(dtype, np.floating):
        return (random.random(shape) * 2 - 1).astype(dtype)
    if dtype in (np.bool_, np.int32, np.int64):
        return random.integers(0, 2, shape).astype(dtype)
    kind = np.iinfo(dtype)
    return random.integers(kind.min, kind.max, shape, endpoint=True, dtype=dtype)


def close(ours, theirs):
    """Returns true for equality except for near ties: at most a few codes, by one step each."""
    if np.array_equal(ours, theirs):
        return True
    a, b = ours.astype(np.float64), theirs.astype(np.float64)
    gaps = np.diff(np.unique(b))
    step = gaps.min() if gaps.size else 1.0
    far = np.abs(a - b)
    small = far <= 4e-7 * np.maximum(1, np.abs(b))  # differences between C libraries
    return bool(np.all(small | (far <= 1.01 * step))) and np.count_nonzero(~small) <= max(8, a.size // 20)


def partition(path):
    """Returns the report, checked for consistency."""
    report = json.loads(pathlib.Path(path).read_text())
    inside = sorted(n for part in report["parts"] for n in part["nodes"])
    left = [node["node"] for node in report["left"]]
    expect("report", len(inside) == report["nodes_on_machine"] and
           sorted(inside + left) == list(range(report["nodes"])), report)
    expect("report", 0 <= report["macs_on_machine"] <= report["macs"], report)
    expect("report", all(node["reason"] for node in report["left"]), report)
    return report


def told(report):
    return (f"{report['nodes_on_machine']} of {report['nodes']} nodes, {report['macs_on_machine']} of {report['macs']} MACs, "
            f"{len(report['parts'])} parts, {report['border_bytes']} bytes over the border")


def at_once(session, threads=4, times=5):
    """Requires that sessions of several threads in parallel give the same as a single one."""
    alone, wrong = session()(), []

    def work():
        for _ in range(times):
            if not np.array_equal(session()(), alone):
                wrong.append(1)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    expect("sessions at once", not wrong, f"{len(wrong)} of {threads * times} differ")


def lock_is_free(run):
    """Requires that another thread can run while the framework runs a network."""
    ticks, done = [0], threading.Event()

    def count():
        while not done.wait(0.0005):
            ticks[0] += 1

    worker = threading.Thread(target=count)
    worker.start()
    before = ticks[0]
    run()
    during = ticks[0] - before
    done.set()
    worker.join()
    expect("Python's lock is held while a network runs", during >= 3, f"{during} steps of another thread")


def resident():
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * 4


def leaks(session, times, allowed):
    """Measures resident KiB that a session leaves, after some that warm up."""
    for _ in range(times // 5):
        session()()
    before = resident()
    for _ in range(times):
        session()()
    each = (resident() - before) / times
    expect("leak", each <= allowed, f"{each:.2f} KiB a session, allowed {allowed}")
    return each
