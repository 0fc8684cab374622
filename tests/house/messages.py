# SPDX-License-Identifier: Apache-2.0
"""Prints the texts of the C++ sources that a user may see, for a person to read.

  messages.py [FOLDER...]

Each line is FILE:LINE: TEXT, sorted by file. A text is a string literal with at least two words; adjacent literals are
joined, and placeholders stay as they are. Tests and comments are left out. The program does not know the functions that
print, so that the list also contains other literals with several words, such as lines of emitted files.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ("base", "machine", "gen", "sim", "synth", "soc", "sw", "tools", "python")
TOKEN = re.compile(
    r"""
    //[^\n]* | /\*.*?\*/                                          # comments
  | R"(?P<mark>[^()\s"]*)\((?P<raw>.*?)\)(?P=mark)"               # raw literals
  | "(?P<text>(?:[^"\\\n]|\\.)*)"                                 # literals
  | '(?:[^'\\\n]|\\.)+'                                           # characters
  | \#\s*include[^\n]* | \s+ | [A-Za-z0-9_]+(?:'[0-9]+)* | .""", re.VERBOSE | re.DOTALL)
WORDS = re.compile(r"[A-Za-z]{2}.* .*[A-Za-z]{2}", re.DOTALL)


def texts(source):
    """Returns the line and the text of each run of adjacent string literals."""
    found, parts, begin, line = [], [], 0, 1
    for token in TOKEN.finditer(source):
        text = token["text"] if token["text"] is not None else token["raw"]
        if text is not None:
            begin = begin if parts else line
            parts.append(text)
        elif parts and not token[0].isspace() and not token[0].startswith(("//", "/*")):
            found.append((begin, "".join(parts)))
            parts = []
        line += token[0].count("\n")
    return found


def main():
    listed = subprocess.run(["git", "ls-files", *(sys.argv[1:] or FOLDERS)],
                            cwd=ROOT, check=True, capture_output=True, text=True)
    for name in sorted(listed.stdout.split()):
        path = pathlib.Path(name)
        if path.suffix not in (".cpp", ".h", ".c") or "tests" in path.parts or path.stem.endswith("_test"):
            continue
        for line, text in texts((ROOT / path).read_text()):
            if WORDS.search(text):
                print(f"{name}:{line}: " + text.replace("\n", "\\n"))


if __name__ == "__main__":
    main()
