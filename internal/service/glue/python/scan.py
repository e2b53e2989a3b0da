"""Says what Python files import: scan.py TEXTS FILE...

Prints one JSON object: "imports", the top-level modules that the files (.py, or
.py inside .zip, .egg and .whl) name in import statements and in calls of
import_module and __import__ with a literal; "provides", the top-level modules
that archives and further files bring; "texts", which of the comma-separated
TEXTS occur in a file. A file that does not parse says nothing: running it will.
"""

import ast
import json
import os
import sys
import zipfile


def imported(tree):
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for name in node.names:
                yield name.name
        elif isinstance(node, ast.ImportFrom):
            if node.level == 0 and node.module:
                yield node.module
        elif isinstance(node, ast.Call) and node.args:
            called = getattr(node.func, "attr", getattr(node.func, "id", ""))
            first = node.args[0]
            if called in ("import_module", "__import__") and isinstance(first, ast.Constant):
                if isinstance(first.value, str):
                    yield first.value


def sources(path):
    """Yields (name inside, bytes) of each Python file."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name.endswith(".py"):
                    yield name, archive.read(name)
    elif path.endswith(".py"):
        with open(path, "rb") as f:
            yield os.path.basename(path), f.read()


def main():
    wanted = [t for t in sys.argv[1].split(",") if t]
    imports, provides, texts = set(), set(), set()
    for path in sys.argv[2:]:
        for name, source in sources(path):
            provides.add(os.path.splitext(name.split("/")[0])[0])
            texts.update(t for t in wanted if t.encode() in source)
            try:
                tree = ast.parse(source)
            except (SyntaxError, ValueError):
                continue
            imports.update(name.split(".")[0] for name in imported(tree))
    json.dump({"imports": sorted(imports), "provides": sorted(provides), "texts": sorted(texts)}, sys.stdout)
    print()


main()
