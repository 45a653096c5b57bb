// What an operator watches: a real Prometheus scrapes an agw-server with calls, its rules and the dashboard's queries answer, every panel of the dashboard
// shows what happened, every series was there before anything happened, every metric that the guide, the rules or the dashboard name is there, and the guide's table is what /metrics says. AGW_WRITE_METRICS=1 writes that table anew.
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import dgram from 'node:dgram';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { free_port, start } from '../chromium/programs.mjs';
import { families, missing_names, names_in, series_in, table, table_of } from './metrics.mjs';

const here = import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname);
const docs = path.join(here, '../../../apps/server/docs');
const bin = process.env.AGW_BIN ?? path.resolve(here, '../../../build/bin');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'agw-monitoring-'));
const rules_file = path.join(docs, 'prometheus/agw.rules.yml');
const dashboard = JSON.parse(fs.readFileSync(path.join(docs, 'grafana/agw.json'), 'utf8'));
const guide = path.join(docs, 'monitor.md');
// Names that come with a branch which is not merged yet; the file goes when they are all there.
const pending_file = path.join(here, 'monitoring.pending');
const pending = new Set(fs.existsSync(pending_file) ? fs.readFileSync(pending_file, 'utf8').split(/\s+/).filter(Boolean) : []);

const places = 8; // contexts: 6 calls stand, and a flood of calls finds them out

let agw, prometheus, api, calls, seen, from_the_start;

before(async () => {
  const config = path.join(folder, 'agw.toml');
  fs.writeFileSync(config, `[limits]\ncontexts = ${places}\noverload_percent = 100\n`);
  agw = await start(['--config', config]);
  from_the_start = series_in(await agw.metrics());
  calls = spawn(path.join(bin, 'pion-wic'), ['-url', ws(), '-calls', '6', '-parallel', '6', '-messages', '20', '-hold', '900s'], { stdio: 'ignore' }); // until it is ended
  await spawn_and_wait('pion-wic', ['-url', ws(), '-bad', 'wrong-fingerprint']);
  await agw.reaches('agw_contexts', 6);
  prometheus = await start_prometheus();
  seen = families(await agw.metrics());
});
after(async () => {
  for (const child of [calls, prometheus]) {
    if (!child || child.exitCode !== null) continue;
    child.kill('SIGTERM');
    await new Promise((ended) => child.once('exit', ended));
  }
  await agw?.stop();
  fs.rmSync(folder, { recursive: true });
});

const ws = () => new URL('/ws', agw.url.replace(/^http/, 'ws')).href;
const later = (ms) => new Promise((done) => setTimeout(done, ms));

function spawn_and_wait(name, options) {
  return new Promise((ended) => spawn(path.join(bin, name), options, { stdio: 'ignore' }).once('exit', ended));
}

async function start_prometheus() {
  const config = path.join(folder, 'prometheus.yml');
  const [, target] = agw.server.log.match(/HTTP on (\S+),/);
  fs.writeFileSync(config, [
    'global: {scrape_interval: 1s, evaluation_interval: 1s}',
    `rule_files: ["${rules_file}"]`,
    `scrape_configs: [{job_name: agw, static_configs: [{targets: ["${target}"]}]}]`,
  ].join('\n'));
  execFileSync('promtool', ['check', 'config', config]);
  const port = await free_port();
  const child = spawn('prometheus', [`--config.file=${config}`, `--storage.tsdb.path=${folder}/data`, `--web.listen-address=127.0.0.1:${port}`], { stdio: ['ignore', 'ignore', 'pipe'] });
  let log = '';
  child.stderr.on('data', (data) => (log += data));
  api = async (what, parameters = {}) => {
    const answer = await fetch(`http://127.0.0.1:${port}/api/v1/${what}?${new URLSearchParams(parameters)}`);
    const body = await answer.json();
    assert.equal(body.status, 'success', `${JSON.stringify(parameters)}: ${body.error}`);
    return body.data;
  };
  for (const until = performance.now() + 30000; ; await later(200)) {
    const scraped = await api('query', { query: 'count_over_time(up[1m])' }).catch(() => undefined);
    if (Number(scraped?.result[0]?.value[1]) >= 5) return child;
    if (performance.now() > until || child.exitCode !== null) throw new Error(`no scrapes:\n${log.slice(-3000)}`);
  }
}

// As Grafana fills in its variables.
const filled = (expr) => expr.replaceAll('$__rate_interval', '10s').replaceAll('$instance', '.*');
const dashboard_queries = [
  ...dashboard.panels.flatMap((panel) => panel.targets ?? []),
  ...dashboard.annotations.list,
].map((target) => target.expr).filter(Boolean);

