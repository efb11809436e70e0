"""A verdict as it is read back from each place that says it."""

import dataclasses
import re

from harness import wait_for


@dataclasses.dataclass(frozen=True)
class Verdict:
    cause: tuple = ()
    reporter: tuple = ()
    cleared: tuple = ()
    fault: str = ""
    row: tuple = ()
    basis: str = ""


def of_fields(response):
    def hops(name):
        value = response[name]
        assert value != "", f"an empty {name}"
        return tuple(value.split(", ")) if value else ()

    fault, *parameters = (response["Error-Fault"] or "").split("; ")
    parameters = dict(parameter.split("=") for parameter in parameters)
    return Verdict(hops("Error-Cause"), hops("Error-Reporter"), hops("Error-Cleared"), fault,
                   tuple(parameters.get("row", '""').strip('"').split()), parameters.get("basis"))


def of_json(members):
    """A problem document or a line of the access log."""
    def hops(name):
        return tuple(members[name])

    return Verdict(hops("cause"), hops("reporter"), hops("cleared"), members["fault"], hops("row"),
                   members["basis"])


def of_text(body):
    """The plain text page."""
    text = body.decode()

    def hops(label):
        line = re.search(rf"^{label}: +(.*)$", text, re.M)
        return tuple(line[1].split(", ")) if line and line[1] not in ("unknown", "none") else ()

    fault = re.search(r"^Fault: +(\S+) \((\S+)\)$", text, re.M)
    return Verdict(hops("Cause"), hops("Reporter"), hops("Cleared"), fault[1],
                   tuple(re.findall(r"^Documented: +row (\w+):", text, re.M)), fault[2])


def documented_of(members):
    """{row: (cause, reporter, cleared)} of a problem document or a line of the log."""
    return {row["row"]: (row["cause"], row["reporter"], row["cleared"])
            for row in members["documented"]}


def error_id(response):
    return re.fullmatch(r'"([0-9A-HJKMNP-TV-Z]{26})"', response["Error-Id"])[1]


def line_of(proxy, response):
    """The line of the access log that an answer's Error-Id names."""
    return logged(proxy, error_id=error_id(response))


def logged(proxy, **members):
    """The first line of the access log that has these members."""
    def found():
        return next((line for line in proxy.log() if members.items() <= {
            key: line.get(key) for key in members}.items()), None)
    return wait_for(found, f"a log line with {members}")
