"""Reads a page of /metrics, strictly: what a scraper would refuse is an AssertionError."""

import re

from harness import fetch

OPENMETRICS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5,*/*;q=0.1"
LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)')
UNESCAPE, ESCAPES = re.compile(r"\\(.)"), {"n": "\n", '"': '"', "\\": "\\"}
SAMPLE = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (-?[0-9.]+)")
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "info": ("_info",)}


def labels_of(text):
    labels, at = {}, 0
    while at < len(text):
        match = LABEL.match(text, at)
        assert match and match[1] not in labels, text
        labels[match[1]] = UNESCAPE.sub(lambda escape: ESCAPES[escape[1]], match[2])
        at = match.end()
    return labels


class Page:
    """The samples of a page: page.samples[name] = [(labels, value)]."""

    def __init__(self, text, openmetrics=False):
        self.samples, self.types, self.helps = {}, {}, {}
        lines = text.split("\n")
        assert lines.pop() == "", "a page ends in a line feed"
        if openmetrics:
            assert lines.pop() == "# EOF"
        family = None
        for line in lines:
            if line.startswith("# HELP "):
                _, _, family, self.helps[family] = line.split(" ", 3)
                assert family not in self.types, f"{family} stands twice"
            elif line.startswith("# TYPE "):
                assert line.split(" ")[2] == family, line
                self.types[family] = line.split(" ")[3]
            elif line.startswith("# UNIT "):
                assert openmetrics and line == f"# UNIT {family} {line.split(' ')[3]}"
                assert family.endswith("_" + line.split(" ")[3])
            else:
                self._add(line, family, openmetrics)

    def _add(self, line, family, openmetrics):
        match = SAMPLE.fullmatch(line)
        assert match, f"no sample: {line}"
        kind = self.types[family]
        suffixes = SUFFIXES.get(kind, ("",))
        if not openmetrics and kind != "histogram":
            suffixes = ("",)
        assert match[1] in [family + suffix for suffix in suffixes], (line, family)
        rows = self.samples.setdefault(match[1], [])
        labels = labels_of(match[2] or "")
        assert all(labels != other for other, _ in rows), f"stands twice: {line}"
        rows.append((labels, float(match[3])))

    def sum(self, name, **labels):
        """Of the samples that have these labels, whatever else they have."""
        return sum(value for found, value in self.samples.get(name, [])
                   if all(found.get(key, "") == wanted for key, wanted in labels.items()))

    def one(self, name, **labels):
        """The value of the one sample with exactly these labels."""
        found = [value for other, value in self.samples.get(name, []) if other == labels]
        assert len(found) == 1, f"{name} {labels}: {self.samples.get(name)}"
        return found[0]

    def check_histograms(self):
        """Buckets that only grow, up to +Inf, which is the count."""
        for family, kind in self.types.items():
            if kind != "histogram":
                continue
            buckets = {}
            for labels, value in self.samples.get(family + "_bucket", []):
                rest = {key: text for key, text in labels.items() if key != "le"}
                buckets.setdefault(tuple(rest.items()), []).append((float(labels["le"]), value))
            for rest, series in buckets.items():
                assert len(series) == 15 and series == sorted(series), series
                counts = [count for _, count in series]
                assert counts == sorted(counts), series
                assert counts[-1] == self.one(family + "_count", **dict(rest))
                assert self.one(family + "_sum", **dict(rest)) >= 0


def scrape(port, openmetrics=False):
    fields = [("Accept", OPENMETRICS)] if openmetrics else []
    response = fetch(port, "/metrics", fields=fields)
    assert response.status == 200 and response.complete, response.status
    wanted = ("application/openmetrics-text; version=1.0.0; charset=utf-8" if openmetrics
              else "text/plain; version=0.0.4; charset=utf-8")
    assert response["Content-Type"] == wanted, response["Content-Type"]
    page = Page(response.body.decode(), openmetrics)
    page.check_histograms()
    return page
