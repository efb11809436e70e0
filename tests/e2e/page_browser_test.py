"""The page of every row in a real browser: what is painted, and what tools that are not ours find in it."""

import re
import unittest

import explained
from browser import visit
from harness import PATIENCE, Proxy, RawOrigin, yaml_for
from page_cases import HOSTILE, HOSTILE_HOST, Pages

SCHEMES = ("light", "dark")
WIDTHS = (360, 1280)
WORDS = {"en": {"cause": "✗ cause", "reporter": "! reporter", "cleared": "✓ cleared",
                "unknown": "? unknown", "here": "◀ you are here"},
         "de": {"cause": "✗ Ursache", "reporter": "! Melder", "cleared": "✓ entlastet",
                "unknown": "? unbekannt", "here": "◀ Sie sind hier"}}
# What a person would call a colour, by its red, green and blue.
COLOURS = {"red": lambda r, g, b: r > 150 and g < 80 and b < 80,
           "orange": lambda r, g, b: r > 220 and 120 < g < 210 and b < 120,
           "green": lambda r, g, b: g > 100 and r < 80 and b < 100,
           "white": lambda r, g, b: min(r, g, b) > 240,
           "dark grey": lambda r, g, b: max(r, g, b) < 64}


def rgb(colour):
    return tuple(map(int, re.fullmatch(r"rgb\((\d+), (\d+), (\d+)\)", colour).groups()))


def luminance(colour):
    """WCAG 2.2's relative luminance."""
    parts = [part / 255 for part in rgb(colour)]
    parts = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


def contrast(one, other):
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def hops(seen, name):
    value = seen["fields"].get(f"error-{name}", "")
    return set(value.split(", ")) if value else set()


def without_status(console):
    """What the console has but the status of the page itself, which a browser notes of each error."""
    return [line for line in console if "the server responded with a status of" not in line]


