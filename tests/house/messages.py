# SPDX-License-Identifier: Apache-2.0
"""Prints the texts of the C++ sources that a user may see, for a person to read.

  messages.py [FOLDER...]

Each line is FILE:LINE: TEXT, sorted by file, as language_test.py reads them: a string literal with at least two words;
adjacent literals are joined, and placeholders stay as they are. Tests and comments are left out. The program does not
know the functions that print, so that the list also contains other literals with several words, such as lines of
emitted files.
"""
import sys

import language_test

FOLDERS = ("components", "gen", "sim", "spec", "sw", "synth", "tools")


def main():
    folders = tuple(f"{folder.rstrip('/')}/" for folder in sys.argv[1:] or FOLDERS)
    for name in language_test.files(language_test.ROOT):
        if name.startswith(folders):
            for block in language_test.blocks(name, (language_test.ROOT / name).read_text(errors="replace")):
                if block.kind == "text":
                    print(f"{name}:{block.lines[0]}: " + block.text.replace("\n", "\\n"))


if __name__ == "__main__":
    main()
