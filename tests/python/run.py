#!/usr/bin/env python3
"""Runs the Python library's tests: run.py [MODULE ...]. Without arguments, those without processes.

Exits with 0 only when at least one test ran and every one passed: a skipped test is none that
passed. Needs nothing but Python 3.9 or later.
"""

import pathlib
import sys
import unittest

HERE = pathlib.Path(__file__).resolve().parent
# They start real processes, and are run by themselves.
NOT_BY_DEFAULT = ("test_cluster", "test_nginx")


def main() -> int:
    sys.path.insert(0, str(HERE))
    found = sorted(path.stem for path in HERE.glob("test_*.py"))
    names = sys.argv[1:] or [name for name in found if name not in NOT_BY_DEFAULT]
    suite = unittest.defaultTestLoader.loadTestsFromNames(names)
    result = unittest.TextTestRunner(verbosity=1, buffer=False).run(suite)
    bad = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    skipped = len(result.skipped)
    passed = result.testsRun - bad - skipped
    print(f"{passed} passed, {bad} failed, {skipped} skipped")
    return 0 if passed and not bad and not skipped else 1


if __name__ == "__main__":
    sys.exit(main())
