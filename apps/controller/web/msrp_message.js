// MSRP messages on their way out and in, apart from chunks and channels.

import { random_ident } from './msrp.js';
import { Sha256 } from './sha256.js';

const read_ahead_bytes = 1 << 20;
const block_bytes = 1 << 18;

// An own message on its way. Listeners: onprogress(message), onend(message). `state`: sending, delivered, failed, cancelled.
export class Outgoing {
  constructor(fields) {
    Object.assign(
      this,
      {
        id: random_ident(16),
        state: 'sending',
        sent: 0,
        answered: 0,
        status: 0,
        reason: '',
        sha256: null,
        onprogress: () => {},
        onend: () => {},
      },
      fields,
    );
    this.hash = new Sha256();
    this.window = null; // the bytes read ahead, beginning at window_start
    this.window_start = 0;
    this.done = new Promise((resolve) => {
      this.resolve = resolve;
    });
  }

  get finished() {
    return this.state !== 'sending';
  }

  end(state, status = 0, reason = '') {
    if (this.finished) return;
    Object.assign(this, { state, status, reason, window: null });
    this.onend(this);
    this.resolve(this);
  }

  // The octets [from, from + count) of the message; asked for in order.
  async read(from, count) {
    if (!this.window || from + count > this.window_start + this.window.length) {
      const upto = Math.min(this.size, from + Math.max(count, read_ahead_bytes));
      this.window = new Uint8Array(await this.blob.slice(from, upto).arrayBuffer());
      this.window_start = from;
      if (this.window.length !== upto - from) throw new Error('the file has changed');
    }
    const bytes = this.window.subarray(from - this.window_start, from - this.window_start + count);
    this.hash.update(bytes);
    return bytes;
  }
}

// A message that is arriving: { id, kind: 'text' | 'file', contentType, name, size (null: unknown), received, sha256, blob, text }.
export class Incoming {
  constructor(id, fields) {
    Object.assign(this, { id, received: 0, sha256: null, blob: null, text: null, state: 'receiving', reason: '' }, fields);
    this.hash = new Sha256();
    this.blocks = [];
    this.block = null;
    this.fill = 0;
  }

  // Copies into blocks, so that small chunks do not cost an object each.
  append(bytes) {
    this.hash.update(bytes);
    this.received += bytes.length;
    for (let at = 0; at < bytes.length; ) {
      if (!this.block) {
        this.block = new Uint8Array(block_bytes);
        this.fill = 0;
      }
      const count = Math.min(bytes.length - at, block_bytes - this.fill);
      this.block.set(bytes.subarray(at, at + count), this.fill);
      this.fill += count;
      at += count;
      if (this.fill === block_bytes) {
        this.blocks.push(this.block);
        this.block = null;
      }
    }
  }

  finish() {
    if (this.block) this.blocks.push(this.block.subarray(0, this.fill));
    this.sha256 = this.hash.hex();
    // Never the sender's own type on our origin's blob: a received page must not run here.
    this.blob = new Blob(this.blocks, { type: 'application/octet-stream' });
    if (this.kind === 'text') {
      const all = new Uint8Array(this.received);
      let at = 0;
      for (const block of this.blocks) {
        all.set(block, at);
        at += block.length;
      }
      this.text = new TextDecoder().decode(all);
    }
    this.blocks = [];
    this.block = null;
  }
}
