#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests the distributed files: a source archive that knows its revision without git, the tool with its libraries, a
Debian package.

usage: packaging_test.py [--full]
$TRINE_PROGRAM is the tool. --full builds the package with dpkg-buildpackage (through ccache) and runs its programs.
"""
import argparse
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from harness import ROOT  # noqa: E402

TOOL = os.environ["TRINE_PROGRAM"]
WITHOUT_GIT = dict(os.environ, GIT_DIR="/nowhere")
VERSION = re.search(r"project\(trine VERSION ([0-9.]+)", (ROOT / "CMakeLists.txt").read_text()).group(1)
LENET = "models/lenet_mnist.tflite"


def run(*command, **more):
    """Returns stdout."""
    done = subprocess.run(list(map(str, command)), text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more)
    assert done.returncode == 0, f"{command}: exit code {done.returncode}\n{done.stdout[-3000:]}"
    return done.stdout


def unpack_archive(folder):
    """Unpacks the tree of `git archive` (or uses this tree if it is unpacked already) below `folder`. Returns tree
    and revision."""
    tree = folder / "trine-source"
    if not (ROOT / ".git").exists():
        shutil.copytree(ROOT, tree, ignore=shutil.ignore_patterns("build"))
        return tree, (ROOT / "cmake" / "revision").read_text().strip()
    run("git", "-C", ROOT, "archive", "--prefix=trine-source/", "-o", folder / "source.tar.gz", "HEAD")
    run("tar", "xzf", folder / "source.tar.gz", "-C", folder)
    return tree, run("git", "-C", ROOT, "rev-parse", "HEAD").strip()


def revision_of(program, folder):
    """Returns the revision in the program's reports."""
    run(program, "estimate", "--config", "edge32", ROOT / LENET, "--json", folder / "out.json", env=WITHOUT_GIT)
    return json.loads((folder / "out.json").read_text())["revision"]


