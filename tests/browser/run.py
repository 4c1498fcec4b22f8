#!/usr/bin/env python3
"""Runs the browser tests: `python3 tests/browser/run.py [name ...]`.

PROOFBOOK_BINARY names the binary (default target/debug/proofbook); PROOFBOOK_SHOTS=docs/images writes
the screenshots. Names select tests that contain them. Needs Python 3.11 and Debian's chromium.
"""

import sys
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import world  # noqa: E402  (the path comes first)


def main():
    loader = unittest.TestLoader()
    loader.testNamePatterns = [f"*{name}*" for name in sys.argv[1:]] or None
    suite = loader.discover(str(HERE), pattern="test_*.py")
    try:
        result = unittest.TextTestRunner(verbosity=2).run(suite)
    finally:
        world.finish()
    bad = {getattr(test, "test_case", test).id() for test, _ in result.failures + result.errors}
    skipped, failed = len(result.skipped), len(bad)
    print(f"{result.testsRun - skipped - failed} passed, {failed} failed, {skipped} skipped")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
