// The real peers of tunnel_test.py: npm's ws, as a server and as clients.
//
//   node websockets.mjs server            echoes; says "listening on HOST:PORT"
//   node websockets.mjs client URL STORY  plays one; exits 0 if all was right

import assert from "node:assert/strict";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { createServer } from "node:http";
import { WebSocket, WebSocketServer } from "ws";

const LARGE = 16 * 1024 * 1024;
const OPTIONS = { maxPayload: 64 * 1024 * 1024, perMessageDeflate: false };

function serve() {
  const web = createServer((_, response) => response.end("plain"));
  const sockets = new WebSocketServer({ ...OPTIONS, noServer: true });
  web.on("upgrade", (request, socket, head) => {
    if (request.url === "/refused") {
      socket.end("HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Basic\r\n" +
                 "Content-Length: 4\r\nConnection: close\r\n\r\nkey?");
      return;
    }
    sockets.handleUpgrade(request, socket, head, (peer) => converse(peer, request.url));
  });
  web.listen(0, "127.0.0.1", () => console.log(`listening on 127.0.0.1:${web.address().port}`));
}

function converse(peer, url) {
  peer.on("error", () => {});
  peer.on("message", (data, binary) => {
    const text = binary ? "" : data.toString();
    if (text.startsWith("close ")) return peer.close(Number(text.slice(6)), "as you said");
    if (text === "ping me") return peer.ping("are you there");
    peer.send(data, { binary });
  });
  peer.on("pong", (data) => peer.send(`pong: ${data}`));
  if (url === "/greeting") peer.send("hello");  // in one write with the 101
}

async function open(url) {
  const peer = new WebSocket(url, OPTIONS);
  await once(peer, "open");
  return peer;
}

async function echoed(peer, data) {
  peer.send(data);
  const [answer, binary] = await once(peer, "message");
  assert.equal(binary, typeof data !== "string");
  assert.ok(Buffer.from(data).equals(answer));
}

async function closed(peer, code, reason) {
  const [gotCode, gotReason] = await once(peer, "close");
  assert.deepEqual([gotCode, gotReason.toString()], [code, reason]);
}

const stories = {
  async echo(url) {
    const peer = await open(url);
    for (const size of [0, 1, 125, 126, 65535, 65536, 200000]) {
      await echoed(peer, "x".repeat(size));
      await echoed(peer, randomBytes(size));
    }
    peer.close(1000, "done");
    await closed(peer, 1000, "done");
  },

  async greeting(url) {
    const peer = new WebSocket(url + "greeting", OPTIONS);
    const [hello] = await once(peer, "message");
    assert.equal(hello.toString(), "hello");
    peer.close();
    await closed(peer, 1005, "");
  },

  async large(url) {
    const peer = await open(url);
    for (let i = 0; i < 3; ++i) await echoed(peer, randomBytes(LARGE));
    peer.close(1000);
    await closed(peer, 1000, "");
  },

  // Each side sends without waiting for the other.
  async crossing(url) {
    const peer = await open(url);
    const sent = Array.from({ length: 64 }, () => randomBytes(256 * 1024));
    const got = [];
    peer.on("message", (data) => got.push(data));
    for (const data of sent) peer.send(data);
    while (got.length < sent.length) await once(peer, "message");
    assert.ok(Buffer.concat(sent).equals(Buffer.concat(got)));
    peer.terminate();
  },

  async fragmented(url) {
    const peer = await open(url);
    const whole = randomBytes(1024 * 1024);
    const answer = once(peer, "message");
    for (let at = 0; at < whole.length; at += 1000) {
      const fin = at + 1000 >= whole.length;
      peer.send(whole.subarray(at, at + 1000), { binary: true, fin });
      if (at % 100000 === 0) peer.ping();  // control frames may stand between
    }
    assert.ok(whole.equals((await answer)[0]));
    peer.close(1000);
    await closed(peer, 1000, "");
  },

  async ping(url) {
    const peer = await open(url);
    peer.ping("hey");
    assert.equal((await once(peer, "pong"))[0].toString(), "hey");
    peer.send("ping me");
    assert.equal((await once(peer, "message"))[0].toString(), "pong: are you there");
    peer.close(1000);
    await closed(peer, 1000, "");
  },

  async codes(url) {
    for (const code of [1000, 1001, 1011, 3000, 4999]) {
      const ours = await open(url);
      ours.close(code, "mine");
      await closed(ours, code, "mine");
      const theirs = await open(url);
      theirs.send(`close ${code}`);
      await closed(theirs, code, "as you said");
    }
  },

  async many(url) {
    const peers = await Promise.all(Array.from({ length: 200 }, () => open(url)));
    for (let round = 0; round < 5; ++round) {
      await Promise.all(peers.map((peer, i) => echoed(peer, randomBytes(1000 + 100 * i))));
    }
    for (const peer of peers) peer.close(1000);
    await Promise.all(peers.map((peer) => closed(peer, 1000, "")));
  },

  async refused(url) {
    const peer = new WebSocket(url + "refused", OPTIONS);
    peer.on("error", () => {});
    const [, response] = await once(peer, "unexpected-response");
    assert.equal(response.statusCode, 401);
    assert.equal(response.headers["www-authenticate"], "Basic");
    assert.equal((await response.toArray()).join(""), "key?");
  },
};

const [role, url, story] = process.argv.slice(2);
if (role === "server") {
  serve();
} else {
  await stories[story](url);
  process.exit(0);
}
