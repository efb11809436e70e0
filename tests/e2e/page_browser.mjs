// Pages of errors in one real browser, in every scheme and width that is asked for.
//
// One JSON object on stdin: {"browser": path, "schemes": [...], "widths": [...],
// "pages": [{"url", "language"}], "pictures": [{"url", "scheme", "width", "height", "path"}]}.
// One object a line on stdout: what was seen in each visit, then what html-validate says of each
// page. A picture is taken and nothing is said of it.

import fs from 'node:fs';
import {createRequire} from 'node:module';
import {HtmlValidate} from 'html-validate';
import {chromium} from 'playwright-core';

const axe = fs.readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const order = JSON.parse(fs.readFileSync(0, 'utf8'));
const say = what => process.stdout.write(JSON.stringify(what) + '\n');

// Runs in the page: its boxes as they are painted, and what does not fit.
function look() {
  const boxes = {};
  const misfits = [];
  for (const group of document.querySelectorAll('.diagram [data-hop]')) {
    const hop = group.dataset.hop;
    const rect = group.querySelector('rect');
    const room = rect.getBoundingClientRect();
    const texts = [...group.querySelectorAll('text')];
    const places = texts.map(text => text.getBoundingClientRect());
    places.forEach((place, i) => {
      if (place.left < room.left || place.right > room.right || place.top < room.top ||
          place.bottom > room.bottom) misfits.push(`${hop}: ${texts[i].textContent}`);
      for (const other of places.slice(i + 1)) {
        if (place.left < other.right && other.left < place.right && place.top < other.bottom - 3 &&
            other.top < place.bottom - 3) misfits.push(`${hop}: ${texts[i].textContent} overlaps`);
      }
    });
    if (hop in boxes) misfits.push(`${hop} stands twice`);
    const style = getComputedStyle(rect);
    boxes[hop] = {
      fill: style.fill, stroke: style.stroke, dashed: style.strokeDasharray !== 'none',
      text: [...new Set(texts.map(text => getComputedStyle(text).fill))],
      words: texts.map(text => text.textContent),
    };
  }
  const known = {};
  for (const term of document.querySelectorAll('#hops dt')) {
    known[term.textContent] = [...term.nextElementSibling.querySelectorAll('code')].map(
      code => code.textContent);
  }
  const root = document.documentElement;
  return {
    boxes, misfits, known, language: root.lang, background: getComputedStyle(document.body).backgroundColor,
    scrolls: root.scrollWidth > root.clientWidth, text: document.body.innerText,
  };
}

// What axe-core finds in the page that is shown.
async function audit(page) {
  await page.evaluate(axe + ';0');
  const found = await page.evaluate(
    () => axe.run({resultTypes: ['violations'], preload: false}));
  return found.violations.map(
    ({id, nodes}) => `${id}: ${nodes.map(node => node.html.slice(0, 120)).join(' ')}`);
}

async function visit(page, url, asked, said) {
  asked.length = said.length = 0;
  const response = await page.goto(url);
  const html = await response.text();
  const seen = await page.evaluate(look);
  return {...seen, status: response.status(), fields: response.headers(), requests: [...asked],
          console: [...said], html};
}

const browser = await chromium.launch({
  executablePath: order.browser, args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-proxy-server'],
});
const sources = new Map();
// Half of the pages by turns: each in every scheme and in every width, and every way for some.
const isAudited = (at, scheme, width) => (at + scheme + width) % 2 === 0;

for (const [scheme_at, scheme] of (order.schemes ?? []).entries()) {
  for (const [width_at, width] of order.widths.entries()) {
    for (const language of new Set(order.pages.map(page => page.language))) {
      const context = await browser.newContext(
        {colorScheme: scheme, viewport: {width, height: 800}, locale: language, hasTouch: width < 500});
      const page = await context.newPage();
      const asked = [];
      const said = [];
      page.on('request', request => asked.push(request.url()));
      page.on('console', message => said.push(message.text()));
      page.on('pageerror', error => said.push(String(error)));
      for (const [at, {url, language: its}] of order.pages.entries()) {
        if (its !== language) continue;
        const {html, ...seen} = await visit(page, url, asked, said);
        sources.set(`${url} ${language}`, html);
        const violations = isAudited(at, scheme_at, width_at) ? await audit(page) : null;
        say({url, scheme, width, wanted: language, ...seen, violations});
      }
      await context.close();
    }
  }
}
for (const {url, scheme, width, height, language, path} of order.pictures ?? []) {
  const context = await browser.newContext(
    {colorScheme: scheme, viewport: {width, height}, locale: language ?? 'en'});
  const page = await context.newPage();
  await page.goto(url);
  await page.screenshot({path});
  await context.close();
}
await browser.close();

const checker = new HtmlValidate({extends: ['html-validate:recommended']});
for (const [url, html] of sources) {
  const report = await checker.validateString(html);
  say({url, errors: report.results.flatMap(result => result.messages.map(
    ({ruleId, message, line, column}) => `${line}:${column} ${ruleId}: ${message}`))});
}
