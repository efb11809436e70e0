// What html-validate says of pages.
//
// A list of {"name", "html", "rules"} on stdin: rules that are to differ from its own recommended
// ones. On stdout {name: what it finds}.

import fs from 'node:fs';
import {HtmlValidate} from 'html-validate';

const found = {};
for (const {name, html, rules} of JSON.parse(fs.readFileSync(0, 'utf8'))) {
  const checker = new HtmlValidate({extends: ['html-validate:recommended'], rules});
  const report = await checker.validateString(html);
  found[name] = report.results.flatMap(result => result.messages.map(
    ({ruleId, message, line, column}) => `${line}:${column} ${ruleId}: ${message}`));
}
process.stdout.write(JSON.stringify(found));