class PageInABrowser(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.public = cls.enterClassContext(Pages())
        cls.operators = cls.enterClassContext(Pages(operators=True))
        cls.proxies = cls.public.proxies + cls.operators.proxies
        rows = [{"url": url, "row": row} for row, url in cls.public.of_rows().items()]
        told = cls.operators.of_rows()
        urls = [*cls.public.others(), *cls.operators.others(), told["500"], told["504A"]]
        german = [cls.public.of_rows()[row] for row in ("404", "502A", "522")]
        german += [cls.public.hostile(), cls.operators.hostile()]
        cls.pages = [page | {"language": "en"} for page in rows + [{"url": url} for url in urls]]
        cls.pages += [{"url": url, "language": "de"} for url in german]
        cls.visits = visit({"pages": cls.pages, "schemes": SCHEMES, "widths": WIDTHS}, 20 * PATIENCE)

    @staticmethod
    def served_by(proxies, seen):
        return any(f":{proxy.port}/" in seen["url"] for proxy in proxies)

    def about(self, seen):
        return self.subTest(url=seen["url"][:80], scheme=seen["scheme"], width=seen["width"],
                            language=seen["wanted"])

    def test_the_page_of_every_row_was_seen_in_every_way(self):
        ways = {(scheme, width) for scheme in SCHEMES for width in WIDTHS}
        self.assertEqual(len(self.visits), len(self.pages) * len(ways))
        for row in explained.rows():
            with self.subTest(row["row"]):
                found = [seen for seen in self.visits if seen.get("row") == row["row"]]
                self.assertEqual({(seen["scheme"], seen["width"]) for seen in found}, ways)
                for seen in found:
                    self.assertIn(f'; row="{row["row"]}";', seen["fields"]["error-fault"])
                    self.assertEqual(hops(seen, "cause"), set(row["cause"]))

    def test_boxes_have_the_colours_and_the_words_of_the_verdict(self):
        for seen in self.visits:
            with self.about(seen):
                cause, reporter, cleared = (hops(seen, name) for name in ("cause", "reporter", "cleared"))
                self.assertTrue(cause | reporter | cleared <= set(seen["boxes"]))
                words = WORDS[seen["wanted"]]
                for hop, box in seen["boxes"].items():
                    here = [words["here"]] * (words["here"] in box["words"])
                    if hop in cause:
                        colour, word = "red", words["cause"] + f" {words['reporter']}" * (hop in reporter)
                    elif hop in reporter:
                        colour, word = "orange", words["reporter"]
                    elif hop in cleared:
                        colour, word = "green", words["cleared"]
                    else:
                        colour, word = "white" if seen["scheme"] == "light" else "dark grey", words["unknown"]
                    self.assertTrue(COLOURS[colour](*rgb(box["fill"])), (hop, colour, box))
                    self.assertEqual(box["words"][1:], [*here, word], hop)
                    self.assertEqual(box["dashed"], word == words["unknown"], hop)

    def test_one_box_is_this_proxy(self):
        for seen in self.visits:
            with self.about(seen):
                here = [hop for hop, box in seen["boxes"].items() if WORDS[seen["wanted"]]["here"] in box["words"]]
                at_edge = self.served_by(self.public.edges + self.operators.edges, seen)
                self.assertEqual(here, ["cdn" if at_edge else "lb"])

    def test_the_same_is_said_in_words(self):
        for seen in self.visits:
            with self.about(seen):
                words = WORDS[seen["wanted"]]
                for name in ("cause", "reporter", "cleared"):
                    self.assertEqual(set(seen["known"].get(words[name], [])), hops(seen, name))

    def test_text_can_be_read_and_borders_be_seen(self):
        for seen in self.visits:
            with self.about(seen):
                for hop, box in seen["boxes"].items():
                    for text in box["text"]:
                        self.assertGreaterEqual(contrast(text, box["fill"]), 4.5, hop)
                    outline = max(contrast(box[part], seen["background"]) for part in ("stroke", "fill"))
                    self.assertGreaterEqual(outline, 3, hop)

    def test_nothing_is_cut_off_or_scrolls_sideways(self):
        for seen in self.visits:
            with self.about(seen):
                self.assertEqual((seen["misfits"], seen["scrolls"]), ([], False))

    def test_the_page_asks_for_nothing_and_says_nothing_to_the_console(self):
        for seen in self.visits:
            with self.about(seen):
                self.assertEqual(len(seen["requests"]), 1)
                self.assertEqual(without_status(seen["console"]), [])
        for proxy in self.proxies:
            visits = sum(self.served_by([proxy], seen) for seen in self.visits)
            self.assertEqual(len(proxy.wait_for_log(visits)) if visits else len(proxy.log()), visits)

    def test_axe_finds_no_barrier(self):
        for seen in self.visits:
            with self.about(seen):
                self.assertEqual(seen["violations"], [])
                # It has looked, and at what this page has.
                self.assertTrue({"color-contrast", "svg-img-alt", "document-title"} <= set(seen["passed"]))

    def test_the_page_is_in_the_language_of_the_browser(self):
        for seen in self.visits:
            with self.about(seen):
                self.assertEqual(seen["language"], seen["wanted"])
                self.assertEqual(seen["fields"]["content-language"], seen["wanted"])
                self.assertEqual(seen["fields"]["vary"], "Accept, Accept-Language")
                heading = {"en": "What to do next", "de": "Was jetzt zu tun ist"}[seen["wanted"]]
                self.assertIn(heading, seen["text"])

    def test_evidence_is_for_operators_alone(self):
        for seen in self.visits:
            with self.about(seen):
                told = self.served_by(self.operators.proxies, seen)
                self.assertEqual(seen["fields"].get("cache-control") == "private, no-store", told)
                heading = {"en": "Evidence", "de": "Belege"}[seen["wanted"]]
                self.assertEqual(heading in seen["text"], told)
                self.assertEqual("127.0.0.1:" in seen["text"], told)
        refused = [seen for seen in self.visits if self.served_by([self.operators.refused], seen)]
        self.assertTrue(all("ECONNREFUSED" in seen["text"] for seen in refused))

    def test_what_is_hostile_is_text(self):
        for seen in self.visits:
            with self.about(seen):
                self.assertEqual(seen["intruders"], [])
        told = [seen for seen in self.visits if seen["url"] == self.operators.hostile()]
        self.assertEqual(len(told), 2 * len(SCHEMES) * len(WIDTHS))
        for seen in told:
            self.assertIn(HOSTILE_HOST, seen["text"])
            self.assertIn(HOSTILE[:200], seen["text"])


class PanelInABrowser(unittest.TestCase):
    """What is added to the page of an app, which may have forbidden what it likes."""

    POLICY = "default-src 'none'; style-src 'none'"
    PAGE = ('<!doctype html><html lang="en"><head>{}<title>Shop</title></head><body><main><h1>Oops</h1></main>'
            "</body></html>")
    META = f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
    # name: (field, what stands in the page's head, whether the panel has a style).
    POLICIES = {"none": ("", "", True), "enforced": (f"Content-Security-Policy: {POLICY}\r\n", "", False),
                "reported": (f"Content-Security-Policy-Report-Only: {POLICY}\r\n", "", False),
                "meta": ("", META, False)}

    def answer(self, connection, _):
        while asked := self.origin.read_request(connection):
            field, head, _ = self.POLICIES[asked.split(b" ", 2)[1][1:].decode()]
            body = self.PAGE.format(head)
            connection.sendall(f"HTTP/1.1 500 Oops\r\nContent-Type: text/html\r\n{field}"
                               f"Content-Length: {len(body)}\r\n\r\n{body}".encode())

    def test_it_can_be_read_and_breaks_no_policy(self):
        with RawOrigin(self.answer) as self.origin, Proxy(yaml_for(self.origin.port)) as proxy:
            pages = [{"url": f"http://127.0.0.1:{proxy.port}/{name}", "language": language, "name": name}
                     for name in self.POLICIES for language in ("en", "de")]
            visits = visit({"pages": pages, "schemes": SCHEMES, "widths": WIDTHS}, 10 * PATIENCE)
        self.assertEqual(len(visits), 4 * len(pages))
        for seen in visits:
            with self.subTest(seen["name"], scheme=seen["scheme"], width=seen["width"], language=seen["wanted"]):
                self.assertEqual(seen["violations"], [])
                self.assertEqual(without_status(seen["console"]), [])
                self.assertEqual((len(seen["requests"]), seen["scrolls"]), (1, False))
                self.assertIn({"en": "Cause: app", "de": "Ursache: app"}[seen["wanted"]], seen["text"])
                self.assertEqual(seen["panel"] == "rgb(255, 255, 255)", self.POLICIES[seen["name"]][2])


if __name__ == "__main__":
    unittest.main()
