#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Checks that calls between the repository's Python scripts have the arguments that the functions take. Scripts that make
models and vectors need packages of some GB, so no test runs them.

usage: calls_test.py
"""
import ast
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]


def sources():
    names = subprocess.run(["git", "ls-files", "*.py"], cwd=ROOT, text=True, stdout=subprocess.PIPE, check=True).stdout.split()
    return {ROOT / name: ast.parse((ROOT / name).read_text()) for name in names}


def functions(tree):
    """Returns a module's functions by name, without those that take any keywords or are decorated."""
    return {node.name: node.args for node in tree.body
            if isinstance(node, ast.FunctionDef) and not node.args.kwarg and not node.decorator_list}


def called(tree, path, modules):
    """Yields calls, and the signatures of which each should have one: scripts of one name stand in several folders."""
    def of(module):
        own = [found for folder, found in modules.get(module, []) if folder == path.parent]
        return own or [found for _, found in modules.get(module, [])]

    named = {name: [args] for name, args in functions(tree).items()}
    imported = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            imported.update({a.asname or a.name: of(a.name) for a in node.names})
        if isinstance(node, ast.ImportFrom):
            named.update({a.asname or a.name: [found[a.name] for found in of(node.module) if a.name in found] for a in node.names})
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        if isinstance(node.func, ast.Name):
            yield node, node.func.id, named.get(node.func.id, [])
        elif isinstance(node.func, ast.Attribute) and isinstance(node.func.value, ast.Name):
            name = node.func.attr
            yield node, name, [found[name] for found in imported.get(node.func.value.id, []) if name in found]


def problem(call, args):
    """Returns what is wrong with a call, or None."""
    if any(isinstance(a, ast.Starred) for a in call.args) or any(k.arg is None for k in call.keywords):
        return None
    places = [a.arg for a in args.posonlyargs + args.args]
    allowed = set(places) | {a.arg for a in args.kwonlyargs}
    unknown = [k.arg for k in call.keywords if k.arg not in allowed]
    if unknown:
        return f"{unknown[0]}: not an argument, allowed {', '.join(sorted(allowed))}"
    if len(call.args) > len(places) and not args.vararg:
        return f"{len(call.args)} arguments by place, allowed {len(places)}"
    given = set(places[:len(call.args)]) | {k.arg for k in call.keywords}
    needed = places[:len(places) - len(args.defaults)] + [a.arg for a, d in zip(args.kwonlyargs, args.kw_defaults) if d is None]
    missing = [name for name in needed if name not in given]
    return f"{missing[0]}: missing" if missing else None


def main():
    trees = sources()
    modules = {}
    for path, tree in trees.items():
        modules.setdefault(path.stem, []).append((path.parent, functions(tree)))
    checked, faults = 0, []
    for path, tree in trees.items():
        for call, name, signatures in called(tree, path, modules):
            checked += bool(signatures)
            found = [problem(call, args) for args in signatures]
            if found and all(found):
                faults.append(f"{path.relative_to(ROOT)}:{call.lineno}: {name}(): {found[0]}")
    print("\n".join([*faults, f"{checked} calls in {len(trees)} scripts, {len(faults)} faults"]))
    sys.exit(1 if faults or checked < 1000 else 0)


if __name__ == "__main__":
    main()
