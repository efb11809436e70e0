"""What the documentation quotes of the program is what the program says.

`documentation_test.py --write` writes it anew.
"""

import os
import re
import sys
import unittest

import documented
import explained
from browser import HERE
from explained import explain

ROOT = os.path.normpath(os.path.join(HERE, "..", ".."))


def table(head, cells):
    """A line of `cells(row, cause, cleared)` for each row of the model."""
    lines = [head, "|---" * (head.count("|") - 1) + "|"]
    for row in explained.rows():
        cause, cleared = (", ".join(row[name]) or "-" for name in ("cause", "cleared"))
        lines.append(f"| {' | '.join(cells(row, cause, cleared))} |")
    return "\n".join(lines) + "\n"


def table_of_rows():
    return table("| row | | cause | reporter | cleared |", lambda row, cause, cleared: (
        row["row"], f"{row['phrase']}: {row['says']}", cause, row["reporter"], cleared))


def short_table():
    return table("| row | | cause | reporter | cleared |", lambda row, cause, cleared: (
        row["row"], row["phrase"], cause, row["reporter"], cleared))


def terminal():
    lines = ["$ whichhop explain 502A", *explain("502A").splitlines()]
    return "".join(f"    {line}".rstrip() + "\n" for line in lines)


# file, and what stands between `<!-- name -->` and `<!-- end -->` in it.
QUOTED = {"rows": ("diagnostics/README.md", table_of_rows), "all rows": ("README.md", short_table),
          "explain": ("README.md", terminal)}


def place(name, text):
    """The match of what stands there, its marks left out."""
    return re.search(rf"(?<=<!-- {name} -->\n\n).*?(?=\n<!-- end -->)", text, re.S)


class Documentation(unittest.TestCase):
    def test_what_is_quoted_is_current(self):
        for name, (path, make) in QUOTED.items():
            with self.subTest(path), open(os.path.join(ROOT, path), encoding="utf-8") as file:
                self.assertEqual(place(name, file.read())[0], make())

    def test_every_row_of_the_model_is_in_the_tables(self):
        ids = [row["row"] for row in explained.rows()]
        self.assertEqual(set(ids), set(documented.ROWS))
        for make in (table_of_rows, short_table):
            self.assertEqual(re.findall(r"(?m)^\| (\d\w+) \|", make()), ids)

    def test_pictures_that_are_shown_are_there_and_small(self):
        with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as file:
            shown = re.findall(r'(?:\]\(|src=")(\.github/[^)"]*\.png)', file.read())
        self.assertEqual(len(shown), 4)
        for path in shown:
            self.assertLess(os.path.getsize(os.path.join(ROOT, path)), 150 * 1024)


def write():
    for name, (path, make) in QUOTED.items():
        path = os.path.join(ROOT, path)
        with open(path, encoding="utf-8") as file:
            text = file.read()
        found = place(name, text)
        text = text[:found.start()] + make() + text[found.end():]
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)


if __name__ == "__main__":
    write() if sys.argv[1:] == ["--write"] else unittest.main()
