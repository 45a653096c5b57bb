// The peers that calls are made with. Each has `start(where)`, `where` being { prefix, address }: a command that runs it elsewhere, and its own address
// there; `call(url, scenario)`, which yields { ok, why?, cause, stages }, `end()`, and `cannot(row)`:
// why the peer itself, and not the gateway, rules a scenario out.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { launch, open } from '../chromium/browser.mjs';
import { firefox as firefox_browser } from './firefox.mjs';
import { run as scenario } from './scenario.mjs';

const here = path.dirname(new URL(import.meta.url).pathname);
const bin = process.env.AGW_BIN ?? path.resolve(here, '../../../build/bin');

// Runs a program that prints its report as the last line.
async function report_of([command, ...words], within_s = 120) {
  const child = spawn(command, words, { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let complaints = '';
  child.stdout.on('data', (data) => (out += data));
  child.stderr.on('data', (data) => (complaints += data));
  const timer = setTimeout(() => child.kill('SIGKILL'), within_s * 1000);
  const code = await new Promise((ended) => child.on('close', ended));
  clearTimeout(timer);
  try {
    return JSON.parse(out.trim().split('\n').at(-1));
  } catch {
    return { ok: false, why: `ended with ${code}: ${out}${complaints}`.slice(0, 2000) };
  }
}

const only_udp = (row) => row.path === 'tcp' && 'has no active TCP candidates';

const own = { prefix: [], address: process.env.AGW_ADDRESS ?? '127.0.0.1' };

// A peer that is a program, run once for each call.
const program = (words_of, cannot) => ({
  where: own,
  start: async function (where = own) {
    this.where = where;
  },
  call: function (url, row) {
    return report_of([...this.where.prefix, ...words_of(url, JSON.stringify(row))]);
  },
  end: async () => {},
  cannot,
});
const in_node = (stack, cannot) => program((url, row) => [process.execPath, path.join(here, 'wic.mjs'), stack, url, row], cannot);

const aiortc = {
  ...program((url, row) => ['/usr/bin/python3', path.join(here, 'wic.py'), url, row]),
  cannot: (row) => only_udp(row) || (row.restart && 'has no ICE restart') || (row.by === 'core' && row.dtls === 'passive' && 'takes no offer whose a=setup is active'),
};

const pion = {
  ...program(),
  cannot: (row) =>
    only_udp(row) ||
    (row.restart && 'pion-wic has no ICE restart') ||
    (row.dtls === 'passive' && 'pion-wic leaves the role to Pion, which is active') ||
    (row.chunk > 65000 && 'takes messages of 65535 octets') ||
    ((row.end ?? 'release') !== 'release' && 'pion-wic ends calls by their release'),
  call: async function (url, row) {
    const options = ['-url', url, '-local', this.where.address, '-size', String(row.text), '-chunk', String(row.chunk), '-options', JSON.stringify(row.options ?? {})];
    if (row.by === 'core') options.push('-terminated');
    if (row.channel === 'agreed') options.push('-negotiated');
    if (row.file) options.push('-bytes', String(row.file));
    if (row.patience_s) options.push('-timeout', `${row.patience_s}s`);
    const report = await report_of([...this.where.prefix, path.join(bin, 'pion-wic'), ...options], 80 + (row.patience_s ?? 40));
    if (report.why) return report;
    return { ok: report.failed === 0, why: JSON.stringify(report.errors), cause: Object.keys(report.causes)[0], stages: report.stages_ms };
  },
};

// What a page evaluates: the scenario with the modules that the page itself uses.
const in_page = (row) =>
  `(async () => {
    const [{ Call }, { Signalling, own_url }] = await Promise.all([import('/call.js'), import('/signalling.js')]);
    try {
      return await (${scenario})({ Call, Signalling }, own_url(), ${JSON.stringify(row)});
    } catch (error) {
      return { ok: false, why: String(error.message ?? error), cause: error.cause };
    }
  })()`;
const page_of = (url) => url.replace(/^ws/, 'http').replace(/ws$/, '');

const chromium = {
  start: async function ({ prefix } = own) {
    this.browser = await launch(prefix);
  },
  call: async function (url, row) {
    const { page, context } = await open(this.browser, page_of(url));
    try {
      return await page.evaluate(in_page(row));
    } finally {
      await context.close();
    }
  },
  end: async function () {
    await this.browser?.close();
  },
  cannot: () => false,
};

const firefox = {
  start: async function ({ prefix } = own) {
    this.browser = await firefox_browser.launch({ prefix });
  },
  call: async function (url, row) {
    const page = await this.browser.open(page_of(url));
    try {
      // Host candidates are only for pages that may hear their user.
      await page.evaluate('navigator.mediaDevices.getUserMedia({ audio: true, fake: true }).then(() => true)');
      return await page.evaluate(in_page(row));
    } finally {
      await page.close();
    }
  },
  end: async function () {
    await this.browser?.close();
  },
  cannot: () => false,
};

export const peers = {
  chromium,
  firefox,
  pion,
  aiortc,
  wrtc: in_node('wrtc', () => false),
  libdatachannel: in_node('libdatachannel', (row) => only_udp(row) || (row.restart && 'node-datachannel has no ICE restart')),
  werift: in_node('werift', (row) => only_udp(row) || (row.restart && 'hands DTLS records to its SCTP after an ICE restart')),
};
