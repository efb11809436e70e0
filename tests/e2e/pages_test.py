"""errors.pages: an operator's own page, filled, for whom and where our own would be sent."""

import base64
import hashlib
import html
import os
import re
import subprocess
import tempfile
import unittest

import markup
import verdict
from browser import HERE, visit
from harness import PATIENCE, WHICHHOP, Client, Origin, Proxy, fetch, free_port, origin_answering, request, yaml_for
from tls_clients import reload

HTML = ("Accept", "text/html")
GERMAN = ("Accept-Language", "de")
SHIPPED = os.path.join(HERE, "..", "..", "conf", "error.html")
PAGE = """<!DOCTYPE html>
<html lang="{{language}}">
<head><title>{{status}} {{title}} | {{host}}</title>
<style>{{style}}</style><style>h1 { color: red }</style></head>
<body>
<h1 title='{{cause}}: "{{host}}"'>{{sentence}}</h1>
<p id="visitor">{{visitor}}</p><p>{{whom}} {{basis}} {{fault}} {{row}} {{reporter}} {{cleared}}</p>
<a href="https://status.example/?id={{error_id}}&amp;host={{host}}">{{ error_id }}</a>
{{summary}}{{diagram}}{{advice}}{{report}}{{documented}}{{evidence}}
</body>
</html>
"""


def style_digests(page):
    return {base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
            for style in re.findall(r"<style>(.*?)</style>", page, re.S)}


class Pages(unittest.TestCase):
    def setUp(self):
        self.folder = self.enterContext(tempfile.TemporaryDirectory(prefix="whichhop-pages-"))
        self.path = os.path.join(self.folder, "page.html")
        self.write(PAGE)

    def write(self, page, path=None):
        with open(path or self.path, "w", encoding="utf-8") as file:
            file.write(page)

    def errors(self, more="", path=None):
        return f"pages: {{html: {path or self.path}}}" + (f", {more}" if more else "")

    def proxy(self, port=None, more="", **blocks):
        return self.enterContext(Proxy(yaml_for(port or free_port(), errors=self.errors(more), **blocks)))


