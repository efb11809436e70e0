"""The markup of every page that people may see: each row's, in each language, for operators and for the public."""

import re
import unittest
from urllib.parse import urlsplit

import explained
import markup
from harness import fetch
from page_cases import Pages

LANGUAGES = ("en", "de")


def page(url, language):
    asked = urlsplit(url)
    return fetch(asked.port, asked.path + ("?" + asked.query if asked.query else ""), host=asked.hostname,
                 fields=(("Accept", "text/html"), ("Accept-Language", language)))


class Markup(unittest.TestCase):
    def test_a_checker_finds_no_fault_in_any_page(self):
        rows = {row["row"] for row in explained.rows()}
        found = {}
        for operators in (False, True):
            with Pages(operators) as pages:
                named = pages.of_rows()
                self.assertEqual(set(named), rows)
                urls = named | {urlsplit(url).path[:40]: url for url in pages.others()}
                for name, url in urls.items():
                    for language in LANGUAGES:
                        response = page(url, language)
                        about = (name, language, "operators" if operators else "public")
                        with self.subTest(about):
                            self.assertEqual(response["Content-Language"], language)
                            self.assertEqual(b'id="evidence"' in response.body, operators)
                            if name in rows:
                                self.assertEqual(re.findall(r' row="(.*?)"', response["Error-Fault"]), [name])
                        found[" ".join(about)] = response.body
        self.assertGreater(len(found), 4 * len(rows))
        for name, faults in markup.faults(found).items():
            with self.subTest(name):
                self.assertEqual(faults, [])


if __name__ == "__main__":
    unittest.main()
