"""What a hostile or broken origin answers, byte for byte, and what the client gets of it, byte for byte."""

from dataclasses import dataclass

from attack_cases import CHUNKED, CLOSED, KEPT, RESET

FORGED = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nforged"
OK = b"HTTP/1.1 200 OK"
LENGTH = b"Content-Length: 2\r\n"
TE = b"Transfer-Encoding: chunked"


def answer(lines=b"", body=b"ok", line=OK + b"\r\n"):
    return line + lines + b"\r\n" + body


def by_chunks(body):
    return answer(CHUNKED, body)


@dataclass(frozen=True)
class Spoiled:
    """An answer of which the client gets nothing: a 502 that says why. Its connection stays, the origin's not."""
    name: str
    raw: bytes
    fault: str
    says: str  # as operators are told


@dataclass(frozen=True)
class Told:
    """An answer that has one meaning, and the one form in which the client gets it."""
    name: str
    raw: bytes  # from the origin
    seen: bytes  # by the client; where we add the date it is NOW
    upstream: str = KEPT
    client: str = KEPT
    method: str = "GET"
    version: str = "1.1"
    then: str = ""  # what the origin does behind it: "fin" or "rst"


def told(*lines, framing=(), body=b"", line=OK, date=b"Date: NOW", interim=b""):
    return interim + b"\r\n".join((line, *lines, date, *framing, b"", b"")) + body


TWO = (b"Content-Length: 2",)
CHUNKS = (TE,)
CLOSE = (b"Connection: close",)
PLAIN = told(framing=TWO, body=b"ok")
CHUNKED_OK = told(framing=CHUNKS, body=b"2\r\nok\r\n0\r\n\r\n")
NO_LENGTH = "Content-Length is not a decimal number below 2^63"
NO_CODING = "a transfer coding other than chunked is not implemented"
NOT_CHUNKED = "the transfer codings do not end in one chunked"