class Filled(Pages):
    def test_it_says_what_the_log_says(self):
        proxy = self.proxy()
        answer = fetch(proxy.port, fields=[HTML], host="shop.example")
        line = verdict.line_of(proxy, answer)
        page = answer.body.decode()
        self.assertEqual((answer.status, answer["Content-Type"]), (502, "text/html; charset=utf-8"))
        self.assertIn("<title>502 Bad Gateway | shop.example</title>", page)
        self.assertIn("<h1 title='App (app), Server/Serverless (server): \"shop.example\"'>The upstream refused the "
                      "connection: nothing listens there.</h1>", page)
        self.assertIn(f'id={line["error_id"]}&amp;host=shop.example">{line["error_id"]}</a>', page)
        self.assertIn("connect-refused-rst 502A LB (lb) none</p>", page)
        for part in ('<figure>', '<h2 id="next">', '<h2 id="report">', '<h2 id="documented">'):
            self.assertEqual(page.count(part), 1)
        self.assertNotIn("{{", page)

    def test_its_policy_applies_its_styles_and_nothing_else(self):
        answer = fetch(self.proxy().port, fields=[HTML])
        policy = dict(part.strip().split(" ", 1) for part in answer["Content-Security-Policy"].split(";"))
        digests = style_digests(answer.body.decode())
        self.assertEqual(len(digests), 2)
        self.assertEqual(set(policy.pop("style-src").split()), {f"'sha256-{each}'" for each in digests})
        self.assertEqual(policy, {"default-src": "'none'", "img-src": "data:", "font-src": "data:",
                                  "base-uri": "'none'", "form-action": "'none'"})

    def test_only_a_page_is_replaced(self):
        proxy = self.proxy()
        for accept, type_ in (("*/*", "text/plain; charset=utf-8"), ("application/json", "application/problem+json")):
            answer = fetch(proxy.port, fields=[("Accept", accept)])
            self.assertEqual((answer["Content-Type"], answer["Vary"]), (type_, "Accept"))
            self.assertNotIn(b"<html", answer.body)

    def test_head_gets_the_fields_of_a_get(self):
        proxy = self.proxy()
        with Client(proxy.port) as client:
            get = client.send(request(fields=[HTML])).read()
            head = client.send(request(method="HEAD", fields=[HTML])).read("HEAD")
            # Nothing of a body stands before the next answer.
            again = client.send(request(fields=[HTML])).read()
        self.assertEqual(len(get.body), int(head["Content-Length"]))
        self.assertEqual(again.status, 502)
        for name in ("Content-Type", "Content-Language", "Vary", "Content-Security-Policy", "Cache-Control"):
            self.assertEqual(head[name], get[name])
        self.assertEqual((get["Cache-Control"], get["Vary"]), ("no-store", "Accept, Accept-Language"))

    def test_it_speaks_the_readers_language_or_its_own(self):
        proxy = self.proxy()
        answer = fetch(proxy.port, fields=[HTML, GERMAN])
        page = answer.body.decode()
        self.assertEqual((answer["Content-Language"], answer["Vary"]), ("de", "Accept, Accept-Language"))
        self.assertIn('<html lang="de">', page)
        self.assertIn("Was jetzt zu tun ist", page)
        self.assertNotIn("What to do next", page)
        self.write(PAGE.replace("{{language}}", "de-AT"))
        reload(proxy)
        for fields in ([HTML], [HTML, GERMAN]):
            answer = fetch(proxy.port, fields=fields)
            self.assertEqual((answer["Content-Language"], answer["Vary"]), ("de-AT", "Accept"))
            self.assertIn("Was jetzt zu tun ist", answer.body.decode())

    def test_words_from_the_wire_are_words(self):
        proxy = self.proxy(more='operators: ["127.0.0.0/8"]')
        answer = fetch(proxy.port, "/%3Cscript%3E\"><img>", fields=[HTML])
        self.assertNotIn("<img>", answer.body.decode())
        # Of what a Host may hold, an apostrophe and an ampersand are the worst.
        answer = fetch(proxy.port, fields=[HTML], host="a'b&amp;c")
        page = answer.body.decode()
        self.assertEqual(answer.status, 502)
        self.assertIn("""title='App (app), Server/Serverless (server): "a&#39;b&amp;amp;c"'""", page)
        self.assertIn("host=a%27b%26amp%3Bc\"", page)

    def test_evidence_is_for_operators(self):
        for more, sees in (("", False), ('operators: ["127.0.0.0/8"]', True), ("details: everyone", True),
                           ('details: nobody, operators: ["127.0.0.0/8"]', False)):
            with self.subTest(more=more):
                proxy = self.proxy(more=more)
                answer = fetch(proxy.port, "/secret-path", fields=[HTML])
                line = verdict.line_of(proxy, answer)
                page = html.unescape(answer.body.decode())
                for secret in ("127.0.0.1", "/secret-path", '<h2 id="evidence">', *line["evidence"]):
                    self.assertEqual(secret in page, sees, secret)
                self.assertEqual(answer["Cache-Control"], "private, no-store" if sees else "no-store")

    def test_masks_hold(self):
        routes = ("- {path: /login, respond: 403, mask: {403: 404}}\n"
                  "- {path: /other, respond: 404, mask: {403: 404}}")
        proxy = self.proxy(routes=routes)

        def shape(path):
            answer = fetch(proxy.port, path, fields=[HTML])
            fields = [(name, value) for name, value in answer.fields if name not in ("Date", "Error-Id")]
            return answer.status, fields, answer.body.decode().replace(verdict.error_id(answer), "ID")
        self.assertEqual(shape("/login"), shape("/other"))
        self.assertNotIn("respond", shape("/login")[2])

    def test_a_long_page_arrives_whole_on_a_connection_that_goes_on(self):
        logo = "<img alt='' src='data:image/png;base64," + "A" * 100000 + "'>"
        self.write(PAGE.replace("<h1", logo + "<h1"))
        proxy = self.proxy()
        with Client(proxy.port) as client:
            sizes = {len(client.send(request(fields=[HTML])).read().body) for _ in range(3)}
        self.assertEqual(len(sizes), 1)
        self.assertGreater(sizes.pop(), 100000)


class Relayed(Pages):
    STOCK = (b"<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway"
             b"</h1></center>\r\n<hr><center>nginx/1.24.0</center>\r\n</body>\r\n</html>\r\n")
    OWN = b"<!DOCTYPE html><html><body><p>of the shop</p></body></html>"

    def answer(self, body, more="", **how):
        data = b"HTTP/1.1 502 X\r\nServer: nginx/1.24.0\r\nContent-Type: text/html\r\nContent-Length: %d\r\n\r\n"
        origin = self.enterContext(origin_answering(data % len(body) + body))
        return fetch(self.proxy(origin.port, more).port, fields=[HTML], **how)

    def test_it_stands_where_ours_would(self):
        for body, more in ((self.STOCK, ""), (b"", ""), (self.OWN, "body: replace")):
            answer = self.answer(body, more)
            self.assertIn(b"<h1 title=", answer.body)
            self.assertIn("style-src 'sha256-", answer["Content-Security-Policy"])
            self.assertEqual(int(answer["Content-Length"]), len(answer.body))

    def test_an_apps_own_page_stays(self):
        self.assertIn(b"<aside", self.answer(self.OWN).body)
        self.assertEqual(self.answer(self.OWN, "body: keep").body, self.OWN)

    def test_a_cdn_and_a_page_are_one_story(self):
        proxy = self.proxy(more="cdn: cloudflare")
        answer = fetch(proxy.port, fields=[HTML])
        self.assertEqual(answer.status, 503)
        self.assertIn(b"<title>503 Service Unavailable |", answer.body)
        self.assertIn(b"connect-refused-rst 502A", answer.body)


