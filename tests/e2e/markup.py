"""html-validate, as a checker of pages that is not ours."""

import json
import os
import subprocess
import unittest

from browser import HERE


def faults(pages, **rules):
    """{name: what it finds} of {name: page}; `rules` differ from its recommended ones."""
    if not os.path.isdir(os.path.join(HERE, "node_modules", "html-validate")):
        raise unittest.SkipTest("npm ci --prefix tests/e2e brings html-validate")
    asked = [{"name": name, "html": page.decode(), "rules": {rule.replace("_", "-"): how for rule, how in rules.items()}}
             for name, page in pages.items()]
    done = subprocess.run(["node", os.path.join(HERE, "page_markup.mjs")], input=json.dumps(asked), check=True,
                          stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)
