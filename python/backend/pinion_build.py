"""Builds the package for pip (PEP 517 and 660) with the standard library alone.

So that `pip install --no-build-isolation --no-index ./python` works in any venv, also in one that
has neither wheel nor setuptools. Everything it says of the package stands in pyproject.toml.
"""

from __future__ import annotations

import ast
import base64
import gzip
import hashlib
import io
import pathlib
import tarfile
import zipfile
from typing import Any, Dict, List, Mapping, Optional, Tuple

HERE = pathlib.Path(__file__).resolve().parent.parent
PACKAGES = ("pinion", "myqueue")

Settings = Optional[Mapping[str, Any]]
Contents = List[Tuple[str, bytes]]  # The name in the archive, and what is in it.


def build_wheel(
    wheel_directory: str, config_settings: Settings = None, metadata_directory: Optional[str] = None
) -> str:
    return _write_wheel(wheel_directory, _package_files())


def build_editable(
    wheel_directory: str, config_settings: Settings = None, metadata_directory: Optional[str] = None
) -> str:
    return _write_wheel(wheel_directory, [("__editable__.pinion.pth", f"{HERE}\n".encode())])


def build_sdist(sdist_directory: str, config_settings: Settings = None) -> str:
    project = _project()
    root = f"{project['name']}-{project['version']}"
    files = _package_files()
    for name in ("pyproject.toml", "README.md", "backend/pinion_build.py"):
        files.append((name, (HERE / name).read_bytes()))
    files.append(("PKG-INFO", _metadata(project)))
    path = pathlib.Path(sdist_directory) / f"{root}.tar.gz"
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name, data in files:
            member = tarfile.TarInfo(f"{root}/{name}")
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    # Without the time of the day, so that the same sources make the same archive.
    path.write_bytes(gzip.compress(packed.getvalue(), mtime=0))
    return path.name


def _package_files() -> Contents:
    paths = [path for package in PACKAGES for path in sorted((HERE / package).rglob("*"))]
    return [
        (path.relative_to(HERE).as_posix(), path.read_bytes())
        for path in paths
        if path.suffix == ".py" or path.name == "py.typed"
    ]


def _write_wheel(folder: str, files: Contents) -> str:
    project = _project()
    about = f"{project['name']}-{project['version']}.dist-info"
    kind = "Wheel-Version: 1.0\nGenerator: pinion_build\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    files = [*files, (f"{about}/METADATA", _metadata(project)), (f"{about}/WHEEL", kind.encode())]
    record = "".join(f"{name},sha256={_digest(data)},{len(data)}\n" for name, data in files)
    record += f"{about}/RECORD,,\n"
    path = pathlib.Path(folder) / f"{project['name']}-{project['version']}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in [*files, (f"{about}/RECORD", record.encode())]:
            # With a fixed time, so that the same sources make the same wheel.
            member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_DEFLATED
            member.external_attr = 0o100644 << 16
            archive.writestr(member, data)
    return path.name


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def _metadata(project: Mapping[str, Any]) -> bytes:
    lines = [
        "Metadata-Version: 2.1",
        f"Name: {project['name']}",
        f"Version: {project['version']}",
        f"Summary: {project['description']}",
        f"Requires-Python: {project['requires-python']}",
        *(f"Requires-Dist: {needed}" for needed in project["dependencies"]),
        *(f"Classifier: {classifier}" for classifier in project["classifiers"]),
        "Description-Content-Type: text/markdown",
        "",
        (HERE / str(project["readme"])).read_text("utf-8"),
    ]
    return "\n".join(lines).encode()


def _project() -> Dict[str, Any]:
    """The table [project]. Python 3.9 has no TOML; but strings, and lists of them, are Python."""
    text = (HERE / "pyproject.toml").read_text("utf-8")
    table = text.partition("\n[project]\n")[2].partition("\n[")[0]
    project: Dict[str, Any] = {}
    rest = ""
    for line in table.splitlines():
        if not rest and line.lstrip().startswith("#"):
            continue
        rest += line + "\n"
        key, equals, value = rest.partition("=")
        if equals:
            try:
                project[key.strip()] = ast.literal_eval(value.strip())
            except SyntaxError:
                continue  # A list over several lines.
        rest = ""
    if rest:
        raise ValueError(f"pyproject.toml: this is not understood: {rest}")
    return project