SPOILED = [
    # Where the body ends
    Spoiled("two lengths", answer(b"Content-Length: 2\r\nContent-Length: 3\r\n"),
            "head-cl-invalid", "a response has several different values of Content-Length"),
    Spoiled("two lengths in a list", answer(b"Content-Length: 2, 3\r\n"),
            "head-cl-invalid", "a response has several different values of Content-Length"),
    Spoiled("a negative length", answer(b"Content-Length: -2\r\n"), "head-cl-invalid", NO_LENGTH),
    Spoiled("a signed length", answer(b"Content-Length: +2\r\n"), "head-cl-invalid", NO_LENGTH),
    Spoiled("a hexadecimal length", answer(b"Content-Length: 0x2\r\n"), "head-cl-invalid", NO_LENGTH),
    Spoiled("a length in two parts", answer(b"Content-Length: 2 3\r\n"), "head-cl-invalid", NO_LENGTH),
    Spoiled("a length folded into two", answer(b"Content-Length: 2\r\n 3\r\n"), "head-cl-invalid", NO_LENGTH),
    Spoiled("an empty length", answer(b"Content-Length: \r\n"), "head-cl-invalid", NO_LENGTH),
    Spoiled("a list with an empty member", answer(b"Content-Length: 2,\r\n"), "head-cl-invalid", NO_LENGTH),
    Spoiled("a length over 2^64", answer(b"Content-Length: 36893488147419103234\r\n"), "head-cl-invalid", NO_LENGTH),
    Spoiled("a broken length of a 304", answer(b"Content-Length: x\r\n", b"", b"HTTP/1.1 304 Not Modified\r\n"),
            "head-cl-invalid", NO_LENGTH),
    Spoiled("a length and chunks", answer(LENGTH + CHUNKED, b"2\r\nok\r\n0\r\n\r\n"),
            "head-cl-te", "both Content-Length and Transfer-Encoding are present"),
    Spoiled("chunks and a length", answer(CHUNKED + LENGTH, b"2\r\nok\r\n0\r\n\r\n"),
            "head-cl-te", "both Content-Length and Transfer-Encoding are present"),
    Spoiled("an unknown coding", answer(b"Transfer-Encoding: foo\r\n"), "head-te-unsupported", NO_CODING),
    Spoiled("gzip before chunked", answer(b"Transfer-Encoding: gzip, chunked\r\n"), "head-te-unsupported", NO_CODING),
    Spoiled("identity", answer(b"Transfer-Encoding: identity\r\n"), "head-te-unsupported", NO_CODING),
    Spoiled("chunked twice", answer(b"Transfer-Encoding: chunked, chunked\r\n"), "head-te-unsupported", NOT_CHUNKED),
    Spoiled("chunked in two lines", answer(CHUNKED + CHUNKED, b"0\r\n\r\n"),
            "head-te-unsupported", "Transfer-Encoding is repeated"),
    Spoiled("an empty coding", answer(b"Transfer-Encoding: \r\n"), "head-te-unsupported", NOT_CHUNKED),
    Spoiled("chunks in HTTP/1.0", answer(CHUNKED, b"0\r\n\r\n", b"HTTP/1.0 200 OK\r\n"),
            "head-te-unsupported", "Transfer-Encoding in an HTTP/1.0 message"),
    # The status line
    Spoiled("no HTTP", b"XYZZY\r\n\r\n", "head-not-http", ""),
    Spoiled("a server of mail", b"220 mail.example ESMTP\r\n", "head-not-http", ""),
    Spoiled("TLS", b"\x16\x03\x01\x00\x01\x02", "head-not-http", ""),
    Spoiled("an empty line first", b"\r\n" + FORGED, "head-not-http", ""),
    Spoiled("a space first", b" " + FORGED, "head-not-http", ""),
    Spoiled("small letters", b"http/1.1 200 OK\r\n\r\n", "head-not-http", ""),
    Spoiled("Shoutcast", b"ICY 200 OK\r\n\r\n", "head-not-http", ""),
    Spoiled("HTTP/0.9", b"<html>hello</html>\r\n", "head-http09", ""),
    Spoiled("letters for a status", answer(LENGTH, line=b"HTTP/1.1 abc Odd\r\n"), "head-bad-status", ""),
    Spoiled("a status of two digits", answer(LENGTH, line=b"HTTP/1.1 20 Odd\r\n"), "head-bad-status", ""),
    Spoiled("a status of four digits", answer(LENGTH, line=b"HTTP/1.1 2000 Odd\r\n"), "head-bad-status", ""),
    Spoiled("a status of 099", answer(LENGTH, line=b"HTTP/1.1 099 Odd\r\n"), "head-bad-status", ""),
    Spoiled("a status of 600", answer(LENGTH, line=b"HTTP/1.1 600 Odd\r\n"), "head-bad-status", ""),
    Spoiled("a negative status", answer(LENGTH, line=b"HTTP/1.1 -20 Odd\r\n"), "head-bad-status", ""),
    Spoiled("a status and no blank", answer(LENGTH, line=b"HTTP/1.1 200OK\r\n"), "head-bad-status", ""),
    Spoiled("HTTP/2", answer(LENGTH, line=b"HTTP/2.0 200 OK\r\n"), "head-bad-version", ""),
    Spoiled("HTTP/2 and no minor", answer(LENGTH, line=b"HTTP/2 200 OK\r\n"), "head-bad-version", ""),
    Spoiled("no point", answer(LENGTH, line=b"HTTP/11 200 OK\r\n"), "head-bad-version", ""),
    # Lines: what could split a response in two
    Spoiled("no colon", answer(b"XBad\r\n" + LENGTH), "head-bad-field", "a field line has no colon"),
    Spoiled("an empty name", answer(b": v\r\n" + LENGTH), "head-bad-field", "a field line has no name"),
    Spoiled("NUL in a value", answer(b"X: a\x00b\r\n" + LENGTH), "head-bad-field", "a field value holds NUL"),
    Spoiled("bare CR before a field", answer(b"X: a\rSet-Cookie: b\r\n" + LENGTH),
            "head-bad-field", "a CR is not followed by LF"),
    Spoiled("bare CR in a cookie", answer(b"Set-Cookie: a=b\rc\r\n" + LENGTH),
            "head-bad-field", "a CR is not followed by LF"),
    Spoiled("a control octet in a cookie", answer(b"Set-Cookie: a=\x01\r\n" + LENGTH),
            "head-bad-field", "a field value holds a control octet"),
    Spoiled("bare LF before a field", answer(b"X: a\nSet-Cookie: b\r\n" + LENGTH), "head-bad-field", "bare LF ends a line"),
    Spoiled("bare LF before a head", answer(b"Location: /\n\nHTTP/1.1 200 OK\nX: y\r\n" + LENGTH),
            "head-bad-field", "bare LF ends a line"),
    Spoiled("LF everywhere", FORGED.replace(b"\r", b""), "head-bad-field", "bare LF ends a line"),
    Spoiled("obs-text in a name", answer(b"X\xe4: a\r\n" + LENGTH),
            "head-bad-field", "a field name is not a token followed by a colon"),
    Spoiled("a space in a name", answer(b"X Y: a\r\n" + LENGTH),
            "head-bad-field", "a field name is not a token followed by a colon"),
    Spoiled("a space before the first field", answer(b" X: a\r\n" + LENGTH),
            "head-bad-field", "whitespace stands between the start line and the first field"),
    Spoiled("DEL in a value", answer(b"X: \x7f\r\n" + LENGTH), "head-bad-field", "a field value holds a control octet"),
    Spoiled("a control octet in the reason", answer(LENGTH, line=b"HTTP/1.1 200 O\x01K\r\n"),
            "head-bad-field", "the reason phrase holds a control octet"),
    Spoiled("NUL in the reason", answer(LENGTH, line=b"HTTP/1.1 200 O\x00K\r\n"),
            "head-bad-field", "the reason phrase holds a control octet"),
    Spoiled("a field in the reason", answer(LENGTH, line=b"HTTP/1.1 200 OK\rX: y\r\n"),
            "head-bad-field", "a CR is not followed by LF"),
    # Bounds
    Spoiled("a large field", answer(b"X: " + b"y" * 40_000 + b"\r\n" + LENGTH), "head-too-large", ""),
    Spoiled("a field without end", b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000, "head-too-large", ""),
    Spoiled("many fields", answer(b"X: y\r\n" * 129 + LENGTH), "head-too-large", ""),
    Spoiled("interim responses without end", b"HTTP/1.1 102 Processing\r\n\r\n" * 2000 + FORGED, "resp-1xx-flood", ""),
    # Another protocol, and chunks that are none
    Spoiled("101 that nobody asked for", answer(b"Connection: Upgrade\r\nUpgrade: websocket\r\n", FORGED,
                                                b"HTTP/1.1 101 Switching Protocols\r\n"), "head-unsolicited-101", ""),
    Spoiled("a chunk of letters", by_chunks(b"ZZ\r\nok\r\n"), "body-chunk-malformed", ""),
    Spoiled("a chunk over 2^64", by_chunks(b"FFFFFFFFFFFFFFFFF\r\nok\r\n"), "body-chunk-malformed", ""),
    Spoiled("a chunk with a prefix", by_chunks(b"0x2\r\nok\r\n0\r\n\r\n"), "body-chunk-malformed", ""),
    Spoiled("a negative chunk", by_chunks(b"-1\r\n"), "body-chunk-malformed", ""),
    Spoiled("a chunk in blanks", by_chunks(b" 2 \r\nok\r\n0\r\n\r\n"), "body-chunk-malformed", ""),
    Spoiled("a chunk behind LF", by_chunks(b"2\nok\r\n0\r\n\r\n"), "body-chunk-malformed", ""),
    Spoiled("a chunk longer than its size", by_chunks(b"2\r\nokay\r\n0\r\n\r\n"), "body-chunk-malformed", ""),
    Spoiled("LF in an extension", by_chunks(b"2;a\n\r\nok\r\n0\r\n\r\n"), "body-chunk-malformed", ""),
]

