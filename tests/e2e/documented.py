"""The documented model, written a second time: the product's own table is no witness of itself.

Whoever changes the model changes it here too, by hand. `relayed()` and `produced()` are the
contract in a few lines: what a bare relayed error, and an error of ours, has to say.
"""

from verdict import Verdict

HOPS = ("browser-app browser device router dns image-host cdn isp tor lb server app db-host db "
        "store-host datastore auth-host auth teapot").split()
CLIENT = "browser-app browser device router image-host"
FAR = CLIENT + " isp tor"
EVERYTHING = ("browser-app browser device router image-host isp tor lb server app db-host db "
              "store-host datastore auth-host auth")

# row: (cause, reporter, cleared)
ROWS = {
    "400": ("browser", "app", ""),
    "401": ("auth", "app", "browser-app browser router isp tor lb"),
    "403": ("auth", "app", "browser-app browser router isp tor lb"),
    "404": ("image-host datastore", "browser", "browser-app device router isp tor lb server app "
            "db-host db store-host auth-host auth"),
    "407": ("cdn lb", "browser", ""),
    "418": ("", "teapot", EVERYTHING),
    "429": ("server", "app", FAR + " lb"),
    "431": ("router isp tor lb", "browser", "device"),
    "500": ("app", "app", FAR + " lb"),
    "502A": ("app", "lb", ""),
    "502B": ("db", "app", ""),
    "502C": ("app", "server", ""),
    "503": ("server", "lb", FAR),
    "504A": ("app", "lb", ""),
    "504B": ("db", "app", ""),
    "504C": ("app", "server", ""),
    "505": ("app", "browser", "device router image-host isp tor lb"),
    "511": ("router", "browser", "device"),
    "520": ("app", "cdn", "browser-app browser device router isp tor lb"),
    "521": ("server app", "cdn", FAR + " lb"),
    "522": ("isp tor lb app", "cdn", CLIENT),
    "523": ("isp tor lb server", "cdn", "browser-app browser device router"),
    "524": ("app", "cdn", FAR + " lb server"),
    "525": ("lb server", "cdn", FAR),
    "526": ("lb server", "cdn", FAR),
}
STATUSES = sorted({int(row[:3]) for row in ROWS})
UNDOCUMENTED = [402, 405, 408, 410, 413, 414, 415, 421, 422, 425, 426, 428, 451, 499, 501, 507, 508,
                510, 530, 599]


def in_order(hops):
    return tuple(hop for hop in HOPS if hop in hops)


def row_of(name):
    cause, reporter, cleared = ROWS[name]
    return cause.split(), reporter, cleared.split()


def open_rows(status, position, answers):
    """The rows of a status that stay open when `answers` (`is:`, or None) sends it bare."""
    if str(status) in ROWS:
        return [str(status)]
    if f"{status}A" not in ROWS:
        return []
    if answers == "app":
        letters = "B"
    elif answers == "server" or (answers is None and position == "lb"):
        letters = "BC"
    else:
        letters = "ABC"
    return [f"{status}{letter}" for letter in letters]


def reporter_of(row, position, answers):
    """Who reports a row: never we ourselves, who only relayed it."""
    reporter = row_of(row)[1]
    if reporter != "lb":
        return reporter
    if answers in ("server", "app"):
        return answers
    return "server" if position == "lb" and answers is None else "lb"


def relayed(status, position, answers):
    """The verdict on a bare relayed error."""
    rows = open_rows(status, position, answers)
    if not rows:
        return Verdict(reporter=(answers or "server",), fault=f"relay-{status}", basis="observed")
    causes = {hop for row in rows for hop in row_of(row)[0]}
    cleared = set(HOPS).intersection(*(row_of(row)[2] for row in rows))
    return Verdict(cause=in_order(causes), cleared=in_order(cleared), row=tuple(rows),
                   reporter=in_order({reporter_of(row, position, answers) for row in rows}),
                   fault=f"relay-{status}", basis="documented")


def before(position):
    """The hops of the client's side."""
    return set((FAR if position == "lb" else CLIENT).split())


def produced(fault, row, cause, position, proven=()):
    """The verdict on an error of our own: `proven` are the hops that a rule clears."""
    green = set(row_of(row)[2]) & before(position) if row else set()
    return Verdict(cause=tuple(cause), reporter=(position,), row=(row,) if row else (),
                   cleared=in_order((green | set(proven)) - set(cause)), fault=fault,
                   basis="observed")
