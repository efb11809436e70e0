"""The page of every row in a real browser: what is painted, and what tools that are not ours find in it."""

import re
import unittest

from browser import visit
from documented import STATUSES
from harness import PATIENCE, Origin, Proxy, free_port, yaml_for

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


class PageInABrowser(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        origin = cls.enterClassContext(Origin())
        responds = "\n".join(f"- {{path: /respond/{status}, respond: {status}}}" for status in STATUSES)
        lb = cls.enterClassContext(Proxy(yaml_for(origin.port, routes=responds)))
        cdn = cls.enterClassContext(Proxy(yaml_for(origin.port, node="position: cdn", upstream="is: lb")))
        broken = cls.enterClassContext(Proxy(yaml_for(
            free_port(), node="position: cdn", errors='operators: ["127.0.0.0/8"]')))
        cls.proxies = (lb, cdn, broken)

        def page(proxy, path, language="en"):
            return {"url": f"http://127.0.0.1:{proxy.port}{path}", "language": language}
        hostile = "/%3Cimg%20src=x%3E/" + "a'%22&" * 300
        # Relayed as an edge does, which leaves every row open; those of a balancer; ours.
        pages = [page(cdn, f"/status/{status}") for status in STATUSES]
        pages += [page(lb, f"/respond/{status}") for status in (404, 418, 500)]
        pages += [page(lb, "/status/502"), page(lb, "/status/405"), page(broken, "/"), page(broken, hostile),
                  page(cdn, "/status/522", "de"), page(lb, "/respond/500", "de"), page(broken, hostile, "de")]
        cls.pages = pages
        said = visit({"pages": pages, "schemes": SCHEMES, "widths": WIDTHS}, 10 * PATIENCE)
        cls.visits = [seen for seen in said if "scheme" in seen]
        cls.checked = [seen for seen in said if "errors" in seen]

    def about(self, seen):
        return self.subTest(url=seen["url"][:80], scheme=seen["scheme"], width=seen["width"],
                            language=seen["wanted"])

    def test_every_page_was_seen_in_every_way(self):
        self.assertEqual(len(self.visits), len(self.pages) * len(SCHEMES) * len(WIDTHS))
        rows = {row for seen in self.visits for row in re.findall(r'"([^"]*)"', seen["fields"]["error-fault"])}
        self.assertEqual({status for row in rows for status in re.findall(r"\d+", row)}, set(map(str, STATUSES)))
        self.assertTrue({"502A 502B 502C", "504A 504B 504C"} <= rows)

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
                at_lb = f":{self.proxies[0].port}/" in seen["url"]
                self.assertEqual(here, ["lb" if at_lb else "cdn"])

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
                failed = [line for line in seen["console"] if "the server responded with a status of" not in line]
                self.assertEqual(failed, [])
        for proxy in self.proxies:
            visited = [seen for seen in self.visits if f":{proxy.port}/" in seen["url"]]
            self.assertEqual(len(proxy.wait_for_log(len(visited))), len(visited))

    def test_axe_finds_no_barrier(self):
        audited = [seen for seen in self.visits if seen["violations"] is not None]
        for what in ("scheme", "width"):
            self.assertEqual(len({(seen["url"], seen["wanted"], seen[what]) for seen in audited}), 2 * len(self.pages))
        self.assertEqual(len({(seen["scheme"], seen["width"]) for seen in audited}), 4)
        for seen in audited:
            with self.about(seen):
                self.assertEqual(seen["violations"], [])

    def test_a_checker_finds_no_fault_in_the_markup(self):
        self.assertEqual(len(self.checked), len(self.pages))
        for page in self.checked:
            with self.subTest(page["url"][:80]):
                self.assertEqual(page["errors"], [])

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
                operator = f":{self.proxies[2].port}/" in seen["url"]
                self.assertEqual("ECONNREFUSED" in seen["text"], operator)
                self.assertEqual("127.0.0.1:" in seen["text"], operator)


if __name__ == "__main__":
    unittest.main()
