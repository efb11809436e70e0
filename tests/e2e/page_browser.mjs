// Pages of errors in one real browser, in every scheme and width that is asked for.
//
// One JSON object on stdin: {"browser": path, "schemes": [...], "widths": [...],
// "pages": [{"url", "language"}], "pictures": [{"url", "scheme", "width", "height", "path"}]}.
// One object a line on stdout: what was seen in each visit. A picture is taken and nothing is said
// of it.

import fs from 'node:fs';
import {createRequire} from 'node:module';
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
  const panel = document.querySelector('aside');
  return {
    boxes, misfits, known, language: root.lang, background: getComputedStyle(document.body).backgroundColor,
    scrolls: root.scrollWidth > root.clientWidth, text: document.body.innerText,
    panel: panel && getComputedStyle(panel).backgroundColor,
    intruders: [...document.querySelectorAll('img, script, iframe, link')].map(each => each.outerHTML),
  };
}

// What axe-core finds in the page that is shown: every rule that it runs by itself, and those of
// WCAG 2.2 AA, which it does not.
async function audit(page) {
  await page.evaluate(axe + ';0');
  const found = await page.evaluate(() => {
    const rules = Object.fromEntries(axe.getRules(['wcag22aa']).map(({ruleId}) => [ruleId, {enabled: true}]));
    return axe.run({resultTypes: ['violations'], rules});
  });
  return {
    passed: found.passes.map(({id}) => id),
    violations: found.violations.map(
      ({id, nodes}) => `${id}: ${nodes.map(node => node.html.slice(0, 120)).join(' ')}`),
  };
}

async function visit(page, url, asked, said) {
  asked.length = said.length = 0;
  const response = await page.goto(url);
  const seen = await page.evaluate(look);
  return {...seen, status: response.status(), fields: response.headers(), requests: [...asked],
          console: [...said]};
}

const browser = await chromium.launch({
  executablePath: order.browser,
  args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', '--no-proxy-server',
         '--host-resolver-rules=MAP *.test 127.0.0.1'],
});

async function visitAll(scheme, width, language) {
  const context = await browser.newContext(
    {colorScheme: scheme, viewport: {width, height: 800}, locale: language, hasTouch: width < 500});
  const page = await context.newPage();
  const asked = [];
  const said = [];
  page.on('request', request => asked.push(request.url()));
  page.on('console', message => said.push(message.text()));
  page.on('pageerror', error => said.push(String(error)));
  for (const {url, language: its, ...about} of order.pages) {
    if (its !== language) continue;
    const seen = await visit(page, url, asked, said);
    say({url, ...about, scheme, width, wanted: language, ...seen, ...await audit(page)});
  }
  await context.close();
}

for (const scheme of order.schemes ?? []) {
  for (const width of order.widths) {
    for (const language of new Set(order.pages.map(page => page.language))) {
      await visitAll(scheme, width, language);
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
