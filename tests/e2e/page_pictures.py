#!/usr/bin/env python3
"""Takes the pictures of pages that README.md shows, into .github/.

Run it again after a change of the page, with WHICHHOP and WHICHHOP_ORIGIN set as CTest sets them.
"""

import os

from browser import HERE, visit
from harness import PATIENCE, Origin, Proxy, RawOrigin, yaml_for

TO = os.path.normpath(os.path.join(HERE, "..", "..", ".github"))


def closing(connection, _):
    """An app that takes a request and closes without an answer."""
    connection.recv(65536)


def picture(proxy, path, name, scheme, width, height):
    return {"url": f"http://127.0.0.1:{proxy.port}{path}", "path": os.path.join(TO, f"page-{name}.png"),
            "scheme": scheme, "width": width, "height": height}


def main():
    with (Origin() as origin, RawOrigin(closing) as closes, Proxy(yaml_for(closes.port)) as broken,
          Proxy(yaml_for(origin.port, node="position: cdn")) as cdn,
          Proxy(yaml_for(origin.port)) as lb):
        visit({"pictures": [
            picture(broken, "/cart", "502", "light", 960, 820),
            picture(cdn, "/status/522", "522-dark", "dark", 960, 790),
            picture(lb, "/status/404", "404-phone", "light", 360, 800),
        ]}, PATIENCE)


if __name__ == "__main__":
    main()