class Loaded(Pages):
    def check(self):
        config = os.path.join(self.folder, "whichhop.yaml")
        self.write(yaml_for(1, errors=self.errors()), config)
        return config, subprocess.run([WHICHHOP, "check", "-c", config], text=True, capture_output=True)

    def test_check_says_all_that_is_wrong_where_it_is(self):
        self.write("<!DOCTYPE html>\n<html lang=en><script>f({{host}})</script>\n<b class={{cuase}}>")
        _, done = self.check()
        self.assertEqual(done.returncode, 1)
        places = [line.replace(self.path, "PAGE").split(": ")[0] for line in done.stderr.splitlines()]
        self.assertEqual(places, ["PAGE:1:1", "PAGE:2:15", "PAGE:2:25", "PAGE:3:10"])
        self.assertIn("unknown slot `cuase`; did you mean `cause`?", done.stderr)

    def test_a_file_that_is_not_there_is_an_error_of_the_configuration(self):
        os.unlink(self.path)
        config, done = self.check()
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr, f"{config}:3:24: cannot read {self.path}: No such file or directory\n")

    def test_a_relative_path_begins_at_the_working_directory(self):
        config = os.path.join(self.folder, "whichhop.yaml")
        self.write(yaml_for(1, errors=self.errors(path="page.html")), config)
        for folder, code in ((self.folder, 0), (HERE, 1)):
            done = subprocess.run([WHICHHOP, "check", "-c", config], cwd=folder, capture_output=True)
            self.assertEqual(done.returncode, code, done.stderr)

    def test_a_reload_reads_the_page_again_and_keeps_the_old_one_where_it_is_bad(self):
        proxy = self.proxy()

        def title():
            page = fetch(proxy.port, fields=[HTML]).body.decode()
            return re.search("<title>(.*) .* Bad Gateway", page)[1]
        self.write(PAGE.replace("<title>", "<title>second "))
        self.assertNotIn(b"<title>second", fetch(proxy.port, fields=[HTML]).body)
        reload(proxy)
        self.assertEqual(title(), "second")
        self.write(PAGE.replace("<title>", "<title>third {{nothing}}"))
        reload(proxy, f"{self.path}:3:20: unknown slot `nothing`")
        self.assertEqual(title(), "second")
        os.unlink(self.path)
        reload(proxy, "No such file or directory")
        self.assertEqual(title(), "second")
        self.write(PAGE.replace("<title>", "<title>fourth "))
        reload(proxy)
        self.assertEqual(title(), "fourth")


class Shipped(Pages):
    """conf/error.html, filled, as a real browser and checkers that are not ours see it."""

    def test_it_is_painted_and_accessible_and_asks_for_nothing(self):
        errors = self.errors('operators: ["127.0.0.0/8"], body: replace', SHIPPED)
        with Origin() as origin, Proxy(yaml_for(origin.port, errors=errors)) as relays, \
                Proxy(yaml_for(free_port(), errors=errors)) as fails:
            pages = [{"url": f"http://127.0.0.1:{port}{path}", "language": language}
                     for port, path in ((relays.port, "/status/404"), (relays.port, "/status/502"), (fails.port, "/"))
                     for language in ("en", "de")]
            visits = visit({"pages": pages, "schemes": ("light", "dark"), "widths": (360, 1280)}, 5 * PATIENCE)
        self.assertEqual(len(visits), 4 * len(pages))
        for seen in visits:
            with self.subTest(url=seen["url"], scheme=seen["scheme"], width=seen["width"]):
                # A policy that is broken is told on the console.
                told = [line for line in seen["console"] if "the server responded with a status of" not in line]
                self.assertEqual((told, seen["requests"]), ([], [seen["url"]]))
                self.assertEqual((seen["language"], seen["misfits"], seen["scrolls"]), (seen["wanted"], [], False))
                self.assertEqual(seen["violations"], [])
                self.assertIn("Example Shop", seen["text"])
        # The style applies: the suspect is red.
        self.assertEqual({seen["boxes"]["app"]["fill"] for seen in visits if seen["url"] == pages[-1]["url"]},
                         {"rgb(179, 38, 30)"})

    def test_it_is_valid(self):
        errors = self.errors('operators: ["127.0.0.0/8"], body: replace', SHIPPED)
        found = {}
        with Origin() as origin:
            for port, path in ((origin.port, "/status/404"), (origin.port, "/status/502"), (free_port(), "/")):
                with Proxy(yaml_for(port, errors=errors)) as proxy:
                    for language in (("Accept-Language", "en"), GERMAN):
                        answer = fetch(proxy.port, path, fields=[HTML, language])
                        self.assertIn(b"Example Shop", answer.body)
                        found[f"{path} {language[1]} {port}"] = answer.body
        self.assertEqual(markup.faults(found), {name: [] for name in found})


if __name__ == "__main__":
    unittest.main()
