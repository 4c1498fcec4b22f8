"""docs/viewer-tests.md names tests that exist, and every browser test stands in it."""

import re
import unittest

from world import ROOT


class List(unittest.TestCase):
    def test_every_test_named_in_the_list_exists(self):
        named = set(re.findall(r"`((?:test|v\d+)_\w+)`", (ROOT / "docs/viewer-tests.md").read_text()))
        here = "\n".join(file.read_text() for file in (ROOT / "tests/browser").glob("test_*.py"))
        there = "\n".join(file.read_text() for file in (ROOT / "crates").rglob("*.rs") if "target" not in file.parts)
        known = set(re.findall(r"def (test_\w+)", here)) | set(re.findall(r"fn (v\d+_\w+)", there))
        self.assertEqual(sorted(named - known - {"test_products"}), [], "named and not there")
        self.assertEqual(sorted(name for name in re.findall(r"def (test_v\d+_\w+)", here) if name not in named), [], "there and not named")
