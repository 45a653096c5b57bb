// The page: joins the call to the chat, the path and the ladder.

import { Call } from './call.js';
import { ChatView } from './chat_view.js';
import { install_controls } from './controls.js';
import { by_id, bytes_text, element, icon, ms_text } from './dom.js';
import { install_hook } from './hook.js';
import { LadderView } from './ladder_view.js';
import { PathView } from './path_view.js';
import { own_url, Signalling } from './signalling.js';

const signalling = new Signalling(own_url());
const chat = new ChatView();
const path = new PathView(by_id('path'));
const ladder = new LadderView(by_id('rows'), by_id('detail'));

let call = null;
let gateway = { registered: false };
let current = null; // the channel whose conversation is shown
let totals = { sent: 0, received: 0 };
const arriving = new Map(); // incoming file → its card
const received = [];
const sent = [];
const problems = [];

// --- calls

function begin(options) {
  if (call && !call.ended) call.release();
  call = new Call(signalling, options);
  totals = { sent: 0, received: 0 };
  current = null;
  arriving.clear();
  chat.reset();
  path.reset();
  ladder.reset();
  const own = call;
  const mine = (handler) => (event) => {
    if (own === call) handler(event.detail);
  };
  own.addEventListener('state', mine(draw_state));
  own.addEventListener('channel', mine(draw_channel));
  own.addEventListener('arriving', mine(on_arriving));
  own.addEventListener(
    'progress',
    mine(({ message }) => arriving.get(message)?.progress()),
  );
  own.addEventListener('arrived', mine(on_arrived));
  own.addEventListener(
    'problem',
    mine((text) => {
      problems.push(text);
      chat.note(current, text, true);
      by_id('outcome').textContent = text;
    }),
  );
  return own;
}

const chosen_options = () => ({
  dcep: by_id('option-dcep').checked,
  controller: {
    ...(by_id('option-aware').checked ? { interworking: 'aware' } : {}),
    ...(by_id('option-tls').checked ? { tls: true } : {}),
  },
});

function place_call(options = chosen_options()) {
  const own = begin(options);
  draw_state();
  own.start(options.labels ?? ['chat']).catch((error) => {
    problems.push(error.message);
    own.end(error.message);
  });
  return outcome_of(own);
}

function ask_for_call(options = chosen_options()) {
  const own = begin(options);
  own.ask(options.labels ?? ['chat']);
  return outcome_of(own);
}

function outcome_of(own) {
  return new Promise((resolve, reject) => {
    const look = () => {
      if (own.state === 'up') resolve(own.id);
      if (own.ended) reject(new Error(`the call ended: ${own.cause}`));
    };
    own.addEventListener('state', look);
    look();
  });
}

function add_channel(label = `chat ${call.channels.length + 1}`) {
  return call.add_channel(label).then((channel) => show_channel(channel));
}

// --- drawing

function draw_state() {
  const live = call && !call.ended;
  const talking = live && (call.state === 'up' || call.state === 'connecting');
  document.body.dataset.call = call?.state ?? 'none';
  by_id('welcome').hidden = Boolean(call && (talking || call.channels.some((channel) => channel.session)));
  by_id('log').hidden = !by_id('welcome').hidden;
  by_id('composer').hidden = !talking;
  by_id('hang-up').hidden = !live;
  for (const id of ['call', 'call-me']) by_id(id).disabled = live || !signalling.up;
  by_id('outcome').textContent = !call
    ? ''
    : call.ended
      ? ended_text()
      : call.state === 'asking'
        ? 'Waiting for the call…'
        : 'Calling…';
  by_id('facts').textContent = facts();
  if (call?.state === 'connecting') chat.note(current, 'Calling…');
  if (call?.state === 'up') chat.note(current, 'Connected. Write something, or drop a file here.');
  if (call?.ended && !by_id('log').hidden) {
    chat.note(current, ended_text(), call.cause !== 'requested');
    by_id('log').append(
      element(
        'div.again',
        {},
        element('button.button.primary', { type: 'button', onclick: () => place_call() }, 'Call again'),
        element('button.button', { type: 'button', onclick: () => ask_for_call() }, 'Let the bot call me'),
      ),
    );
    by_id('log').scrollTop = by_id('log').scrollHeight;
  }
  if (talking && call.state === 'up') by_id('text').focus({ preventScroll: true });
  draw_channels();
}

const ended_text = () => (call.cause === 'requested' ? 'Call ended.' : `Call ended: ${call.cause}`);

function draw_channel(channel) {
  if (!current || current.state === 'closed')
    show_channel(channel.state === 'closed' ? (call.channels.find((other) => other.state !== 'closed') ?? channel) : channel);
  if (channel.state === 'open' && call.channels.length > 1)
    chat.note(channel, `Channel “${channel.label}” is open (stream ${channel.id}).`);
  if (channel.state === 'closed' && !call.ended && channel.cause)
    chat.note(channel, `Channel closed: ${channel.cause}`, channel.cause !== 'requested');
  path.channel(channel);
  draw_channels();
}

function draw_channels() {
  const box = by_id('channels');
  const list = call && call.state !== 'asking' ? call.channels : [];
  const tabs = list.map((channel) =>
    element(
      'button.channel',
      {
        type: 'button',
        'aria-pressed': String(channel === current),
        title: `${channel.label}: ${channel.state}`,
        data: { state: channel.state },
        onclick: () => show_channel(channel),
      },
      element('span.lamp'),
      channel.label,
    ),
  );
  if (call?.state === 'up') {
    tabs.push(
      element(
        'button.channel.add',
        { type: 'button', id: 'add-channel', onclick: () => add_channel().catch(() => {}) },
        icon('plus'),
        list.length === 1 ? 'Second channel' : 'Channel',
      ),
    );
  }
  if (tabs.length === 0) tabs.push(element('strong', {}, 'Chat'));
  box.replaceChildren(...tabs);
}

