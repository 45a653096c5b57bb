// A call between Pion and a core of a few lines: texts that come back, one after the other, for as long as it lives.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import path from 'node:path';
import { bin } from '../chromium/programs.mjs';
import * as say from '../megaco/call.mjs';
import { serve_msrp } from '../megaco/core_peer.mjs';
import { serve_wic } from '../megaco/signalling.mjs';

const later = (ms) => new Promise((done) => setTimeout(done, ms));
const between_texts = 60;

// `access`: the interface towards the WIC. `core`: another core peer than one that sends texts back; `protocol`: towards it.
export async function place_call(mgc, { access = 'access', core, protocol = 'TCP' } = {}) {
  const times = [];
  const own = core ? undefined : await serve_msrp(async () => {
    times.push(performance.now());
    await later(between_texts);
  });
  const peer = core ?? own;
  const call = { times, peer };
  const ask = async (actions) => {
    const reply = await mgc.ask(actions);
    assert.equal(say.error_of(reply), 0, reply);
    return reply;
  };
  const as_wanted = (actions) => actions.replaceAll(' TCP *', ` ${protocol} *`).replaceAll('ip/1/access', `ip/1/${access}`).replaceAll('"access"', `"${access}"`);
  const set_up = async (message, send) => {
    const reserved = await ask(as_wanted(say.reserve_core()));
    call.context = say.context_of(reserved);
    await ask(as_wanted(say.configure_core(call.context, say.termination_of(reserved), say.local_of(reserved, 2), peer)));
    const [entry] = message.channels;
    const granted = await ask(as_wanted(say.configure_access(call.context, say.remote_of(message.sdp), entry.label, peer)));
    const sdp = say.answer_of(say.local_of(granted, 1), message.sdp);
    send({ type: 'answer', call: message.call, sdp, channels: [{ label: entry.label, subprotocol: 'msrp', setup: 'passive', path: peer.path, max: 65536 }] });
  };
  let resolve, reject;
  call.placed = new Promise((...both) => ([resolve, reject] = both));
  call.placed.catch(() => {});
  const wic = await serve_wic((message, send) => {
    if (message.type === 'offer') set_up(message, send).then(resolve, reject);
    else if (message.type === 'release') send({ type: 'released', call: message.call, cause: 'requested' });
  });
  const child = spawn(path.join(bin, 'pion-wic'), ['-url', wic.url, '-messages', '1000000', '-timeout', '120s']);
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (said += data));
  const ended = new Promise((gone) => child.on('exit', gone));
  ended.then(() => reject(new Error(said)));

  // So many more texts come through.
  call.goes_on = async (texts = 5, ms = 15000) => {
    const before = times.length;
    for (const until = performance.now() + ms; times.length < before + texts; await later(20)) {
      assert.equal(child.exitCode, null, `the WIC gave up: ${said}`);
      assert.ok(performance.now() < until, `the call is dead: ${times.length - before} texts in ${ms} ms; ${said}`);
    }
  };
  // The longest time without a text since then, in milliseconds.
  call.longest_pause = (since) => {
    const seen = [since, ...times.filter((t) => t > since), performance.now()];
    return Math.max(...seen.slice(1).map((t, i) => t - seen[i]));
  };
  call.release = () => ask(`Context = ${call.context} { Subtract = * }`);
  call.kill = () => child.kill('SIGKILL');
  call.end = async () => {
    call.kill();
    await ended;
    wic.close();
    own?.drop();
    own?.close();
  };
  return call;
}

export async function living_call(mgc, how) {
  const call = await place_call(mgc, how);
  try {
    await call.placed;
    await call.goes_on(3, 30000);
  } catch (error) {
    await call.end();
    throw error;
  }
  return call;
}
