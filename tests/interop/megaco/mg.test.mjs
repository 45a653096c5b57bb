// erlang-megaco's MG side registers with agw-controller, is audited, and answers the requests of a call with SDP of its own. Media never
// comes up, for there is none: what counts is that both sides' H.248 means the same to the other one. Over UDP and TCP, in pretty and in
// compact text; tshark and agw-h248 read the capture of all of it.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { free_port, program, ws_of } from '../chromium/programs.mjs';
import { error_of } from './call.mjs';
import { capture } from './capture.mjs';
import { megaco_peer } from './peer.mjs';

const bin = process.env.AGW_BIN ?? path.resolve('build/bin');
const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'agw-mg-'));
after(() => fs.rmSync(folder, { recursive: true }));
const fingerprint = Array.from({ length: 32 }, (_, i) => (i + 16).toString(16).toUpperCase()).join(':');
const core = 'v=0\nc=IN IP4 127.0.0.1\nm=message 40012 TCP *\na=setup:passive';
const association =
  `v=0\nc=IN IP4 127.0.0.1\nm=application 40010 UDP/DTLS/SCTP webrtc-datachannel\na=setup:passive\na=fingerprint:sha-256 ${fingerprint}\n` +
  'a=ice-ufrag:megaco00\na=ice-pwd:megacomegacomegacomegaco\na=candidate:1 1 UDP 2130706431 127.0.0.1 40010 typ host\n' +
  'a=sctp-port:5000\na=max-message-size:262144\na=ice-lite';

// One context, 1, with T1 and T2.
function answer({ text }) {
  const [, name, termination] = text.match(/\b(Add|A|Modify|MF|Subtract|S|AuditValue|AV)\s*=\s*([^\s{},]+)/i);
  const word = { a: 'Add', mf: 'Modify', s: 'Subtract', av: 'AuditValue' }[name.toLowerCase()] ?? name;
  if (word === 'AuditValue' && termination.toUpperCase() === 'ROOT') return 'Context = - { AuditValue = ROOT }';
  if (word === 'Subtract') return 'Context = 1 { Subtract = ip/1/core/1, Subtract = ip/1/access/1 }';
  if (word !== 'Add') return `Context = 1 { ${word} = ${termination} }`;
  const side = /access/i.test(termination) ? 'access' : 'core';
  const [stream, local] = side === 'access' ? [1, association] : [2, core];
  return `Context = 1 { Add = ip/1/${side}/1 { Media { Stream = ${stream} { Local {\n${local}\n} } } } }`;
}

for (const transport of ['udp', 'tcp']) {
  for (const style of ['pretty', 'compact']) {
    test(`megaco is the controller's gateway: ${transport}, ${style}`, () => drive(transport, style));
  }
}

async function drive(transport, style) {
  const port = await free_port();
  const trace = await capture(path.join(folder, `${transport}-${style}.pcapng`), transport, [port]);
  const at = `${transport === 'udp' ? '' : `${transport}:`}127.0.0.1:${port}`;
  const controller = new program('agw-controller', ['--h248', at, '--http', '127.0.0.1:0', '--audit-interval', '2s']);
  let mg;
  let exit;
  try {
    const [, url] = await controller.says(/agw-controller: (http:\S+)/);
    mg = new megaco_peer({ transport, style, name: 'mg1', to: { address: '127.0.0.1', port }, answer });
    await mg.listening;
    const root = async (words) => mg.request(`Context = - { ServiceChange = ROOT { Services { ${words} } } }`);
    const registered = await root('Method = Restart, Version = 3, Profile = threegiq/1, Reason = "901 Cold Boot"');
    assert.equal(error_of(registered), 0, registered);
    assert.match(registered, /(?:Version|V)\s*=\s*3/i);
    mg.version = 3;
    mg.say('version', 3);

    const wic = spawn(path.join(bin, 'pion-wic'), ['-url', ws_of(url), '-timeout', '3s'], { stdio: 'ignore' });
    const ended = new Promise((resolve) => wic.on('exit', resolve));
    const add = await mg.heard(/\b(?:Add|A)\s*=\s*ip\/1\/core\/\$/i);
    assert.equal(add.version, 3);
    await mg.heard(/\b(?:Modify|MF)\s*=\s*ip\/1\/core\/1/i);
    const access = await mg.heard(/\b(?:Add|A)\s*=\s*ip\/1\/access\/\$/i);
    assert.match(access.text, /DEAGG 1 2/);
    // What the gateway notices is taken.
    const notify = 'Notify = ip/1/core/1 { ObservedEvents = 1 { 20261124T12000000 : tcpbcc/BNCChange { Stream = 2, Type = Est } } }';
    assert.equal(error_of(await mg.request(`Context = 1 { ${notify} }`)), 0);
    await ended; // no media: the WIC gives up, and the controller subtracts
    await mg.heard(/\b(?:Subtract|S)\s*=\s*\*/i);

    // Silent for two seconds, it is asked whether it is there.
    const audit = await mg.heard(/\b(?:AuditValue|AV)\s*=\s*ROOT/i);
    assert.match(audit.text, /(?:Context|C)\s*=\s*-/);
    assert.doesNotMatch(controller.log, /: lost/);

    // Service that goes on is told from service that begins: Graceful, its cancellation, Disconnected.
    assert.equal(error_of(await root('Method = Graceful, Delay = 60, Reason = "905 Termination taken out of service"')), 0);
    await controller.says(/gateway mg1: draining/);
    assert.equal(error_of(await root('Method = Restart, Version = 3, Reason = "918 Cancel Graceful"')), 0);
    await controller.says(/gateway mg1: in service again/);
    assert.equal(error_of(await root('Method = Disconnected, Version = 3, Reason = "900 Service Restored"')), 0);
    await controller.says(/gateway mg1: registered again/);
    const other = await root('Method = Restart, Version = 3, Profile = another/7, Reason = "901 Cold Boot"');
    assert.match(other, /threegiq\/1/i); // the profile that it can have
    assert.equal(error_of(await mg.request('Context = - { AuditValue = ROOT { Audit { } } }')), 542); // not an MGC's to answer
    const left = await root('Method = Forced, Reason = "905 Termination taken out of service"');
    assert.equal(error_of(left), 0, left);
    await controller.says(/gateway mg1: gone/);
    assert.deepEqual(mg.troubles.filter((t) => !/disconnected/.test(t)), []);
  } finally {
    await mg?.end();
    exit = await controller.end();
    await trace.stop();
  }
  assert.deepEqual(exit, { code: 0, signal: null });
  trace.check(16);
}