EARLY = b"HTTP/1.1 103 Early Hints\r\n"
TOLD = [
    # Framing in one form
    Told("a length", answer(LENGTH), PLAIN),
    Told("a length of 0", answer(b"Content-Length: 0\r\n", b""), told(framing=(b"Content-Length: 0",))),
    Told("a length with zeros and blanks", answer(b"content-length:\t 002 \r\n"), PLAIN),
    Told("a length twice", answer(LENGTH + LENGTH), PLAIN),
    Told("a length twice in a list", answer(b"Content-Length: 2 , 2\r\n"), PLAIN),
    Told("a length that Connection names", answer(b"Connection: Content-Length\r\n" + LENGTH), PLAIN),
    Told("a folded length", answer(b"Content-Length:\r\n 2\r\n"), PLAIN),
    Told("a space before the colon of the length", answer(b"Content-Length : 2\r\n"), PLAIN),
    Told("chunks", by_chunks(b"2\r\nok\r\n0\r\n\r\n"), CHUNKED_OK),
    Told("a coding in capitals and blanks", answer(b"transfer-encoding:\tCHUNKED \t\r\n", b"2\r\nok\r\n0\r\n\r\n"), CHUNKED_OK),
    Told("a folded coding", answer(b"Transfer-Encoding:\r\n chunked\r\n", b"2\r\nok\r\n0\r\n\r\n"), CHUNKED_OK),
    Told("sizes with zeros, extensions", by_chunks(b'0002;a="\r\n0"'.replace(b"\r\n", b"") + b"\r\nok\r\n000;x=y\r\n\r\n"),
         CHUNKED_OK),
    Told("chunks that came together", by_chunks(b"1\r\no\r\n1\r\nk\r\n0\r\n\r\n"), CHUNKED_OK),
    Told("a last chunk inside a chunk", by_chunks(b"5\r\n0\r\n\r\n\r\n0\r\n\r\n"),
         told(framing=CHUNKS, body=b"5\r\n0\r\n\r\n\r\n0\r\n\r\n")),
    Told("chunks for HTTP/1.0", by_chunks(b"2\r\nok\r\n0\r\n\r\n"), told(framing=CLOSE, body=b"ok"),
         client=CLOSED, version="1.0"),
    Told("up to the end", answer(b""), CHUNKED_OK, CLOSED, then="fin"),
    Told("up to the end for HTTP/1.0", answer(b""), told(framing=CLOSE, body=b"ok"), CLOSED, CLOSED, version="1.0",
         then="fin"),
    Told("HTTP/1.0", answer(LENGTH, line=b"HTTP/1.0 200 OK\r\n"), PLAIN, CLOSED),
    Told("HTTP/1.0 that stays", answer(b"Connection: keep-alive\r\n" + LENGTH, line=b"HTTP/1.0 200 OK\r\n"), PLAIN),
    Told("a minor version to come", answer(LENGTH, line=b"HTTP/1.9 200 OK\r\n"), PLAIN),
    Told("close", answer(b"Connection: close\r\n" + LENGTH), PLAIN, CLOSED),
    # No body, whatever the head says
    Told("204 with a length", answer(LENGTH, b"", b"HTTP/1.1 204 None\r\n"), told(line=b"HTTP/1.1 204 None")),
    Told("204 with chunks", answer(CHUNKED, b"", b"HTTP/1.1 204 None\r\n"), told(line=b"HTTP/1.1 204 None")),
    Told("204 with a body", answer(b"", FORGED, b"HTTP/1.1 204 None\r\n"), told(line=b"HTTP/1.1 204 None"), CLOSED),
    Told("304 with a length", answer(b"Content-Length: 05\r\n", b"", b"HTTP/1.1 304 Same\r\n"),
         told(line=b"HTTP/1.1 304 Same", framing=(b"Content-Length: 5",))),
    Told("304 with a body", answer(LENGTH, b"ok", b"HTTP/1.1 304 Same\r\n"),
         told(line=b"HTTP/1.1 304 Same", framing=TWO), CLOSED),
    Told("304 with chunks", answer(CHUNKED, b"2\r\nok\r\n0\r\n\r\n", b"HTTP/1.1 304 Same\r\n"),
         told(line=b"HTTP/1.1 304 Same"), CLOSED),
    Told("HEAD", answer(LENGTH, b""), told(framing=TWO), method="HEAD"),
    Told("HEAD with a body", answer(LENGTH), told(framing=TWO), CLOSED, method="HEAD"),
    Told("HEAD with chunks", by_chunks(b"2\r\nok\r\n0\r\n\r\n"), told(), CLOSED, method="HEAD"),
    Told("HEAD and another answer", answer(b"Content-Length: 500\r\n", FORGED),
         told(framing=(b"Content-Length: 500",)), CLOSED, method="HEAD"),
    # Behind the end
    Told("bytes behind a length", answer(LENGTH, b"okEXTRA"), PLAIN, CLOSED),
    Told("an answer behind an answer", answer(LENGTH) + FORGED, PLAIN, CLOSED),
    Told("a thousand answers behind an answer", answer(LENGTH) + FORGED * 1000, PLAIN, CLOSED),
    Told("CRLF behind an answer", answer(LENGTH, b"ok\r\n"), PLAIN, CLOSED),
    Told("an answer behind chunks", by_chunks(b"2\r\nok\r\n0\r\n\r\n") + FORGED, CHUNKED_OK, CLOSED),
    Told("CRLF behind chunks", by_chunks(b"2\r\nok\r\n0\r\n\r\n\r\n"), CHUNKED_OK, CLOSED),
    Told("an answer as body", answer(b"Content-Length: %d\r\n" % len(FORGED), FORGED),
         told(framing=(b"Content-Length: %d" % len(FORGED),), body=FORGED)),
    # Lines in one form
    Told("no reason", answer(LENGTH, line=b"HTTP/1.1 200\r\n"), told(line=b"HTTP/1.1 200 ", framing=TWO, body=b"ok")),
    Told("an empty reason", answer(LENGTH, line=b"HTTP/1.1 200 \r\n"),
         told(line=b"HTTP/1.1 200 ", framing=TWO, body=b"ok")),
    Told("a reason in other letters", answer(LENGTH, line=b"HTTP/1.1 200 \xe4\t x\r\n"),
         told(line=b"HTTP/1.1 200 \xe4\t x", framing=TWO, body=b"ok")),
    Told("blanks around values", answer(b"A:1\r\nB:\t 2\t \r\nC:\r\n" + LENGTH),
         told(b"A: 1", b"B: 2", b"C: ", framing=TWO, body=b"ok")),
    Told("a fold", answer(b"A: 1\r\n\t2\r\n" + LENGTH), told(b"A: 1   2", framing=TWO, body=b"ok")),
    Told("a field in a fold", answer(b"A: 1\r\n Set-Cookie: a=b\r\n" + LENGTH),
         told(b"A: 1   Set-Cookie: a=b", framing=TWO, body=b"ok")),
    Told("a space before a colon", answer(b"A \t: 1\r\n" + LENGTH), told(b"A: 1", framing=TWO, body=b"ok")),
    Told("hop-by-hop fields", answer(b"Keep-Alive: timeout=5\r\nProxy-Connection: x\r\nUpgrade: h2c\r\nTE: x\r\n"
                                     b"Connection: X-A, Upgrade\r\nX-A: 1\r\n" + LENGTH), PLAIN),
    Told("cookies that Connection names", answer(b"Connection: Set-Cookie\r\nSet-Cookie: a=b\r\nSet-Cookie: c=d\r\n" + LENGTH),
         told(b"Set-Cookie: a=b", b"Set-Cookie: c=d", framing=TWO, body=b"ok")),
    Told("blame that is ours to say", answer(b"Error-Cause: db\r\nError-Id: \"x\"\r\nProxy-Status: whichhop; error=x\r\n" + LENGTH),
         PLAIN),
    Told("CR and LF as escapes", answer(b"Location: /%0d%0aSet-Cookie:%20a=b\r\n" + LENGTH),
         told(b"Location: /%0d%0aSet-Cookie:%20a=b", framing=TWO, body=b"ok")),
    Told("trailers", by_chunks(b"2\r\nok\r\n0\r\nX:\ty \r\n\r\n"), told(framing=CHUNKS, body=b"2\r\nok\r\n0\r\nX: y\r\n\r\n")),
    Told("trailers that frame, route, let in or blame",
         by_chunks(b"2\r\nok\r\n0\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\nHost: x\r\nSet-Cookie: a=b\r\n"
                   b"Content_Length: 9\r\nConnection: close\r\nError-Cause: db\r\nX: y\r\n\r\n"),
         told(framing=CHUNKS, body=b"2\r\nok\r\n0\r\nX: y\r\n\r\n")),
    Told("trailers for HTTP/1.0", by_chunks(b"2\r\nok\r\n0\r\nX: y\r\n\r\n"), told(framing=CLOSE, body=b"ok"),
         client=CLOSED, version="1.0"),
    # Interim responses
    Told("an interim response", EARLY + b"Link:</a>\r\nContent-Length: 5\r\nConnection: x\r\n\r\n" + answer(LENGTH),
         told(framing=TWO, body=b"ok", interim=EARLY + b"Link: </a>\r\n\r\n")),
    Told("an interim response for HTTP/1.0", EARLY + b"\r\n" + answer(LENGTH),
         told(framing=TWO + CLOSE, body=b"ok"), client=CLOSED, version="1.0"),
    Told("100 that nobody waits for", b"HTTP/1.1 100 Continue\r\n\r\n" + answer(LENGTH),
         told(framing=TWO, body=b"ok", interim=b"HTTP/1.1 100 Continue\r\n\r\n")),
    Told("an interim response with chunks", EARLY + CHUNKED + b"\r\n" + answer(LENGTH),
         told(framing=TWO, body=b"ok", interim=EARLY + b"\r\n")),
    # Cut short: never made to look whole
    Told("a length cut by a FIN", answer(b"Content-Length: 9\r\n"),
         told(framing=(b"Content-Length: 9",), body=b"ok"), CLOSED, CLOSED, then="fin"),
    Told("a length cut by a RST", answer(b"Content-Length: 9\r\n"),
         told(framing=(b"Content-Length: 9",), body=b"ok"), CLOSED, CLOSED, then="rst"),
    Told("chunks cut by a FIN", by_chunks(b"2\r\nok\r\n"), told(framing=CHUNKS, body=b"2\r\nok\r\n"), CLOSED, CLOSED,
         then="fin"),
    Told("chunks cut in the last one", by_chunks(b"2\r\nok\r\n0\r\n"), told(framing=CHUNKS, body=b"2\r\nok\r\n"), CLOSED,
         CLOSED, then="fin"),
    Told("chunks cut for HTTP/1.0", by_chunks(b"2\r\nok\r\n"), told(framing=CLOSE, body=b"ok"), CLOSED, RESET,
         version="1.0", then="fin"),
    Told("up to the end, and a RST", answer(b""), told(framing=CHUNKS, body=b"2\r\nok\r\n"), CLOSED, CLOSED, then="rst"),
    Told("up to the end, and a RST, for HTTP/1.0", answer(b""), told(framing=CLOSE, body=b"ok"), CLOSED, RESET,
         version="1.0", then="rst"),
]
