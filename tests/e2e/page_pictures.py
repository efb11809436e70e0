#!/usr/bin/env python3
"""Takes the pictures of pages, and of a terminal, that README.md shows, into .github/.

Run it again after a change of the page, with WHICHHOP and WHICHHOP_ORIGIN set as CTest sets them.
"""

import html
import os
import pty
import re
import subprocess
import tempfile

from browser import HERE, visit
from harness import PATIENCE, WHICHHOP, Origin, Proxy, RawOrigin, yaml_for

TO = os.path.normpath(os.path.join(HERE, "..", "..", ".github"))


def closing(connection, _):
    """An app that takes a request and closes without an answer."""
    connection.recv(65536)


def picture(proxy, path, name, scheme, width, height):
    return {"url": f"http://127.0.0.1:{proxy.port}{path}", "path": os.path.join(TO, f"page-{name}.png"),
            "scheme": scheme, "width": width, "height": height}


# A terminal's colours, by the parameters that select them.
STYLE = """body{margin:0;padding:12px;background:#0d1117;color:#e6edf3}
pre{margin:0;font:14px/17px "DejaVu Sans Mono",monospace}
.sgr1{font-weight:bold}.sgr2{opacity:.7}.sgr31{color:#ff7b72}.sgr32{color:#56d364}.sgr33{color:#e3b341}"""


def in_a_terminal(*command):
    """What a program prints where it has a terminal."""
    ours, its = pty.openpty()
    environment = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    with subprocess.Popen(command, stdout=its, env=environment | {"TERM": "xterm-256color"}) as process:
        os.close(its)
        said = b""
        try:
            while more := os.read(ours, 65536):
                said += more
        except OSError:  # its end, where nobody has it any more
            pass
        assert process.wait() == 0
    os.close(ours)
    return said.decode().replace("\r\n", "\n")


def as_page(text):
    """The text with its colours, as HTML."""
    opened = 0
    out = []
    for part in re.split(r"(\x1b\[[0-9;]*m)", text):
        if not part.startswith("\x1b"):
            out.append(html.escape(part))
            continue
        names = [f"sgr{number}" for number in re.findall(r"\d+", part) if number != "0"]
        out.append(f'<span class="{" ".join(names)}">' if names else "</span>" * opened)
        opened = opened + 1 if names else 0
    return f"<!doctype html><meta charset=utf-8><style>{STYLE}</style><pre>{''.join(out)}</pre>"


def terminal(folder):
    path = os.path.join(folder, "terminal.html")
    shown = "$ whichhop explain 502A\n" + in_a_terminal(WHICHHOP, "explain", "502A")
    with open(path, "w", encoding="utf-8") as file:
        file.write(as_page(shown))
    return {"url": f"file://{path}", "path": os.path.join(TO, "terminal-502.png"), "scheme": "dark", "width": 640,
            "height": 17 * len(shown.splitlines()) + 24}


def main():
    with (tempfile.TemporaryDirectory() as folder, Origin() as origin, RawOrigin(closing) as closes, Proxy(yaml_for(closes.port)) as broken,
          Proxy(yaml_for(origin.port, node="position: cdn")) as cdn,
          Proxy(yaml_for(origin.port)) as lb):
        visit({"pictures": [
            picture(broken, "/cart", "502", "light", 960, 820),
            picture(cdn, "/status/522", "522-dark", "dark", 960, 790),
            picture(lb, "/status/404", "404-phone", "light", 360, 800),
            terminal(folder),
        ]}, PATIENCE)


if __name__ == "__main__":
    main()
