// The sequence chart of a call, after figure 6.2.10.x.2.2: H.248 messages, the steps around them, and what the user plane did.
// A row is a button; it shows the message in full.

import { element, ms_text } from './dom.js';
import { paint_message } from './paint.js';

const columns = ['WIC', 'eP-CSCF', 'eIMS-AGW', 'IMS peer'];
const row_limit = 1000;
const reading_ms = 5000;
const spans = { ice: [0, 2], dtls: [0, 2], sctp: [0, 2], channel: [0, 2], tcp: [2, 3], tls: [2, 3], msrp: [0, 3] };
const stage_names = { ice: 'ICE', dtls: 'DTLS', sctp: 'SCTP', channel: 'data channel', tcp: 'TCP', tls: 'TLS', msrp: 'MSRP' };

export class LadderView {
  #rows;
  #detail;
  #shown = null;
  #touched = -Infinity; // when the user last moved the chart
  rows = [];

  // `rows`: the list; `detail`: the aside that shows one message.
  constructor(rows, detail) {
    this.#rows = rows;
    this.#detail = detail;
    detail.querySelector('.close').onclick = () => this.hide();
    detail.querySelector('.previous').onclick = () => this.#step(-1);
    detail.querySelector('.next').onclick = () => this.#step(1);
    rows.addEventListener('keydown', (event) => this.#key(event));
    for (const name of ['wheel', 'touchmove', 'pointerdown', 'keydown']) {
      rows.closest('.scroll').addEventListener(
        name,
        () => {
          this.#touched = performance.now();
        },
        { passive: true },
      );
    }
    document.addEventListener('keydown', (event) => {
      if (event.key === 'Escape' && this.#shown) this.hide();
    });
  }

  reset() {
    this.hide();
    this.rows = [];
    this.#rows.replaceChildren();
  }

  // An `h248` or `step` message of the controller.
  message(message) {
    const from = columns.indexOf(message.from);
    const to = columns.indexOf(message.to);
    if (from < 0 || to < 0) return;
    const reply = message.kind === 'reply' || message.kind === 'ack' || message.kind === 'pending';
    const classes = [
      'arrow',
      message.type,
      reply ? 'reply' : '',
      from > to ? 'left' : 'right',
      message.error ? 'bad' : '',
      message.repeated ? 'repeated' : '',
    ].filter(Boolean);
    const title = `${message.from} to ${message.to}: ${message.summary}`;
    this.#add(
      message,
      from,
      to,
      classes,
      [message.step ? element('span.number', {}, String(message.step)) : null, element('span.label', {}, message.summary)],
      title,
    );
  }

  // A `stage` message: only what ended is drawn.
  stage(message) {
    if (message.state === 'started' || !spans[message.stage]) return;
    const [from, to] = spans[message.stage];
    const name = stage_names[message.stage];
    const text =
      message.state === 'failed'
        ? `${name} failed: ${message.reason ?? ''}`
        : `${name}${message.ms === undefined ? '' : ` · ${ms_text(message.ms)}`}`;
    this.#add(message, from, to, ['band', message.state === 'failed' ? 'bad' : 'good'], [element('span.label', {}, text)], text);
  }

  hide() {
    this.#shown?.node.classList.remove('shown');
    const node = this.#shown?.node;
    this.#shown = null;
    this.#detail.hidden = true;
    node?.focus();
  }

  // The whole chart as text, to be kept or sent to somebody.
  text() {
    return this.rows
      .filter(({ message }) => message.summary)
      .map(
        ({ message }) =>
          `--- ${new Date(message.time * 1000).toISOString()} ${message.from} -> ${message.to}: ${message.summary}\n${message.text ?? ''}\n`,
      )
      .join('\n');
  }

  #add(message, from, to, classes, content, title) {
    const low = Math.min(from, to);
    const arrow = element(`span.${classes.join('.')}`, {}, ...content);
    arrow.style.setProperty('--from', String(low));
    arrow.style.setProperty('--span', String(Math.abs(from - to)));
    const time = element('span.when', {}, message.at === undefined ? '' : ms_text(message.at));
    const node = message.text
      ? element('button.row', { type: 'button', 'aria-label': title, onclick: () => this.#show(entry) }, time, arrow)
      : element('div.row', { title }, time, arrow);
    const entry = { message, node };
    const scroller = this.#rows.closest('.scroll');
    this.rows.push(entry);
    this.#rows.append(node);
    if (this.rows.length > row_limit) this.rows.shift().node.remove();
    // What happens is shown as it happens, unless somebody is reading.
    if (!this.#shown && performance.now() - this.#touched > reading_ms) scroller.scrollTop = scroller.scrollHeight;
  }

  #show(entry) {
    this.#shown?.node.classList.remove('shown');
    this.#shown = entry;
    entry.node.classList.add('shown');
    const { message } = entry;
    const detail = this.#detail;
    detail.querySelector('.title').textContent = message.summary;
    detail.querySelector('.meta').textContent = [
      `${message.from} → ${message.to}`,
      message.transaction ? `transaction ${message.transaction}` : '',
      message.repeated ? 'sent again' : '',
      `${new TextEncoder().encode(message.text).length} bytes`,
    ]
      .filter(Boolean)
      .join(' · ');
    paint_message(detail.querySelector('pre'), message.text);
    detail.hidden = false;
    detail.querySelector('.body').scrollTop = 0;
    entry.node.scrollIntoView({ block: 'nearest' });
  }

  #step(by) {
    const readable = this.rows.filter(({ message }) => message.text);
    const next = readable[readable.indexOf(this.#shown) + by];
    if (next) this.#show(next);
  }

  #key(event) {
    if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
    const buttons = [...this.#rows.querySelectorAll('button.row')];
    const next = buttons[buttons.indexOf(document.activeElement) + (event.key === 'ArrowDown' ? 1 : -1)];
    if (!next) return;
    event.preventDefault();
    next.focus();
    if (this.#shown) next.click();
  }
}