test('promtool accepts the rules, and each alert has a case in which it fires and one in which it is quiet', () => {
  execFileSync('promtool', ['check', 'rules', rules_file]);
  const tests_file = rules_file.replace('.yml', '.test.yml');
  execFileSync('promtool', ['test', 'rules', tests_file], { stdio: 'pipe' });
  const cases = fs.readFileSync(tests_file, 'utf8');
  const troubleshooting = fs.readFileSync(path.join(docs, 'troubleshooting.md'), 'utf8');
  const anchors = new Set([...troubleshooting.matchAll(/^#+ (.*)$/gm)].map(([, title]) => title.toLowerCase().replace(/[^\w\s-]/g, '').trim().replace(/\s+/g, '-')));
  const rules = fs.readFileSync(rules_file, 'utf8');
  const alerts = [...rules.matchAll(/- alert: (\w+)[^]*?see: (\S+)/g)];
  assert.ok(alerts.length > 20);
  for (const [, alert, see] of alerts) {
    assert.match(cases, new RegExp(`name: ${alert} fires\\n`));
    assert.match(cases, new RegExp(`name: ${alert} is quiet\\n`));
    assert.ok(anchors.has(see), `${alert}: troubleshooting.md has no heading ${see}`);
    assert.ok(troubleshooting.includes(alert), `troubleshooting.md does not name ${alert}`);
  }
});

test('Prometheus scrapes without an error and loads every rule', async () => {
  const [target] = (await api('targets')).activeTargets;
  assert.equal(target.health, 'up', target.lastError);
  const rules = (await api('rules')).groups.flatMap((group) => group.rules);
  for (const rule of rules) assert.equal(rule.health, 'ok', `${rule.name}: ${rule.lastError}`);
  assert.ok(rules.length > 20);
});

test('no alert fires that a gateway with calls has no reason for', async () => {
  const { alerts } = await api('alerts'); // pending ones too: `for` is longer than this test
  assert.deepEqual(alerts.map((a) => a.labels.alertname), []);
});

test('every query of rules and dashboard answers', async () => {
  const rules = (await api('rules')).groups.flatMap((group) => group.rules);
  const queries = [...rules.map((rule) => rule.query), ...dashboard_queries.map(filled)];
  assert.ok(queries.length > 50);
  for (const query of queries) await api('query', { query });
});

test('the dashboard is one that Grafana lays out: panels have ids, places, a data source and legends of their own', () => {
  const ids = new Set();
  const taken = new Map();
  for (const panel of dashboard.panels) {
    assert.ok(!ids.has(panel.id), `id ${panel.id} twice`);
    ids.add(panel.id);
    const { x, y, w, h } = panel.gridPos;
    assert.ok(x >= 0 && x + w <= 24, panel.title);
    for (let i = x; i < x + w; i += 1) {
      for (let j = y; j < y + h; j += 1) {
        assert.equal(taken.get(`${i},${j}`), undefined, `${panel.title} lies on another panel`);
        taken.set(`${i},${j}`, panel.title);
      }
    }
    if (panel.type === 'row') continue;
    assert.equal(panel.datasource.uid, '${datasource}', panel.title);
    assert.equal(new Set(panel.targets.map((t) => t.refId)).size, panel.targets.length, panel.title);
  }
  for (const query of dashboard_queries) assert.doesNotMatch(filled(query), /\$/, 'a variable that the dashboard does not have');
});

test('queries of a loaded gateway have the values that the load makes', async () => {
  const value = async (query) => Number((await api('query', { query: filled(query) })).result[0]?.value[1]);
  assert.equal(await value('agw_contexts'), 6);
  assert.ok((await value('agw_terminations')) >= 12);
  assert.equal(await value('agw_sctp_established'), 6);
  assert.ok((await value('sum(agw_relayed_messages_total)')) >= 6 * 20 * 2);
  assert.ok((await value('histogram_quantile(0.95, sum by (le) (agw_stage_duration_seconds_bucket{stage="dtls"}))')) > 0);
  assert.equal(await value('agw_stage_failures_total{stage="dtls",reason="fingerprint"}'), 1);
  assert.ok((await value('sum(agw_h248_transactions_total{command=~"(?i)add",direction="received",result="ok"})')) >= 6);
});

// What nothing in this test makes, and why.
const empty_here = new Map([['Starts', 'a gateway that was started once, before Prometheus looked']]);

test('every panel of the dashboard shows what happens, by the labels of its legend', async () => {
  // Calls that end, fail and are refused, and messages that are dropped, while Prometheus looks.
  const begin = Date.now() / 1000;
  await spawn_and_wait('pion-wic', ['-url', ws(), '-bad', 'wrong-fingerprint']);
  await spawn_and_wait('pion-wic', ['-url', ws(), '-calls', '8', '-parallel', '8', '-messages', '2']);
  const [, host, port] = agw.server.log.match(/H\.248 on ([\d.]+):(\d+)/);
  const stranger = dgram.createSocket('udp4');
  await new Promise((sent) => stranger.send('!/3 [192.0.2.1] T=1{C=*{S=*}}', Number(port), host, sent));
  stranger.close();
  await later(4000);
  const range = { start: begin - 5, end: Date.now() / 1000, step: 1 };
  const targets = [
    ...dashboard.panels.flatMap((panel) => (panel.targets ?? []).map((target) => ({ ...target, title: panel.title }))),
    ...dashboard.annotations.list.map((a) => ({ expr: a.expr, legendFormat: a.titleFormat, title: a.name })),
  ];
  assert.ok(targets.length > 35);
  for (const { title, expr, legendFormat } of targets) {
    const { result } = await api('query_range', { query: filled(expr), ...range });
    const shown = result.filter(({ values }) => values.some(([, value]) => Number.isFinite(Number(value))));
    if (empty_here.has(title)) {
      assert.equal(shown.length, 0, `${title} has data: it is not to be explained`);
      continue;
    }
    assert.ok(shown.length > 0, `${title}: ${expr} shows nothing`);
    for (const [, label] of (legendFormat ?? '').matchAll(/\{\{(\w+)\}\}/g)) {
      for (const { metric } of shown) assert.ok(metric[label], `${title}: the legend has {{${label}}}, the series ${JSON.stringify(metric)} has not`);
    }
  }
  const labels = async (title, label) => {
    const [{ expr }] = targets.filter((t) => t.title === title);
    return (await api('query_range', { query: filled(expr), ...range })).result.map(({ metric }) => metric[label]);
  };
  for (const cause of ['controller', 'dtls:fingerprint']) assert.ok((await labels('Calls that end, by cause', 'cause')).includes(cause), cause);
  assert.deepEqual(await labels('Commands refused, by error code', 'code'), ['412']);
  assert.ok((await labels('Dropped, by layer and cause', 'cause')).includes('refused-peer'));
  const [variable] = dashboard.templating.list.filter((v) => v.type === 'query').map((v) => v.definition.match(/^label_values\((\w+), (\w+)\)$/));
  const series = await api('series', { 'match[]': variable[1] });
  assert.ok(series.length > 0 && series.every((s) => s[variable[2]]), variable[0]);
});

test('every series was there from the start, so that the first failure is an increase', async () => {
  const now = series_in(await agw.metrics());
  assert.ok(now.size > 300);
  assert.deepEqual([...now].filter((one) => !from_the_start.has(one)), []);
});

test('every metric that rules, dashboard and guide name is at /metrics', () => {
  const named = new Set([...names_in(fs.readFileSync(rules_file, 'utf8').matchAll(/expr: (?:>-\n)?((?: {10}.*\n|.*)+?)(?=\n {8}\w)/g)), ...names_in(dashboard_queries.map((q) => [, q]))]);
  assert.ok(named.size > 25, [...named].join(' '));
  const { missing, no_longer } = missing_names(named, seen, pending);
  assert.deepEqual(missing, []);
  assert.deepEqual(no_longer, [], `these are there now: delete them from ${path.basename(pending_file)}`);
});

test("the guide's table is what /metrics says", () => {
  const text = fs.readFileSync(guide, 'utf8');
  const rows = table_of(text);
  if (process.env.AGW_WRITE_METRICS) {
    fs.writeFileSync(guide, text.replace(/(<!-- metrics -->\n)[^]*(<!-- end -->)/, (_, begin, end) => `${begin}${table(seen, rows, pending)}${end}`));
    return;
  }
  for (const [name, family] of seen) {
    const row = rows.get(name);
    assert.ok(row, `monitor.md does not have ${name}; AGW_WRITE_METRICS=1 writes its table`);
    assert.equal(row.type, family.type, name);
    assert.equal(row.help, family.help, name);
    for (const label of family.labels) assert.ok(row.labels.includes(label), `${name}: label ${label}`);
  }
  const gone = [...rows.keys()].filter((name) => !seen.has(name) && !pending.has(name));
  assert.deepEqual(gone, [], 'monitor.md names metrics that are not there');
});