function show_channel(channel) {
  current = channel;
  chat.show(channel);
  by_id('send').disabled = channel.state === 'closed';
  draw_channels();
}

function facts() {
  if (!call) return 'No call yet';
  const opened = path.stages.find((stage) => stage.stage === 'channel' && stage.state === 'done');
  const parts = [];
  if (opened?.at !== undefined) parts.push(`channel open after ${ms_text(opened.at)}`);
  if (totals.sent > 0) parts.push(`${bytes_text(totals.sent)} sent`);
  if (totals.received > 0) parts.push(`${bytes_text(totals.received)} received`);
  const octets = statistics_text();
  if (octets) parts.push(octets);
  return parts.length > 0
    ? parts.join(' · ')
    : { offering: 'Offering…', asking: 'Waiting for the call…', connecting: 'Connecting…', up: 'Connected', ended: 'Call ended' }[
        call.state
      ];
}

// What the gateway counted, from the reply to Subtract.
function statistics_text() {
  const lists = call.statistics ?? [];
  const sum = (name) => lists.reduce((all, entry) => all + (Number(entry[name]) || 0), 0);
  return lists.length > 0 ? `the gateway counted ${bytes_text(sum('nt/or'))} in, ${bytes_text(sum('nt/os'))} out` : '';
}

function draw_gateway() {
  const chip = by_id('gateway');
  const state = !signalling.up ? 'down' : gateway.registered ? 'up' : 'waiting';
  chip.dataset.state = state;
  const all = gateway.gateways ?? [];
  const up = all.length > 1 ? `${all.length} gateways registered` : 'gateway registered';
  const waiting = all.length > 0 ? 'no gateway takes calls' : 'no gateway registered';
  chip.textContent = { down: 'controller not reachable', waiting, up }[state];
  chip.title = gateway.registered
    ? `${gateway.mid ?? ''} · profile ${gateway.profile ?? '–'} · H.248 version ${gateway.version ?? '–'}`
    : '';
  for (const id of ['call', 'call-me']) by_id(id).disabled = !signalling.up || Boolean(call && !call.ended);
}

// --- messages

function send_text(text, channel = current) {
  const message = channel.session.send_text(text);
  chat.text_out(channel, text, message);
  return track(message, { channel: channel.label, kind: 'text', text });
}

function send_file(file, name = file.name, channel = current) {
  const message = channel.session.send_file(file, name);
  chat.file_out(channel, message, () => channel.session.cancel(message));
  return track(message, { channel: channel.label, kind: 'file', name, size: file.size });
}

function track(message, entry) {
  sent.push(entry);
  message.done.then(() => {
    Object.assign(entry, { state: message.state, sha256: message.sha256, status: message.status, reason: message.reason });
    totals.sent += message.answered;
    by_id('facts').textContent = facts();
  });
  return message.done.then(() => entry);
}

function on_arriving({ channel, message }) {
  if (message.kind !== 'file') return;
  arriving.set(
    message,
    chat.file_in(channel, message, () => channel.session.refuse(message)),
  );
}

function on_arrived({ channel, message }) {
  if (message.kind === 'file') arriving.get(message)?.end();
  else if (message.state === 'complete') chat.text_in(channel, message);
  arriving.delete(message);
  totals.received += message.received;
  received.push({
    channel: channel.label,
    kind: message.kind,
    text: message.text,
    name: message.name,
    size: message.received,
    sha256: message.sha256,
    state: message.state,
  });
  if (received.length > 10_000) received.shift();
  by_id('facts').textContent = facts();
  document.dispatchEvent(new Event('agw-received'));
}

// --- the controller

signalling.addEventListener('up', draw_gateway);
signalling.addEventListener('down', () => {
  gateway = { registered: false };
  call?.end('the controller is not reachable');
  draw_gateway();
});
signalling.addEventListener('message', ({ detail: message }) => {
  if (message.type === 'welcome') gateway = message.gateway ?? gateway;
  if (message.type === 'gateway') gateway = message;
  if (message.type === 'welcome' || message.type === 'gateway') draw_gateway();
  if (message.call !== undefined && message.call !== call?.id) return;
  if (message.type === 'h248' || message.type === 'step') ladder.message(message);
  if (message.type === 'stage') {
    ladder.stage(message);
    path.stage(
      message,
      call?.channels.find((channel) => channel.id === message.id),
    );
    by_id('facts').textContent = facts();
  }
  by_id('no-rows').hidden = ladder.rows.length > 0;
  by_id('save-ladder').hidden = ladder.rows.length === 0;
  if (message.call !== undefined) call.handle(message);
});
addEventListener('pagehide', () => call?.release());

install_controls({
  place_call: () => place_call(chosen_options()),
  ask_for_call: () => ask_for_call(chosen_options()),
  hang_up: () => call.release(),
  send_text: (text) => send_text(text),
  send_file: (file) => send_file(file),
  ladder_text: () => ladder.text(),
  can_send: () => Boolean(current?.session) && current.state !== 'closed',
});
install_hook({
  signalling,
  path,
  ladder,
  received,
  sent,
  problems,
  place_call,
  ask_for_call,
  add_channel,
  send_text,
  send_file,
  call: () => call,
  current: () => current,
  gateway: () => gateway,
});
draw_gateway();
draw_channels();
