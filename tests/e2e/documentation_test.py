"""What the documentation quotes of the program is what the program says.

`documentation_test.py --write` writes it anew.
"""

import json
import os
import re
import subprocess
import sys
import unittest

from browser import HERE
from documented import STATUSES
from harness import WHICHHOP

ROOT = os.path.normpath(os.path.join(HERE, "..", ".."))


def explain(*arguments):
    return subprocess.run([WHICHHOP, "explain", *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout


def table_of_rows():
    lines = ["| row | | cause | reporter | cleared |", "|---|---|---|---|---|"]
    for status in STATUSES:
        for row in json.loads(explain(str(status), "--json")):
            cause, cleared = (", ".join(row[name]) or "-" for name in ("cause", "cleared"))
            lines.append(f"| {row['row']} | {row['phrase']}: {row['says']} | {cause} | {row['reporter']} | {cleared} |")
    return "\n".join(lines) + "\n"


def terminal():
    lines = ["$ whichhop explain 502A", *explain("502A").splitlines()]
    return "".join(f"    {line}".rstrip() + "\n" for line in lines)


# file, and what stands between `<!-- name -->` and `<!-- end -->` in it.
QUOTED = {"rows": ("diagnostics/README.md", table_of_rows), "explain": ("README.md", terminal)}


def place(name, text):
    """The match of what stands there, its marks left out."""
    return re.search(rf"(?<=<!-- {name} -->\n\n).*?(?=\n<!-- end -->)", text, re.S)


class Documentation(unittest.TestCase):
    def test_what_is_quoted_is_current(self):
        for name, (path, make) in QUOTED.items():
            with self.subTest(path), open(os.path.join(ROOT, path), encoding="utf-8") as file:
                self.assertEqual(place(name, file.read())[0], make())

    def test_pictures_that_are_shown_are_there_and_small(self):
        with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
            shown = re.findall(r'(?:\]\(|src=")(\.github/[^)"]*\.png)', file.read())
        self.assertEqual(len(shown), 3)
        for path in shown:
            self.assertLess(os.path.getsize(os.path.join(ROOT, path)), 150 * 1024)


def write():
    for name, (path, make) in QUOTED.items():
        path = os.path.join(ROOT, path)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        found = place(name, text)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text[:found.start()] + make() + text[found.end():])


if __name__ == "__main__":
    write() if sys.argv[1:] == ["--write"] else unittest.main()
