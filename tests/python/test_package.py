"""What is shipped: for Python 3.9, with the standard library alone, typed, installable offline."""

import ast
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from typing import List, Optional

from support import ROOT

PACKAGE = ROOT / "python"
SOURCES = sorted(PACKAGE.glob("*/*.py"))

# What the library may import. Short, so that it is also true of Python 3.9, which has no list.
STANDARD = set(
    "__future__ atexit base64 collections datetime enum functools heapq itertools json logging os "
    "random selectors socket ssl threading time types typing urllib uuid weakref".split()
)
OF_EXAMPLES = {"argparse", "sys", "threading"}


class Sources(unittest.TestCase):
    def test_there_are_some(self) -> None:
        self.assertGreater(len(SOURCES), 10)

    def test_every_file_is_python_3_9(self) -> None:
        for path in SOURCES:
            with self.subTest(path.name):
                ast.parse(path.read_text("utf-8"), str(path), feature_version=(3, 9))

    def test_only_the_standard_library_is_imported(self) -> None:
        for path in SOURCES:
            allowed = STANDARD | {"pinion", "myqueue"}
            if path.parent.name == "examples":
                allowed |= OF_EXAMPLES
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                names = []
                if isinstance(node, ast.Import):
                    names = [alias.name for alias in node.names]
                elif isinstance(node, ast.ImportFrom) and node.level == 0:
                    names = [node.module or ""]
                for name in names:
                    with self.subTest(path.name, name=name):
                        self.assertIn(name.partition(".")[0], allowed)

    def test_every_public_name_is_exported_and_explained(self) -> None:
        import myqueue
        import pinion

        for module in (pinion, myqueue):
            for name in module.__all__:
                with self.subTest(name):
                    self.assertTrue((getattr(module, name).__doc__ or "").strip())

    def test_the_version_is_that_of_the_whole(self) -> None:
        import pinion

        text = (ROOT / "CMakeLists.txt").read_text("utf-8")
        whole = re.search(r"project\(pinion VERSION ([0-9.]+)", text)
        assert whole is not None
        self.assertEqual(pinion.__version__, whole[1])
        self.assertIn(f'version = "{whole[1]}"', (PACKAGE / "pyproject.toml").read_text("utf-8"))

    def test_lines_and_files_are_short(self) -> None:
        for path in [*SOURCES, *pathlib.Path(__file__).parent.glob("*.py")]:
            lines = path.read_text("utf-8").splitlines()
            with self.subTest(path.name):
                self.assertLessEqual(len(lines), 600)
                self.assertLessEqual(max(map(len, lines), default=0), 100)


class Installation(unittest.TestCase):
    def test_pip_installs_it_offline_without_build_isolation(self) -> None:
        python = python_that_builds()
        with tempfile.TemporaryDirectory() as folder:
            # From a copy: a build leaves files beside its sources.
            source = shutil.copytree(PACKAGE, os.path.join(folder, "source"))
            venv = os.path.join(folder, "venv")
            run([python, "-m", "venv", "--system-site-packages", venv])
            inside = os.path.join(venv, "bin", "python")
            pip = [inside, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
            run([*pip, "--no-index", "--no-build-isolation", source])
            code = (
                "import os, myqueue, pinion; here = os.path.dirname(pinion.__file__); "
                "assert os.path.exists(os.path.join(here, 'py.typed')); "
                "there = os.path.dirname(myqueue.__file__); "
                "assert os.path.exists(os.path.join(there, 'py.typed')); print(here)"
            )
            here = run([inside, "-c", code], cwd=folder).strip()
            self.assertTrue(here.startswith(os.path.realpath(venv)), here)


def python_that_builds() -> str:
    """This Python, or else the system's: one that has venv, pip, setuptools and wheel."""
    for python in (sys.executable, "/usr/bin/python3"):
        found = subprocess.run(
            [python, "-c", "import ensurepip, setuptools, venv, wheel"], capture_output=True
        )
        if found.returncode == 0:
            return python
    raise AssertionError("missing: apt-get install python3-venv python3-setuptools python3-wheel")


def run(command: List[str], cwd: Optional[str] = None) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "PYTHON"))}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f"{command} failed:\n{done.stdout}\n{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    unittest.main()
