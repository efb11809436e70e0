"""The shortest way through: a 200 is relayed, an error is diagnosed."""

import unittest

from harness import Origin, Proxy, fetch, yaml_for


class Smoke(unittest.TestCase):
    def test_a_200_is_relayed_and_an_empty_answer_diagnosed(self):
        with Origin() as origin, Proxy(yaml_for(origin.port)) as proxy:
            self.assertEqual(fetch(proxy.port, "/bytes/100").status, 200)
            error = fetch(proxy.port, "/fault/empty")
            self.assertEqual(error.status, 502)
            self.assertEqual(error["Error-Cause"], "app")
            log = proxy.wait_for_log(2)
            self.assertEqual([line["http_response_status_code"] for line in log], [200, 502])
            self.assertEqual(proxy.drain(), 0)


if __name__ == "__main__":
    unittest.main()
