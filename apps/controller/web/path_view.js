// The stages of a call as the path that its data takes: browser – ICE – DTLS – SCTP – one branch for each channel – IMS peer.

import { element, icon, ms_text } from './dom.js';

const shared_stages = ['ice', 'dtls', 'sctp'];
const branch_stages = ['channel', 'msrp', 'tcp'];
const names = { ice: 'ICE', dtls: 'DTLS', sctp: 'SCTP', channel: 'channel', msrp: 'MSRP', tcp: 'TCP', tls: 'TLS' };

export class PathView {
  #root;
  #shared;
  #branches;
  #rows = new Map(); // channel → { row, nodes }
  #nodes = new Map(); // shared stage → node

  constructor(root) {
    this.#root = root;
    this.#shared = element('ol.stages.shared', { 'aria-label': 'stages of the association' });
    this.#branches = element('div.branches');
    root.append(element('span.end', {}, 'Browser'), this.#shared, this.#branches, element('span.end', {}, 'IMS peer'));
    this.reset();
  }

  reset() {
    this.stages = [];
    this.#nodes.clear();
    this.#rows.clear();
    this.#shared.replaceChildren(...shared_stages.map((stage) => this.#node(stage, this.#nodes)));
    this.#branches.replaceChildren();
    this.#row('idle', 'chat');
  }

  // A channel of the call appeared or changed.
  channel(channel) {
    const placeholder = this.#rows.get('idle');
    if (placeholder && !this.#rows.has(channel)) {
      this.#rows.delete('idle');
      this.#rows.set(channel, placeholder);
    }
    const entry = this.#rows.get(channel) ?? this.#row(channel, channel.label);
    entry.label.textContent = channel.label;
    entry.row.classList.toggle('closed', channel.state === 'closed');
    this.#root.classList.toggle('many', this.#rows.size > 1);
  }

  // A `stage` message of the controller; `channel` where it is about one.
  stage(message, channel) {
    this.stages.push(message);
    const nodes = shared_stages.includes(message.stage)
      ? this.#nodes
      : (this.#rows.get(channel) ?? [...this.#rows.values()][0]).nodes;
    const node = nodes.get(message.stage === 'tls' ? 'tcp' : message.stage);
    if (!node) return;
    if (message.stage === 'tls') node.querySelector('.name').textContent = 'TCP · TLS';
    node.dataset.state = message.state;
    const time = node.querySelector('.time');
    const mark = node.querySelector('.dot');
    mark.replaceChildren();
    if (message.state === 'done') {
      mark.append(icon('check'));
      time.textContent = message.ms === undefined ? '' : ms_text(message.ms);
    } else if (message.state === 'failed') {
      mark.append(icon('cross'));
      time.textContent = message.reason ?? 'failed';
    } else {
      time.textContent = '…';
    }
    node.title = `${names[message.stage] ?? message.stage}: ${message.state}${message.at === undefined ? '' : `, ${ms_text(message.at)} after the call began`}`;
  }

  #row(key, label) {
    const nodes = new Map();
    const title = element('span.branch-label', {}, label);
    const row = element(
      'div.branch',
      {},
      title,
      element('ol.stages', { 'aria-label': 'stages of a channel' }, ...branch_stages.map((stage) => this.#node(stage, nodes))),
    );
    this.#branches.append(row);
    const entry = { row, nodes, label: title };
    this.#rows.set(key, entry);
    return entry;
  }

  #node(stage, into) {
    const node = element(
      'li.node',
      { data: { stage, state: 'idle' } },
      element('span.dot'),
      element('span.name', {}, names[stage]),
      element('span.time'),
    );
    into.set(stage, node);
    return node;
  }
}
