// erlang-megaco as the MGC of agw-server, with Pion as the WIC: registration, audit, a call that outlives two changes of its MGC, and a
// graceful end. Everything over UDP and TCP, in pretty and in compact text; tshark and agw-h248 read the capture of all of it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { free_port, program } from '../chromium/programs.mjs';
import * as say from './call.mjs';
import { capture } from './capture.mjs';
import { serve_msrp } from './core_peer.mjs';
import { megaco_peer } from './peer.mjs';
import { serve_wic } from './signalling.mjs';

const bin = process.env.AGW_BIN ?? path.resolve('build/bin');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'agw-mgc-'));
after(() => fs.rmSync(folder, { recursive: true }));

// What an MGC of ours answers. ServiceChange on ROOT gets version 3, everything else an empty reply.
function answer({ text }, peer) {
  const context = text.match(/(?:Context|C)\s*=\s*([^\s{]+)/)[1];
  if (/(?:ServiceChange|SC)\s*=\s*ROOT/i.test(text)) {
    const entering = /(?:Method|MT)\s*=\s*(?:Restart|RS|Disconnected|DC|HandOff|HO|Failover|FL)/i.test(text);
    if (entering) peer.version = 3;
    return `Context = ${context} { ServiceChange = ROOT { ${entering ? 'Services { Version = 3 }' : ''} } }`.replace('{  }', '');
  }
  const [, termination] = text.match(/\b(?:Notify|N)\s*=\s*([^\s{]+)/i);
  return `Context = ${context} { Notify = ${termination} }`;
}
const method = (...words) => new RegExp(`(?:Method|MT)\\s*=\\s*(?:${words.join('|')})\\b`, 'i');

async function gateway(transport, style, mgc) {
  const config = path.join(folder, `agw-${transport}-${style}.toml`);
  const address = `${transport === 'udp' ? '' : `${transport}:`}127.0.0.1`;
  const listen = transport === 'udp' ? `listen = "127.0.0.1:${await free_port()}"` : `listen = "${address}:${await free_port()}"`;
  fs.writeFileSync(
    config,
    `[h248]\n${listen}\nmgc = ["${address}:${mgc}"]\nhandoff = "any"\nstyle = "${style}"\nmaximum_waiting_delay = "0ms"\n` +
      `t_max = "2s"\nattempt_timeout = "6s"\nmin_retry_delay = "200ms"\n[http]\nlisten = "127.0.0.1:0"\n` +
      `[shutdown]\nmode = "graceful"\ndelay = "60s"\n`,
  );
  return new program('agw-server', ['--config', config]);
}

for (const transport of (process.env.AGW_TRANSPORTS ?? 'udp,tcp').split(',')) {
  for (const style of ['pretty', 'compact']) {
    test(`megaco drives the gateway: ${transport}, ${style}`, () => drive(transport, style));
  }
}

async function drive(transport, style) {
  // The second MGC has another address: it, and not the first, is the one to be obeyed after the hand-over.
  const hosts = ['127.0.0.1', '127.0.0.2'];
  const ports = [await free_port(), await free_port()];
  const trace = await capture(path.join(folder, `${transport}-${style}.pcapng`), transport, ports);
  const [a, b] = ports.map((port, i) => new megaco_peer({ transport, host: hosts[i], port, style, name: `mgc${i + 1}`, answer }));
  await Promise.all([a.listening, b.listening]);
  const server = await gateway(transport, style, ports[0]);
  const ask = async (peer, actions, error = 0) => {
    const reply = await peer.request(actions);
    assert.equal(say.error_of(reply), error, reply);
    return reply;
  };
  const hand_over = async () => {
    const to = `MgcIdToTry = [127.0.0.2]:${ports[1]}`;
    await ask(a, `Context = - { ServiceChange = ROOT { Services { Method = HandOff, Reason = "903 MGC Directed Change", ${to} } } }`);
    await b.heard(method('HandOff', 'HO'));
    await server.says(/registered with \S*127\.0\.0\.2/);
    await ask(a, 'Context = - { AuditValue = ROOT { Audit { } } }', 504);
  };
  let chats = 0;
  const core = await serve_msrp(async () => {
    if (++chats === 2) await hand_over().catch((error) => (call.error = error));
  });
  const call = {};
  const wic = await serve_wic(async (message, send) => {
    try {
      if (message.type === 'offer') {
        const reserved = await ask(a, say.reserve_core());
        call.context = say.context_of(reserved);
        await ask(a, say.configure_core(call.context, say.termination_of(reserved), say.local_of(reserved, 2), core));
        const [entry] = message.channels;
        const access = await ask(a, say.configure_access(call.context, say.remote_of(message.sdp), entry.label, core));
        const sdp = say.answer_of(say.local_of(access, 1), message.sdp);
        const channels = [{ label: entry.label, subprotocol: 'msrp', setup: 'passive', path: core.path, max: 65536 }];
        send({ type: 'answer', call: message.call, sdp, channels });
      } else if (message.type === 'release') {
        await call.up; // what is to happen while the call is up
        call.subtracted = await ask(a, `Context = ${call.context} { Subtract = * }`);
        send({ type: 'released', call: message.call, cause: 'requested' });
      }
    } catch (error) {
      call.error = error;
      send({ type: 'error', call: message.call, code: 'h248', text: String(error) });
    }
  });
  let exit;
  try {
    // Registration: the first message says version 1, and offers 3.
    const first = await a.heard(method('Restart', 'RS'));
    assert.equal(first.version, 1);
    assert.match(first.text, /(?:Version|V)\s*=\s*3/i);
    assert.match(first.text, /threegiq\/1/i);
    assert.match(first.text, /901 Cold Boot/i);
    await server.says(/registered with/);

    await ask(a, 'Context = - { AuditValue = ROOT { Audit { } } }');
    const packages = await ask(a, 'Context = - { AuditValue = ROOT { Audit { Packages } } }');
    for (const name of ['root', 'g', 'nt']) assert.match(packages, new RegExp(`\\b${name}-\\d`), packages);
    // Of events and signals too, but megaco's encoder, which the text here comes through, cannot write the alternatives of their parameters.
    const able = await ask(a, 'Context = - { AuditCapability = ROOT { Audit { Media, Packages } } }');
    for (const item of [/normalmgexecutiontime\s*=\s*\[\s*1\s*:/i, /ipnapt-1/]) assert.match(able, item);
    const timers = 'Media { TerminationState { root/normalMGExecutionTime = 700, root/MGOriginatedPendingLimit = 7 } }';
    await ask(a, `Context = - { Modify = ROOT { ${timers}, Events = 77 { it/ito { mit = 360000 }, ocp/mg_overload } } }`);
    const kept = await ask(a, 'Context = - { AuditValue = ROOT { Audit { Media { TerminationState { root/* } } } } }');
    assert.match(kept, /normalmgexecutiontime\s*=\s*700/i);
    await ask(a, 'Context = - { Modify = ROOT { Media { TerminationState { root/nosuch = 1 } } } }', 450);
    await ask(a, 'Context = - { AuditValue = ip/1/access/4711 { Audit { Media } } }', 430);

    // Three texts; the second one is answered after the hand-over, the third one goes through under the new MGC.
    const while_up = async () => {
      const audit = await ask(b, `Context = ${call.context} { AuditValue = * { Audit { Media } } }`);
      assert.match(audit, /ip\/1\/core/i);
      assert.match(audit, /DEAGG 1 2/);
      // The new MGC is gone without a word: a request to it gets no reply, and the first one takes over, as the configuration has it.
      await b.vanish();
      core.drop(); // which is what the gateway wants to tell it
      await a.heard(method('Failover', 'FL'));
      await server.says(/(registered with[^]*){3}/);
      await ask(a, `Context = ${call.context} { AuditValue = * { Audit { Media } } }`);
    };
    const report = await run_wic(wic.url, ['-messages', '3', '-hold', '10ms'], () => (call.up = while_up()));
    assert.ifError(call.error);
    assert.equal(report.failed, 0, JSON.stringify(report));
    assert.equal(core.chats.length, 3);
    for (const statistic of [/nt\/os/, /nt\/or/, /dcep\/mr/, /dcep\/ms/]) assert.match(call.subtracted, statistic);
    for (const name of [/ostuncc\/ccr/, /tlsbsc\/bncchange/, /sctpbcc\/bncchange/, /dcep\/chg/, /tcpbcc\/bncchange/]) {
      const told = [...a.requests, ...b.requests].some(({ text }) => name.test(text)); // under whichever MGC it happened
      assert.ok(told, `${name}`);
    }

    // A graceful end: what stands may go on, nothing new comes.
    const last = await ask(a, say.reserve_core());
    server.child.kill('SIGTERM');
    const graceful = await a.heard(method('Graceful', 'GR'));
    assert.match(graceful.text, /(?:Delay|DL)\s*=\s*60/i);
    await ask(a, say.reserve_core(), 503);
    // Who takes over meanwhile is told as well, with what is left of the delay.
    const after = a.requests.length;
    const self = `MgcIdToTry = [127.0.0.1]:${ports[0]}`;
    await ask(a, `Context = - { ServiceChange = ROOT { Services { Method = HandOff, Reason = "903 MGC Directed Change", ${self} } } }`);
    const again = await a.heard(method('Graceful', 'GR'), { after });
    const left = Number(again.text.match(/(?:Delay|DL)\s*=\s*(\d+)/i)[1]);
    assert.ok(left > 0 && left <= 60, again.text);
    await ask(a, `Context = ${say.context_of(last)} { AuditValue = * { Audit { Media } } }`);
    await ask(a, `Context = ${say.context_of(last)} { Subtract = * }`);
    await a.heard(method('Forced', 'FO'));
    exit = await server.ended;
    assert.deepEqual(exit, { code: 0, signal: null });
    assert.deepEqual([...a.troubles, ...b.troubles].filter((t) => !/disconnected/.test(t)), []);
  } catch (error) {
    error.message += `\n${server.log.slice(-3000)}\n${a.troubles.join('\n')}\n${a.complaints}${b.complaints}`;
    throw error;
  } finally {
    if (!exit) {
      server.child.kill('SIGKILL');
      await server.ended;
    }
    wic.close();
    core.close();
    await Promise.all([a.end(), b.end()]);
    await trace.stop();
  }
  trace.check();
}

test('an MGC that speaks version 2 only goes, and comes back', async () => {
  const port = await free_port();
  const offers_3 = /(?:Version|V)\s*=\s*3/i;
  const modest = (request, peer) => {
    if (offers_3.test(request.text)) return 'Context = - { ServiceChange = ROOT { Error = 406 { "version 2 at most" } } }';
    const actions = answer(request, peer).replace('Version = 3', 'Version = 2');
    peer.version = Math.min(peer.version, 2);
    return actions;
  };
  const start = () => new megaco_peer({ port, style: 'compact', name: 'mgc1', answer: modest });
  let mgc = start();
  await mgc.listening;
  const server = await gateway('udp', 'compact', port);
  try {
    await mgc.heard(offers_3);
    const second = await mgc.heard(/(?:Version|V)\s*=\s*2/i);
    assert.match(second.text, method('Restart', 'RS'));
    await server.says(/registered with \S+, version 2/);
    const ask = async (actions) => assert.equal(say.error_of(await mgc.request(actions)), 0);
    await ask('Context = - { AuditValue = ROOT { Audit { Packages } } }');
    // One second of silence, and the gateway asks whether it is heard; the answer is a sign of life, until there is none.
    await ask('Context = - { Modify = ROOT { Events = 9 { it/ito { mit = 100 } } } }');
    const notified = await mgc.heard(/it\/ito/i);
    assert.equal(notified.version, 2);
    await mgc.vanish();
    await server.says(/lost the MGC/);
    mgc = start();
    const again = await mgc.heard(method('Disconnected', 'DC'));
    assert.match(again.text, /900 Service Restored/i);
    await server.says(/(registered with[^]*){2}/);
    assert.deepEqual(mgc.troubles, []);
  } finally {
    const exit = await server.end();
    await mgc.end();
    assert.deepEqual(exit, { code: 0, signal: null });
  }
});

async function run_wic(url, options, on_up) {
  const child = spawn(path.join(bin, 'pion-wic'), ['-url', url, ...options], { stdio: ['ignore', 'pipe', 'inherit'] });
  let out = '';
  let up;
  child.stdout.on('data', (data) => {
    out += data;
    if (!up && out.includes('"event":"up"')) (up = on_up()).catch(() => {}); // it is awaited below
  });
  await new Promise((ended) => child.on('close', ended));
  await up;
  return JSON.parse(out.trim().split('\n').at(-1));
}
