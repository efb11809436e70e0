// The errors of an application, captured as Express sends them: writes express-*.http beside itself.
// (nginx-*.http are of nginx 1.22 with `error_page 404 /index.html` before a Vite build, and the same
// with `gzip on`.) Run: NODE_PATH=/usr/share/nodejs node capture.js

const fs = require('fs');
const net = require('net');
const path = require('path');
const zlib = require('zlib');
const express = require('express');

const page = text => `<!doctype html>\n<html><head><title>Oops</title></head><body><p>${text}</p></body></html>\n`;
const app = express();
const on = (name, answer) => app.get('/' + name, (_, response) => answer(response));
on('json', r => r.status(404).json({error: {code: 'order_not_found', message: 'No order 7'}}));
on('json-array', r => r.status(400).json([{field: 'email', message: 'is missing'}]));
on('problem', r => r.status(503).type('application/problem+json').send(JSON.stringify(
  {type: 'https://shop.example/probs/out-of-stock', title: 'Out of stock', status: 503, instance: '/orders/7'})));
on('text', r => r.status(500).type('text/plain').send('no such order'));
on('page', r => r.status(500).send(page('Something broke.')));
on('page-no-transform', r => r.status(500).set('Cache-Control', 'no-transform').send(page('Something broke.')));
on('page-brotli', r => r.status(500).set('Content-Encoding', 'br').type('html').send(
  zlib.brotliCompressSync(page('Something broke.'))));
on('events', r => {
  r.status(503).type('text/event-stream').write('event: error\ndata: busy\n\n');
  r.end('event: error\ndata: still busy\n\n');
});
on('attachment', r => r.status(404).attachment('orders.html').send(page('No such file.')));
on('multipart', r => r.status(416).type('multipart/byteranges; boundary=a').send(
  Buffer.from('--a\r\nContent-Type: text/plain\r\n\r\nnone\r\n--a--\r\n')));
on('empty', r => r.status(502).end());
on('xml', r => r.status(403).type('application/xml').send('<?xml version="1.0"?>\n<error>denied</error>\n'));
on('png', r => r.status(404).type('png').send(Buffer.from('\x89PNG\r\n\x1a\n', 'latin1')));

const server = app.listen(0, '127.0.0.1', async () => {
  for (const {route} of app._router.stack.filter(layer => layer.route)) {
    const name = route.path.slice(1);
    const chunks = [];
    await new Promise(done => net.connect(server.address().port, '127.0.0.1')
      .on('data', chunk => chunks.push(chunk)).on('close', done)
      .end(`GET /${name} HTTP/1.1\r\nHost: shop.example\r\nConnection: close\r\n\r\n`));
    fs.writeFileSync(path.join(__dirname, `express-${name}.http`), Buffer.concat(chunks));
  }
  server.close();
});
