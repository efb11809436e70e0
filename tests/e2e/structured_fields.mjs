// The oracle of fields_test.py: an independent parser of structured fields.
//
// One JSON object a line on stdin, {"kind": "list" | "item", "value": "..."};
// one a line on stdout: {"value": ...} or {"error": "..."}. An item is
// [bare, parameters], a bare item {"token": ...} or {"string": ...} and so on.

import readline from 'node:readline';
import {DisplayString, ParseError, Token, parseItem, parseList} from 'structured-headers';

function bare(value) {
  if (value instanceof Token) return {token: value.toString()};
  if (value instanceof DisplayString) return {display: value.toString()};
  if (value instanceof Date) return {date: value.getTime() / 1000};
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) {
    return {bytes: Buffer.from(value).toString('base64')};
  }
  return {[typeof value]: value};
}

function item([value, parameters]) {
  const inside = Array.isArray(value) ? {inner: value.map(item)} : bare(value);
  return [inside, [...parameters].map(([key, parameter]) => [key, bare(parameter)])];
}

function answer({kind, value}) {
  try {
    return {value: kind === 'list' ? parseList(value).map(item) : item(parseItem(value))};
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    return {error: error.message};
  }
}

for await (const line of readline.createInterface({input: process.stdin})) {
  process.stdout.write(JSON.stringify(answer(JSON.parse(line))) + '\n');
}
