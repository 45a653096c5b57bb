// The night shift: each fault that an operator meets is made, and the line of the log and the metric that the guide names for it tell it, within the
// seconds that it names. Beside each fault a call goes on, text by text, where a call can. AGW_WRITE_NIGHT=1 writes the guide's table anew.
import assert from 'node:assert/strict';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { faults } from './night_faults.mjs';
import { condition_of, duration_of, later, pattern_of, quick, world } from './night_world.mjs';

const here = import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname);
const guide = path.join(here, '../../../apps/server/docs/troubleshooting.md');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'agw-night-'));
const at_a_time = 5;
const longest_pause_ms = 5000; // of a call that lives: the machine has other things to do as well

const chosen = faults.filter((f) => new RegExp(process.env.AGW_FAULT ?? '').test(f.fault));
const done = new Map();
before(() => {
  const patience = (f) => duration_of(f.within, { ...f.config, h248: quick });
  const left = [...chosen].sort((a, b) => patience(b) - patience(a));
  const next = async () => {
    for (let f = left.shift(); f; f = left.shift()) {
      const begin = performance.now();
      const ended = run(f).then((told) => ({ told, took: performance.now() - begin }), (error) => ({ error }));
      done.get(f).resolve(ended);
      await ended;
    }
  };
  for (const f of chosen) done.set(f, deferred());
  for (let i = 0; i < at_a_time; ++i) next();
});
after(() => fs.rmSync(folder, { recursive: true }));

function deferred() {
  const out = {};
  out.promise = new Promise((resolve) => (out.resolve = resolve));
  return out;
}

async function run(f) {
  const w = new world(folder, structuredClone(f.config ?? {}));
  try {
    await f.prepare?.(w);
    if (f.start) await f.start(w);
    else if (!f.alone) await w.start();
    const call = f.alone || f.idle ? undefined : await w.live();
    const told = await tells(f, w);
    if (call) {
      await call.goes_on();
      const pause = call.longest_pause(told.begin);
      assert.ok(pause < longest_pause_ms, `the call that was to live paused for ${pause} ms`);
    }
    await f.after?.(w);
    return told;
  } catch (error) {
    error.message += `\n${w.mg ? w.log().slice(-3000) : ''}`;
    throw error;
  } finally {
    await w.end();
  }
}

// Makes the fault, and waits for what tells it.
async function tells(f, w) {
  const condition = condition_of(f.metric);
  const pattern = pattern_of(f.line);
  const from = w.mg && f.make.length > 0 ? w.log().length : 0;
  const earlier = w.mg ? await w.samples() : undefined;
  const begin = performance.now();
  const over = await f.make(w);
  const made = performance.now();
  const limit = made + duration_of(f.within, w.config);
  let metric, line, recovered = !over;
  for (; metric === undefined || line === undefined; await later(50)) {
    if (metric === undefined && condition(await w.samples(), earlier)) metric = performance.now() - made;
    if (metric !== undefined && !recovered) {
      recovered = true;
      await over();
    }
    if (line === undefined && pattern.test(w.log().slice(from))) line = performance.now() - made;
    if (performance.now() < limit) continue;
    const samples = (await w.samples()).filter((s) => f.metric.startsWith(s.name)).map((s) => JSON.stringify(s));
    assert.ok(line !== undefined, `no line "${f.line}" within ${f.within}`);
    assert.ok(metric !== undefined, `not ${f.metric} within ${f.within}: ${samples.join(' ')}`);
  }
  if (earlier) assert_known(await w.samples(), earlier);
  return { begin, line, metric };
}

// A series that begins with 1 has no increase(): all are there from the start.
function assert_known(now, earlier) {
  const name_of = ({ name, labels }) => `${name}${JSON.stringify(labels)}`;
  const known = new Set(earlier.map(name_of));
  assert.deepEqual(now.map(name_of).filter((one) => one !== 'up{}' && !known.has(one)), [], 'series that were not there before the fault');
}

for (const f of chosen) {
  test(f.fault, async (t) => {
    const { told, took, error } = await done.get(f).promise;
    if (error) throw error;
    t.diagnostic(`line after ${told.line} ms, metric after ${told.metric} ms, ${took} ms in all`);
  });
}

test('the guide has these faults, lines, metrics and times, and no others', () => {
  const text = fs.readFileSync(guide, 'utf8');
  const cell = (words) => words.replaceAll('|', '\\|');
  const rows = faults.map((f) => `| ${f.fault} | \`${cell(f.line)}\` | \`${cell(f.metric)}\` | ${f.within} |`);
  const table = ['| fault | line of the log | metric | within |', '|---|---|---|---|', ...rows, ''].join('\n');
  const written = text.replace(/(<!-- night -->\n)[^]*(<!-- end -->)/, (_, begin, end) => `${begin}${table}${end}`);
  if (process.env.AGW_WRITE_NIGHT) fs.writeFileSync(guide, written);
  else assert.equal(text, written, 'AGW_WRITE_NIGHT=1 writes the table');
  assert.ok(written.includes(rows[0]), 'the guide has no place for the table');
});
