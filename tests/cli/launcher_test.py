#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Tests the launcher in copied, moved and read-only trees, with cmake and ninja that only record their arguments; and
the tool in a copied tree and after cmake --install.

usage: launcher_test.py --build FOLDER     $TRINE_PROGRAM is the tool
"""
import argparse
import filecmp
import os
import pathlib
import pty
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
import harness  # noqa: E402

TOOL = os.environ.get("TRINE_PROGRAM", "")
NOBODY = 65534
STUBS = {
    "dpkg-query": 'echo "${@:4}" >"$CALLS.packages"; for package in "${@:4}"; do echo "$package install ok installed"; done',
    "cmake": """
echo "$*" >>"$CALLS"
if [[ $1 == --preset ]]; then
  mkdir -p build/release && touch build/release/build.ninja
  echo "CMAKE_HOME_DIRECTORY:INTERNAL=$PWD" >build/release/CMakeCache.txt
elif [[ $1 == --build ]]; then
  mkdir -p "$2/tools/cli" && printf '#!/bin/sh\\necho tool "$@"\\n' >"$2/tools/cli/trine"
  chmod +x "$2/tools/cli/trine" && touch "$2/built" && echo '[1/2] Building CXX object a.o'
fi""",
    "ninja": '[[ -f $2/built ]] && echo "ninja: no work to do." || echo "[1/1] a"',
}


CATCH = next(f"/usr/include/catch2/{name}.hpp" for name in ("catch_all", "catch")
             if pathlib.Path(f"/usr/include/catch2/{name}.hpp").exists())  # from Debian 13 or 12
# Commands of the build and the tool, then commands that only some subcommands need; a minimal Debian contains none of
# them.
TOOL_COMMANDS = ["g++", "make", "cmake", "ninja", "ccache", "verilator", "yosys", "flatc", "time"]
MORE_COMMANDS = {"synth": ["sta"], "sweep": ["gnuplot"], "soc": ["riscv64-unknown-elf-gcc", "curl"], "models": ["curl"],
                 "build": ["sta", "iverilog", "vvp", "curl", "riscv64-unknown-elf-gcc", "gnuplot",
                           "/usr/include/pybind11/pybind11.h", CATCH]}


def named_paths():
    """Returns paths below the root that sources of the tool name: project_root() / "a" / "b"."""
    tests = re.compile(r"_test\.cpp$|^tests/|^tb/")
    files = subprocess.check_output(["git", "-C", harness.ROOT, "grep", "-lE", r"project_root\(\) */", "--", "*.cpp"], text=True).split()
    named = {"/".join(re.findall(r'"([^"]+)"', path)) for file in files if not tests.search(file)
             for path in re.findall(r'project_root\(\)((?:\s*/\s*"[^"]+")+)', (harness.ROOT / file).read_text())}
    assert len(named) > 10, named
    return named - {"models/published"}  # written by `trine models --get`


def package_of(command):
    """Returns the Debian package that contains a command or file, or None if it is not installed."""
    found = pathlib.Path(shutil.which(command) or command)
    for file in (found, found.resolve(), pathlib.Path("/usr") / str(found).lstrip("/")):
        done = subprocess.run(["dpkg", "-S", file], capture_output=True, text=True)
        if done.returncode == 0:
            return done.stdout.split(":")[0]
    return None


class Launcher(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.top = pathlib.Path(self.folder.name)
        self.top.chmod(0o755)
        self.tree, self.calls = self.top / "tree", self.top / "calls"
        (self.top / "bin").mkdir()
        self.tree.mkdir()
        shutil.copy(harness.ROOT / "trine", self.tree)
        (self.tree / "cmake").mkdir()
        for table in ("components.txt", "packages.txt"):
            shutil.copy(harness.ROOT / "cmake" / table, self.tree / "cmake")
        for name, text in STUBS.items():
            stub = self.top / "bin" / name
            stub.write_text(f"#!/usr/bin/env bash\n{text}\n")
            stub.chmod(0o755)
        self.environment = dict(os.environ, PATH=f"{self.top}/bin:{os.environ['PATH']}", CALLS=str(self.calls))

    def tearDown(self):
        subprocess.run(["chmod", "-R", "u+w", self.top], check=True)
        self.folder.cleanup()

    def run_tool(self, *arguments, **more):
        return subprocess.run([self.tree / "trine", *arguments], env=self.environment, text=True, stdout=subprocess.PIPE,
                              stderr=more.pop("stderr", subprocess.PIPE), **more)

    def configured(self):
        return self.calls.read_text().count("--preset")

    def test_builds_once_and_counts_nothing_in_a_pipe(self):
        for _ in range(2):
            done = self.run_tool("run")
            self.assertEqual((done.returncode, done.stdout), (0, "tool run\n"))
        self.assertEqual(self.configured(), 1)
        self.assertEqual(done.stderr, "")

    @unittest.skipUnless(shutil.which("dpkg"), "the list is one of Debian's packages")
    def test_asks_for_the_packages_of_each_command(self):
        heavy = "gcc-riscv64-unknown-elf"
        self.assertIn(package_of("riscv64-unknown-elf-gcc"), (heavy, None))
        self.assertEqual([c for c in TOOL_COMMANDS if package_of(c) is None], [])
        for command, more in {"run": [], **MORE_COMMANDS}.items():
            (self.tree / "build/release/packages.ok").unlink(missing_ok=True)
            self.run_tool(command)
            asked = pathlib.Path(f"{self.calls}.packages").read_text().split()
            self.assertEqual([c for c in TOOL_COMMANDS + more if package_of(c) not in (None, *asked)], [], command)
            self.assertEqual(heavy in asked, "riscv64-unknown-elf-gcc" in more, command)

    def test_names_missing_programs_without_dpkg(self):
        (self.top / "bin/dpkg-query").unlink()
        for command in ("bash", "awk", "sed", "tr", "sort", "uname", "fold", "readlink", "dirname", "mkdir", "cat"):
            (self.top / "bin" / command).symlink_to(shutil.which(command))
        self.environment["PATH"] = f"{self.top}/bin"
        done = self.run_tool("run")
        self.assertEqual(done.returncode, 2)
        self.assertIn("trine: missing: flatc g++ make pkg-config python3 verilator yosys\n", done.stderr)
        self.assertIn("nlohmann-json", done.stderr)
        (self.top / "bin/uname").unlink()
        (self.top / "bin/uname").write_text("#!/bin/bash\necho Darwin\n")
        (self.top / "bin/uname").chmod(0o755)
        self.assertIn("  brew install ccache cli11 ", self.run_tool("run").stderr)
        self.assertFalse(self.calls.exists())

    def installed_but(self, *missing):
        """Runs the launcher with missing packages, where installing fails, and apt has no lists before its update.

        The release provides clang-19. Returns the launcher's result and the calls of apt-get.
        """
        fetched = self.top / "fetched"
        stubs = {"dpkg-query": f'for p in "${{@:4}}"; do [[ " {" ".join(missing)} " == *" $p "* ]] || echo "$p install ok installed"; done',
                 "apt-cache": f'case $2 in *-19*) [[ ! -e {fetched} ]] || {{ echo "  Candidate: 1"; sleep 0.2; echo "  Version table:"; }} ;; *) echo "  Candidate: (none)" ;; esac',
                 "apt-get": f'[[ $* != *install\\ -y* ]] || echo "$*" >>"$CALLS"; [[ $1 == update ]] && touch {fetched}', "sudo": 'exec "$@"'}
        for name, text in stubs.items():
            (self.top / "bin" / name).write_text(f"#!/usr/bin/env bash\n{text}\n")
            (self.top / "bin" / name).chmod(0o755)
        done = self.run_tool("--yes", "test", "--full", "-N", stdin=subprocess.DEVNULL)
        return done, self.calls.read_text().splitlines()

    def test_one_of_several_alternatives_is_enough(self):
        done, calls = self.installed_but("clang-14")
        self.assertFalse(any("install" in call for call in calls), calls)

    def test_the_alternative_that_the_release_has_is_installed(self):
        done, calls = self.installed_but("clang-14", "clang-19")
        self.assertEqual(done.returncode, 2)
        # Only root fetches missing lists before the names are printed.
        self.assertIn("clang-19\n" if os.geteuid() == 0 else "clang-14\n", done.stderr)
        self.assertEqual([call.split()[-1] for call in calls if "install" in call], ["clang-19"])

    def test_a_component_is_built_when_one_of_its_commands_is_called(self):
        cache = self.tree / "build/release/CMakeCache.txt"
        self.run_tool("run")
        self.assertIn("-DTRINE_COMPONENTS= ", self.calls.read_text())
        cache.write_text(cache.read_text() + "TRINE_COMPONENTS:STRING=\n")
        for command, asked in (("run", None), ("fuzz", "fuzz"), ("help sweep", "sweep"), ("campaign", "all")):
            self.calls.write_text("")
            self.run_tool(*command.split())
            self.assertEqual(re.findall("-DTRINE_COMPONENTS=(.*?) ", self.calls.read_text()), [asked] if asked else [], command)
        cache.write_text(cache.read_text().replace("STRING=", "STRING=soc;llm"))
        self.calls.write_text("")
        self.run_tool("synth")
        self.run_tool("soc")
        self.assertEqual(re.findall("-DTRINE_COMPONENTS=(.*?) ", self.calls.read_text()), ["soc;llm;synth"])

    def test_the_tool_is_built_without_its_tests_until_they_are_asked_for(self):
        self.run_tool("run")
        self.assertIn("-DTRINE_TESTS=OFF", self.calls.read_text())
        with (self.tree / "build/release/CMakeCache.txt").open("a") as cache:
            cache.write("TRINE_TESTS:BOOL=OFF\n")
        self.run_tool("build")
        self.assertIn("-DTRINE_TESTS=ON", self.calls.read_text())

    def test_builds_one_target(self):
        self.assertEqual(self.run_tool("build", "trine_python").returncode, 0)
        self.assertIn("--target trine_python\n", self.calls.read_text())

    def on_terminal(self, *arguments):
        ours, theirs = pty.openpty()
        self.assertEqual(self.run_tool(*arguments, stderr=theirs).returncode, 0)
        os.write(theirs, b"end")
        text = ""
        while not text.endswith("end"):  # a read may return only a part
            text += os.read(ours, 4096).decode()
        os.close(ours), os.close(theirs)
        return text

    def test_counts_steps_on_a_terminal_unless_quiet(self):
        self.assertIn("\r\033[Ktrine: [1/2]", self.on_terminal("run"))
        (self.tree / "build/release/built").unlink()
        self.assertEqual(self.on_terminal("run", "--quiet"), "end")

    def test_a_moved_tree_is_built_anew(self):
        self.run_tool("run")
        (self.tree / "build/release/old_object").touch()
        self.tree.rename(self.top / "moved")
        before, self.tree = self.tree, self.top / "moved"
        done = self.run_tool("run")
        self.assertEqual((done.returncode, done.stdout), (0, "tool run\n"))
        self.assertIn(f"trine: this folder was built as {before}: building anew\n", done.stderr)
        self.assertEqual(self.configured(), 2)
        self.assertFalse((self.tree / "build/release/old_object").exists())

    def test_a_copied_tree_is_built_anew(self):
        self.run_tool("run")
        shutil.copytree(self.tree, self.top / "copy")
        self.tree = self.top / "copy"
        self.assertEqual(self.run_tool("run").returncode, 0)
        self.assertEqual(self.configured(), 2)

    def test_a_tree_that_cannot_be_written(self):
        self.run_tool("run")
        built = self.tree / "build/release/built"

        def as_reader():
            subprocess.run(["chmod", "-R", "a-w,a+rX", self.tree], check=True)
            root = os.geteuid() == 0
            return self.run_tool("run", **({"user": NOBODY, "group": NOBODY, "extra_groups": []} if root else {}))

        done = as_reader()
        self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "tool run\n", ""))
        subprocess.run(["chmod", "-R", "u+w", self.tree], check=True)
        built.unlink()
        done = as_reader()
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertEqual(done.stderr, f"trine: {self.tree} cannot be written and is not built: use a copy, or "
                                      "cmake --install (CONTRIBUTING.md)\n")


class Tool(unittest.TestCase):
    """Tests the program with its own files next to it."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.top = pathlib.Path(self.folder.name)

    def tearDown(self):
        self.folder.cleanup()

    def run_tool(self, program, *arguments):
        done = subprocess.run([program, *arguments], cwd=self.top, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def check_own_preset(self, program, root):
        preset = root / "spec" / "presets" / "edge32.toml"
        preset.write_text("[pipeline]\nrows = 1\n")
        self.run_tool(program, "generate", "--config", "edge32", "--out", "changed")
        self.assertIn("[pipeline]\nrows = 1\n", (self.top / "changed/config.toml").read_text())

    def test_a_copied_tree_uses_its_own_files(self):
        tree = self.top / "copy"
        for name in ("spec", "rtl", "docs"):
            shutil.copytree(harness.ROOT / name, tree / name)
        shutil.copytree(harness.ROOT / "sw/runtime", tree / "sw/runtime")
        shutil.copy(harness.ROOT / "LICENSE", tree)
        (tree / "build").mkdir()
        shutil.copy(TOOL, tree / "build")
        self.check_own_preset(tree / "build" / pathlib.Path(TOOL).name, tree)

    def test_an_installation_needs_nothing_else(self):
        subprocess.run(["cmake", "--install", BUILD, "--prefix", self.top / "first"], check=True, stdout=subprocess.DEVNULL)
        (self.top / "first").rename(self.top / "moved")
        program, share = self.top / "moved/bin/trine", self.top / "moved/share/trine"
        for name, tool in (("theirs", TOOL), ("ours", program)):
            self.run_tool(tool, "generate", "--config", "edge32", "--out", name)
        compared = filecmp.dircmp(self.top / "theirs", self.top / "ours")
        self.assertEqual((compared.left_only, compared.right_only, compared.diff_files), ([], [], []))
        for name in ("sim/rtl/shim.cpp", "sim/rtl/abi.h", "sim/rtl/memory.h", "sim/rtl/inject.vlt", *named_paths()):
            self.assertTrue((share / name).exists(), name)
        self.assertIn("1 of 1 vector", self.run_tool(program, "run", "--config", "edge32", "--backend", "arch",
                                                     share / "models/lenet_mnist.tflite"))
        self.check_own_preset(program, share)


    def test_the_installed_driver_is_found(self):
        prefix, use = self.top / "prefix", self.top / "use.c"
        subprocess.run(["cmake", "--install", BUILD, "--prefix", prefix, "--component", "trine_runtime"], check=True,
                       stdout=subprocess.DEVNULL)
        use.write_text("#include <trine_runtime.h>\n#include <stdio.h>\n"
                       "int main(void) { puts(trine_strerror(TRINE_E_STATE)); return 0; }\n")
        flags = subprocess.check_output(["pkg-config", "--cflags", "--libs", "trine-runtime"], text=True,
                                        env=dict(os.environ, PKG_CONFIG_PATH=f"{prefix}/lib/pkgconfig")).split()
        subprocess.run(["gcc", "-std=c99", use, *flags, "-o", self.top / "by_pkg_config"], check=True)
        (self.top / "CMakeLists.txt").write_text("cmake_minimum_required(VERSION 3.20)\nproject(use C)\nfind_package(Trine REQUIRED)\n"
                                                 "add_executable(use use.c)\ntarget_link_libraries(use Trine::runtime)\n")
        for command in (["-S", self.top, "-B", self.top / "built", f"-DCMAKE_PREFIX_PATH={prefix}"], ["--build", self.top / "built"]):
            subprocess.run(["cmake", *command], check=True, stdout=subprocess.DEVNULL)
        for program in ("by_pkg_config", "built/use"):
            self.assertEqual(subprocess.check_output([self.top / program], text=True), "no program loaded or started\n")


class Bench(unittest.TestCase):
    def test_low_bit_models_need_no_further_tool(self):
        with tempfile.TemporaryDirectory() as folder:
            model = pathlib.Path(folder) / "layer.onnx"
            subprocess.run([sys.executable, "-B", harness.ROOT / "components/benchmarks/lowbit_model.py", model, "--size", "4", "--channels",
                            "32", "--filters", "32"], check=True, env=dict(os.environ, PATH=folder))
            done = subprocess.run([TOOL, "run", "--config", "edge32", "--backend", "arch", model], text=True,
                                  stdout=subprocess.PIPE, check=True)
            self.assertIn("1 of 1 vector bit-exact", done.stdout)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--build", required=True)
    BUILD = parser.parse_args().build
    unittest.main(argv=sys.argv[:1])
