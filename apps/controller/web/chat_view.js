// The conversation: bubbles for texts and files, notes between them. One log for each channel, one shown at a time.

import { by_id, bytes_text, element, icon } from './dom.js';

const entry_limit = 500;

export class ChatView {
  #log;
  #pages = new Map(); // key → element that holds a channel's entries
  #shown = null;
  #files = new Map(); // SHA-256 → the bubble of a file that we sent

  constructor() {
    this.#log = by_id('log');
  }

  reset() {
    for (const page of this.#pages.values())
      page.querySelectorAll('a[download]').forEach((link) => URL.revokeObjectURL(link.href));
    this.#log.replaceChildren();
    this.#pages.clear();
    this.#files.clear();
    this.#shown = null;
  }

  show(key) {
    this.#shown = key;
    for (const [other, page] of this.#pages) page.hidden = other !== key;
    this.#page(key).hidden = false;
    this.#log.scrollTop = this.#log.scrollHeight;
  }

  note(key, text, bad = false) {
    this.#append(key, element(`p.note${bad ? '.bad' : ''}`, {}, text));
  }

  // A text of ours; `message` is the session's outgoing message.
  text_out(key, text, message) {
    const status = element('span.status', { title: 'on its way' }, '·');
    const bubble = element('div.bubble.own', {}, element('p', {}, text), status);
    this.#append(key, bubble);
    message.done.then(() => {
      status.textContent = message.state === 'delivered' ? '✓' : 'not delivered';
      status.title = message.state === 'delivered' ? 'delivered: the peer answered 200' : outcome(message);
      bubble.classList.toggle('bad', message.state !== 'delivered');
      if (message.state !== 'delivered') status.textContent = outcome(message);
    });
  }

  text_in(key, message) {
    this.#append(key, element('div.bubble', {}, element('p', {}, message.text)));
    // The bot names the digest of what it received: the file is the same at both ends if that is ours.
    for (const [digest] of message.text.matchAll(/\b[0-9a-f]{64}\b/g)) this.#files.get(digest)?.agreed();
  }

  // A file on its way out. Returns what redraws it.
  file_out(key, message, cancel) {
    const card = file_card(message.name, message.size, cancel);
    const bubble = element('div.bubble.own.file', {}, card.node);
    this.#append(key, bubble);
    message.onprogress = () => card.progress(message.answered, message.size);
    message.done.then(() => {
      card.end(
        message.state === 'delivered' ? `${bytes_text(message.size)} delivered` : outcome(message),
        message.state !== 'delivered',
      );
      if (message.state !== 'delivered') return;
      card.digest(message.sha256);
      this.#files.set(message.sha256, { agreed: () => card.agreed() });
    });
  }

  // A file that begins to arrive.
  file_in(key, message, refuse) {
    const card = file_card(message.name, message.size, refuse);
    this.#append(key, element('div.bubble.file', {}, card.node));
    return {
      progress: () => card.progress(message.received, message.size),
      end: () => {
        if (message.state !== 'complete') return card.end(message.reason || 'stopped', true);
        card.end(`${bytes_text(message.received)} received`);
        card.digest(message.sha256);
        if (this.#files.has(message.sha256)) card.agreed('same as the file sent');
        const link = element(
          'a.button.small',
          { href: URL.createObjectURL(message.blob), download: message.name },
          icon('down'),
          'Save',
        );
        card.node.append(link);
        return this.#follow();
      },
    };
  }

  #append(key, node) {
    const page = this.#page(key);
    page.append(node);
    while (page.childElementCount > entry_limit) {
      page.firstElementChild.querySelectorAll('a[download]').forEach((link) => URL.revokeObjectURL(link.href));
      page.firstElementChild.remove();
    }
    this.#follow();
  }

  #follow() {
    this.#log.scrollTop = this.#log.scrollHeight;
  }

  #page(key) {
    let page = this.#pages.get(key);
    if (!page) {
      page = element('div.page', { hidden: this.#shown !== null && this.#shown !== key });
      this.#pages.set(key, page);
      this.#log.append(page);
    }
    return page;
  }
}

const outcome = (message) =>
  message.state === 'cancelled'
    ? 'cancelled'
    : `not delivered${message.status ? ` (${message.status})` : ''}${message.reason ? `: ${message.reason}` : ''}`;

function file_card(name, size, stop) {
  const bar = element('progress', { max: 1, value: 0, 'aria-label': `progress of ${name}` });
  const facts = element('span.facts', {}, size === null ? '' : bytes_text(size));
  const cancel = element(
    'button.plain',
    { type: 'button', title: 'Stop this transfer', 'aria-label': `Stop ${name}`, onclick: stop },
    icon('cross'),
  );
  const node = element(
    'div.card',
    {},
    element('div.card-head', {}, icon('file'), element('div.card-name', {}, element('strong', {}, name), facts), cancel),
    bar,
  );
  const begun = performance.now();
  let drawn = 0;
  let digest_row = null;
  return {
    node,
    progress(done, total) {
      const now = performance.now();
      if (now - drawn < 60 && done !== total) return;
      drawn = now;
      if (total) bar.value = done / total;
      const rate = (done / Math.max(1, now - begun)) * 1000;
      facts.textContent = `${bytes_text(done)}${total ? ` of ${bytes_text(total)}` : ''} · ${bytes_text(Math.round(rate))}/s`;
    },
    end(text, bad = false) {
      const seconds = (performance.now() - begun) / 1000;
      bar.remove();
      cancel.remove();
      facts.textContent = bad ? text : `${text} in ${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
      node.classList.toggle('bad', bad);
    },
    digest(hex) {
      digest_row = element(
        'div.digest',
        { title: `SHA-256 ${hex}` },
        element('span.digest-name', {}, 'SHA-256'),
        element('code', {}, hex),
      );
      node.append(digest_row);
    },
    agreed(text = 'same at the other end') {
      if (digest_row && !node.querySelector('.agreed')) node.append(element('span.agreed', {}, icon('check'), text));
    },
  };
}