class Packages(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.top = pathlib.Path(self.folder.name)

    def tearDown(self):
        self.folder.cleanup()

    def test_an_archive_without_git_knows_its_revision(self):
        tree, revision = unpack_archive(self.top)
        self.assertRegex(revision, "^[0-9a-f]{40}$")
        self.assertEqual((tree / "cmake" / "revision").read_text().strip(), revision)
        build, prefix = self.top / "build", self.top / "prefix"
        run("cmake", "-G", "Ninja", "-S", tree, "-B", build, "-DTRINE_TESTS=OFF", env=WITHOUT_GIT)
        run("cmake", "--install", build, "--component", "trine_share", "--prefix", prefix, env=WITHOUT_GIT)
        (prefix / "bin").mkdir()
        shutil.copy(TOOL, prefix / "bin/trine")
        self.assertEqual(revision_of(prefix / "bin/trine", self.top), revision)
        (prefix / "share/trine/cmake/revision").write_text("$Format:%H$\n")  # a copy of a clone instead of an archive
        self.assertEqual(revision_of(prefix / "bin/trine", self.top), VERSION)

    def test_the_debian_package_asks_for_what_the_launcher_asks_for(self):
        control, packages = (ROOT / "cmake/debian/control").read_text(), (ROOT / "cmake/packages.txt").read_text()
        built_with = set(re.findall(r"^build +\S+ +(\S+)", packages, re.M))  # the column for Debian
        wanted = re.search(r"^Build-Depends:(.*?)\n\n", control, re.S | re.M).group(1).replace("\n", "").split(", ")
        named = {name.strip() for name in wanted if "debhelper" not in name}
        run_with = set(re.search(r"^Recommends:(.*)", control, re.M).group(1).replace(",", "").split())
        self.assertEqual(named | run_with, built_with - {"ccache", "time"} | {"opensta"})
        self.assertTrue((ROOT / "cmake/debian/changelog").read_text().startswith(f"trine ({VERSION}) "))

    def test_the_scripts_of_commands_are_installed_with_what_they_import(self):
        shared, zoo = (ROOT / "cmake/share.txt").read_text().split(), ROOT / "components/zoo"
        sources = [path.read_text() for part in ("components/accuracy", "tools/cli") for path in (ROOT / part).rglob("*.cpp")]
        needed = set(re.findall(r'\brun\("(\w+)"', " ".join(sources)))
        files = set(re.findall(r'"(components/zoo/[\w.]+)"', " ".join(sources)))
        self.assertLessEqual({"cpu", "quantize", "record", "spikes"}, needed)
        while more := {name for script in needed for name in
                       re.findall(r"^ *(?:import|from) (\w+)", (zoo / f"{script}.py").read_text(), re.M)
                       if (zoo / f"{name}.py").exists()} - needed:
            needed |= more
        self.assertLessEqual(files, set(shared))
        self.assertEqual({f"components/zoo/{name}.py" for name in needed},
                         {name for name in shared if name.startswith("components/zoo/") and name.endswith(".py")})

    def test_the_archive_of_the_tool_brings_its_libraries(self):
        build = pathlib.Path(TOOL).resolve().parents[2]
        run("cmake", "--build", build, "--target", "archive")
        run("tar", "xzf", next(build.glob("trine-*-linux-*.tar.gz")), "-C", self.top)
        tree = next(self.top.iterdir())
        libraries = re.findall(r"(\S+)\.so\S* => (\S+)", run("ldd", tree / "bin/trine", env={"PATH": os.environ["PATH"]}))
        self.assertEqual({name for name, path in libraries if not pathlib.Path(path).resolve().is_relative_to(tree.resolve())},
                         {"libstdc++", "libgcc_s", "libm", "libc"})
        self.assertEqual(list((tree / "share/trine").rglob("tests")), [])
        self.assertIn("1 of 1 vector", run(tree / "bin/trine", "run", "--config", "edge32", "--backend", "arch",
                                           tree / "share/trine" / LENET))

    def test_a_component_that_does_not_exist_is_refused(self):
        done = subprocess.run(["cmake", "-G", "Ninja", "-S", ROOT, "-B", self.top / "build", "-DTRINE_TESTS=OFF",
                               "-DTRINE_COMPONENTS=soc;sock"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertIn("TRINE_COMPONENTS: 'sock' is not a component: use all or some of accuracy", " ".join(done.stderr.split()))

    @unittest.skipUnless("--full" in sys.argv, "minutes")
    def test_the_debian_package_is_built_and_runs(self):
        tree, revision = unpack_archive(self.top)
        cached = {"CCACHE_BASEDIR": str(tree), "CCACHE_NOHASHDIR": "1", "CCACHE_SLOPPINESS": "pch_defines,time_macros",
                  "CMAKE_C_COMPILER_LAUNCHER": "ccache", "CMAKE_CXX_COMPILER_LAUNCHER": "ccache",
                  "CCACHE_DIR": run("ccache", "-k", "cache_dir").strip()}  # debhelper changes HOME
        shutil.copytree(tree / "cmake/debian", tree / "debian")
        run("dpkg-buildpackage", "-us", "-uc", "-b", cwd=tree, env={**WITHOUT_GIT, **cached})
        package, installed = next(self.top.glob("trine_*.deb")), self.top / "installed"
        run("dpkg-deb", "-x", package, installed)
        manifest = [n for n in (ROOT / "cmake/share.txt").read_text().split("\n") if n and not n.startswith("#")]
        self.assertEqual([n for n in manifest if not (installed / "usr/share/trine" / n).exists()], [])
        for name in ("usr/include/trine/trine_runtime.h", "usr/lib/libtrine_runtime.a"):
            self.assertTrue((installed / name).exists(), name)
        self.assertEqual(revision_of(installed / "usr/bin/trine", self.top), revision)
        self.assertIn("1 of 1 vector", run(installed / "usr/bin/trine", "run", "--config", "edge32", "--backend", "arch",
                                           installed / "usr/share/trine" / LENET))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--full", action="store_true", help="also build the Debian package")
    parser.parse_args()
    unittest.main(argv=sys.argv[:1])
