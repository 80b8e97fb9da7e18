"""What is shipped: for Python 3.9, with the standard library alone, typed, installable offline."""

import ast
import base64
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
import zipfile
from typing import List, Optional

from support import ROOT

PACKAGE = ROOT / "python"
SOURCES = sorted(PACKAGE.glob("*/*.py"))


def copy_package(to: str) -> str:
    """Without what other tests' programs write beside it."""
    return str(shutil.copytree(PACKAGE, to, ignore=shutil.ignore_patterns("__pycache__")))


# What the library may import. Short, so that it is also true of Python 3.9, which has no list.
STANDARD = set(
    "__future__ atexit base64 collections datetime enum functools heapq itertools json logging os "
    "random selectors socket ssl threading time types typing urllib uuid weakref".split()
)
OF_EXAMPLES = {"argparse", "sys", "threading"}
OF_BACKEND = {"ast", "gzip", "hashlib", "io", "pathlib", "tarfile", "zipfile"}


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
            if path.parent.name == "backend":
                allowed |= OF_BACKEND
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
    """In a bare venv: pip and what a venv brings of itself, no wheel, nothing of the system's."""

    folder: str
    venv: str
    python: str

    @classmethod
    def setUpClass(cls) -> None:
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = os.path.realpath(folder.name)
        cls.venv = os.path.join(cls.folder, "venv")
        run([python_with_venv(), "-m", "venv", cls.venv])
        cls.python = os.path.join(cls.venv, "bin", "python")

    def setUp(self) -> None:
        self.assertFalse(self.has("wheel"))
        self.assertFalse(self.has("pinion"))

    def inside(self, code: str) -> str:
        return run([self.python, "-c", code], cwd=self.folder).strip()

    def has(self, module: str) -> bool:
        return self.inside(f"import importlib.util as u; print(u.find_spec('{module}'))") != "None"

    def install(self, *what: str) -> None:
        pip = [self.python, "-m", "pip", "--disable-pip-version-check", "install", "--quiet"]
        self.addCleanup(self.remove, "pinion")
        run([*pip, "--no-index", *what])

    def remove(self, name: str) -> None:
        run([self.python, "-m", "pip", "uninstall", "--quiet", "--yes", name])

    def check_it_is_there(self, where: str) -> None:
        code = (
            "import os, myqueue, pinion; from importlib.metadata import version; "
            "here = [os.path.dirname(m.__file__) for m in (pinion, myqueue)]; "
            "assert all(os.path.exists(os.path.join(h, 'py.typed')) for h in here), here; "
            "assert version('pinion') == pinion.__version__; print(*here)"
        )
        for here in self.inside(code).split():
            self.assertTrue(here.startswith(os.path.realpath(where)), here)

    def test_pip_installs_it_offline_and_leaves_the_sources_as_they_were(self) -> None:
        before = sorted(path for path in PACKAGE.rglob("*") if "__pycache__" not in path.parts)
        self.install("--no-build-isolation", str(PACKAGE))
        self.check_it_is_there(self.venv)
        after = sorted(path for path in PACKAGE.rglob("*") if "__pycache__" not in path.parts)
        self.assertEqual(before, after)

    def test_also_with_build_isolation(self) -> None:
        self.install(str(PACKAGE))
        self.check_it_is_there(self.venv)

    def test_also_without_setuptools(self) -> None:
        self.remove("setuptools")
        self.install("--no-build-isolation", str(PACKAGE))
        self.check_it_is_there(self.venv)

    def test_also_from_its_source_archive(self) -> None:
        code = "import sys; sys.path.insert(0, sys.argv[1]); import pinion_build as b; "
        code += "print(b.build_sdist('.'))"
        archive = run([self.python, "-c", code, str(PACKAGE / "backend")], cwd=self.folder).strip()
        self.install("--no-build-isolation", os.path.join(self.folder, archive))
        self.check_it_is_there(self.venv)

    def test_what_it_needs_and_what_lies_deeper_is_packed_and_the_same_every_time(self) -> None:
        source = pathlib.Path(copy_package(os.path.join(self.folder, "changed")))
        (source / "pinion" / "deeper").mkdir()
        (source / "pinion" / "deeper" / "one.py").write_text("")
        project = source / "pyproject.toml"
        given = "# [of\ndependencies = [\n    'six>=1',  # ]\n]\n"
        text = project.read_text("utf-8").replace("dependencies = []\n", given)
        project.write_text(text, "utf-8")
        code = "import sys; sys.path.insert(0, sys.argv[1]); import pinion_build as b; "
        code += "import time; print(b.build_wheel('.')); print(b.build_sdist('.')); "
        code += "one = open(b.build_sdist('.'), 'rb').read(); time.sleep(1.1); "
        code += "assert one == open(b.build_sdist('.'), 'rb').read()"
        built = run([self.python, "-c", code, str(source / "backend")], cwd=self.folder)
        with zipfile.ZipFile(os.path.join(self.folder, built.split()[0])) as wheel:
            self.assertIn("pinion/deeper/one.py", wheel.namelist())
            (about,) = (each for each in wheel.namelist() if each.endswith("/METADATA"))
            self.assertIn("\nRequires-Dist: six>=1\n", wheel.read(about).decode())

    def test_also_to_be_edited(self) -> None:
        source = copy_package(os.path.join(self.folder, "source"))
        self.install("--no-build-isolation", "--editable", source)
        self.check_it_is_there(source)

    def test_what_the_wheel_lists_is_what_is_in_it(self) -> None:
        code = "import sys; sys.path.insert(0, sys.argv[1]); import pinion_build as b; "
        code += "print(b.build_wheel('.'))"
        name = run([self.python, "-c", code, str(PACKAGE / "backend")], cwd=self.folder).strip()
        with zipfile.ZipFile(os.path.join(self.folder, name)) as wheel:
            (record,) = (each for each in wheel.namelist() if each.endswith("/RECORD"))
            lines = wheel.read(record).decode().splitlines()
            self.assertEqual(sorted(line.split(",")[0] for line in lines), sorted(wheel.namelist()))
            for line in lines:
                path, listed, size = line.split(",")
                if path == record:
                    continue
                digest = hashlib.sha256(wheel.read(path)).digest()
                self.assertEqual(listed, "sha256=" + base64.urlsafe_b64encode(digest).decode()[:-1])
                self.assertEqual(int(size), len(wheel.read(path)))


def python_with_venv() -> str:
    """This Python, or else the system's: one that can make a venv with pip in it."""
    for python in (sys.executable, "/usr/bin/python3"):
        found = subprocess.run([python, "-c", "import ensurepip, venv"], capture_output=True)
        if found.returncode == 0:
            return python
    raise AssertionError("missing: apt-get install python3-venv")


def run(command: List[str], cwd: Optional[str] = None) -> str:
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("PIP_", "PYTHON"))}
    done = subprocess.run(command, cwd=cwd, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError(f"{command} failed:\n{done.stdout}\n{done.stderr}")
    return done.stdout


if __name__ == "__main__":
    unittest.main()
