// One MSRP session over one data channel (RFC 4975, RFC 8873): sends texts and files in chunks, answers what arrives.
//
// The channel is an RTCDataChannel, or anything with send(Uint8Array), bufferedAmount, bufferedAmountLowThreshold and the events
// message and bufferedamountlow. Two things bound what is under way: the channel's send buffer, and the octets not yet
// answered by a 200.

import {
  compose_disposition,
  compose_request,
  compose_response,
  MsrpSyntaxError,
  parse_byte_range,
  parse_chunk,
  parse_disposition,
  random_ident,
  session_id,
} from './msrp.js';
import { Incoming, Outgoing } from './msrp_message.js';

const buffer_high_bytes = 1 << 20;
const buffer_low_bytes = 1 << 18;
const unanswered_limit_bytes = 4 << 20;
const response_timeout_ms = 30_000; // RFC 4975, 7.1.2
const incoming_messages_limit = 16;
const header_room_bytes = 2048; // what the headers of a chunk may take of max-message-size

const utf8 = new TextEncoder();

export class MsrpSession {
  #channel;
  #queue = []; // outgoing messages that still have octets to send
  #unanswered = new Map(); // transaction → { message, octets, since }
  #unanswered_bytes = 0;
  #incoming = new Map();
  #pumping = false;
  #wake = null;
  #timer = null;
  #closed = false;
  #current = null; // the message whose octets are being read

  // options: local (own path), remote (the peer's), setup ('active': send the opening SEND), max (the peer's
  // max-message-size in bytes), chunk (octets of content in a chunk at most), limit (largest message taken, in bytes), text_limit.
  // Listeners: onmessage(incoming) at its first chunk, onprogress(incoming), onend(incoming), onproblem(text).
  constructor(channel, options) {
    this.#channel = channel;
    this.local = options.local;
    this.remote = options.remote;
    this.limit = options.limit ?? 1 << 30;
    this.text_limit = options.text_limit ?? 1 << 20;
    const max = options.max > 0 ? options.max : Infinity;
    this.chunk = Math.max(1, Math.min(options.chunk ?? 1 << 15, max - header_room_bytes));
    this.counters = { chunks_sent: 0, chunks_received: 0, errors: 0 };
    for (const name of ['onmessage', 'onprogress', 'onend', 'onproblem']) this[name] = options[name] ?? (() => {});
    this.clock = options.clock ?? (() => performance.now());
    channel.bufferedAmountLowThreshold = buffer_low_bytes;
    channel.addEventListener('bufferedamountlow', () => this.#resume());
    channel.addEventListener('message', (event) => this.receive(event.data));
    if (options.setup === 'active') this.#open();
  }

  send_text(text, listeners = {}) {
    return this.#enqueue({
      kind: 'text',
      blob: new Blob([utf8.encode(text)]),
      headers: [['Content-Type', 'text/plain;charset=utf-8']],
      ...listeners,
    });
  }

  // file: a Blob; its `type` and `name` go along.
  send_file(file, name = file.name ?? 'file', listeners = {}) {
    const type = /^[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+$/.test(file.type) ? file.type : 'application/octet-stream';
    return this.#enqueue({
      kind: 'file',
      blob: file,
      name,
      headers: [
        ['Content-Disposition', compose_disposition(name, file.size)],
        ['Content-Type', type],
      ],
      ...listeners,
    });
  }

  // Stops sending an own message; the peer is told by a chunk with the flag '#'.
  cancel(message) {
    if (message.finished) return;
    if (message.sent > 0 && message.sent < message.size) this.#abort(message);
    this.#drop(message);
    message.end('cancelled');
  }

  // Refuses the rest of a message that is arriving; its next chunk is answered with 413.
  refuse(message) {
    if (this.#incoming.get(message.id) === message) this.#give_up(message, 'cancelled');
  }

  close(reason = 'the session has ended') {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#timer);
    for (const message of [this.#current, ...this.#queue, ...[...this.#unanswered.values()].map((entry) => entry.message)])
      message?.end('failed', 0, reason);
    for (const message of [...this.#incoming.values()]) this.#give_up(message, reason);
    this.#queue = [];
    this.#unanswered.clear();
    this.#resume();
  }

  #open() {
    this.#send_chunk(
      null,
      {
        method: 'SEND',
        headers: [
          ['Message-ID', random_ident(16)],
          ['Byte-Range', '1-0/0'],
        ],
      },
      0,
    );
  }

  #enqueue(fields) {
    const message = new Outgoing({ size: fields.blob.size, ...fields });
    if (this.#closed) {
      queueMicrotask(() => message.end('failed', 0, 'the session has ended'));
      return message;
    }
    this.#queue.push(message);
    if (!this.#pumping) this.#pump();
    return message;
  }

  // Takes the messages in turn, a chunk each, so that a text overtakes a file.
  async #pump() {
    this.#pumping = true;
    while (this.#queue.length > 0 && !this.#closed) {
      if (this.#channel.bufferedAmount > buffer_high_bytes || this.#unanswered_bytes >= unanswered_limit_bytes) {
        await new Promise((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      const message = this.#queue.shift();
      this.#current = message;
      try {
        await this.#send_next(message);
      } catch (error) {
        if (message.sent > 0) this.#abort(message);
        message.end('failed', 0, error.message);
      }
      this.#current = null;
    }
    this.#pumping = false;
  }

  async #send_next(message) {
    const from = message.sent;
    const count = Math.min(this.chunk, message.size - from);
    const body = await message.read(from, count);
    if (message.finished || this.#closed) return;
    const last = from + count === message.size;
    if (last) message.sha256 = message.hash.hex();
    const range = `${from + 1}-${from + count}/${message.size}`;
    this.#send_chunk(
      message,
      {
        method: 'SEND',
        headers: [['Message-ID', message.id], ['Byte-Range', range], ...message.headers],
        body,
        flag: last ? '$' : '+',
      },
      count,
    );
    message.sent += count;
    if (!last) this.#queue.push(message);
  }

  #abort(message) {
    if (this.#closed) return;
    const range = `${message.sent + 1}-${message.sent}/${message.size}`;
    this.#send_chunk(
      null,
      {
        method: 'SEND',
        headers: [['Message-ID', message.id], ['Byte-Range', range], ...message.headers],
        body: new Uint8Array(0),
        flag: '#',
      },
      0,
    );
  }

  #send_chunk(message, chunk, octets) {
    const { transaction, bytes } = compose_request({ ...chunk, to: this.remote, from: this.local });
    if (!this.#put(bytes)) throw new Error('the channel has closed');
    this.#unanswered.set(transaction, { message, octets, since: this.clock() });
    this.#unanswered_bytes += octets;
    this.#timer ??= setInterval(() => this.#expire(), 5000);
  }

  #put(bytes) {
    try {
      this.#channel.send(bytes);
      this.counters.chunks_sent++;
      return true;
    } catch {
      return false;
    }
  }

  #resume() {
    const wake = this.#wake;
    this.#wake = null;
    wake?.();
  }

  #drop(message) {
    this.#queue = this.#queue.filter((other) => other !== message);
  }

  #expire() {
    const now = this.clock();
    for (const [transaction, entry] of this.#unanswered) {
      // As long as octets wait in the channel the chunk may not have left.
      if (this.#channel.bufferedAmount > 0 || now - entry.since < response_timeout_ms) break;
      this.#answered({ transaction, status: 408, comment: 'no response' });
    }
    if (this.#unanswered.size === 0) {
      clearInterval(this.#timer);
      this.#timer = null;
    }
  }

  #answered({ transaction, status, comment }) {
    const entry = this.#unanswered.get(transaction);
    if (!entry) return;
    this.#unanswered.delete(transaction);
    this.#unanswered_bytes -= entry.octets;
    this.#resume();
    const message = entry.message;
    if (!message) {
      if (status >= 400) this.onproblem(`${status} ${comment}`.trim());
      return;
    }
    if (status === 200) {
      message.answered += entry.octets;
      message.onprogress(message);
      if (message.sha256 && message.answered === message.size) message.end('delivered', 200);
    } else if (!message.finished) {
      this.#drop(message);
      if (message.sent < message.size) this.#abort(message);
      message.end('failed', status, comment);
    }
  }

  // One message of the channel: ArrayBuffer or string.
  receive(data) {
    if (this.#closed) return;
    const bytes = typeof data === 'string' ? utf8.encode(data) : new Uint8Array(data);
    if (bytes.length === 0) return;
    let chunk;
    try {
      chunk = parse_chunk(bytes);
    } catch (error) {
      if (!(error instanceof MsrpSyntaxError)) throw error;
      this.counters.errors++;
      this.onproblem(error.message);
      if (error.transaction)
        this.#put(compose_response({ transaction: error.transaction, status: 400, to: this.remote, from: this.local }));
      return;
    }
    this.counters.chunks_received++;
    if (chunk.kind === 'response') this.#answered(chunk);
    else if (chunk.method === 'SEND') this.#take(chunk);
    else if (chunk.method !== 'REPORT') this.#respond(chunk, 501, 'Unknown method');
  }

  #respond(chunk, status, comment) {
    if (status !== 200) this.counters.errors++;
    const wish = chunk.headers.get('failure-report') ?? 'yes';
    if (wish === 'no' || (wish === 'partial' && status === 200)) return;
    this.#put(compose_response({ transaction: chunk.transaction, status, comment, to: chunk.from[0], from: chunk.to[0] }));
  }

  #take(chunk) {
    const id = chunk.headers.get('message-id');
    const range = parse_byte_range(chunk.headers.get('byte-range') ?? '1-*/*');
    const body = chunk.body;
    if (session_id(chunk.to.at(-1)) !== session_id(this.local)) return this.#respond(chunk, 481, 'No such session');
    if (!id || !range || range.start < 1) return this.#respond(chunk, 400, 'Message-ID or Byte-Range is missing or wrong');

    let message = this.#incoming.get(id);
    if (!message) {
      // A bodiless SEND only opens the session, or keeps it alive.
      if (!body || (chunk.flag === '#' && body.length === 0)) return this.#respond(chunk, 200, 'OK');
      const disposition = parse_disposition(chunk.headers.get('content-disposition'));
      const type = (chunk.headers.get('content-type') ?? 'application/octet-stream').toLowerCase();
      const kind = disposition.filename === null && type.startsWith('text/plain') ? 'text' : 'file';
      const size = range.total ?? disposition.size;
      if (range.start !== 1) return this.#respond(chunk, 413, 'The beginning of this message is not known');
      if ((size ?? 0) > (kind === 'text' ? this.text_limit : this.limit) || this.#incoming.size >= incoming_messages_limit) {
        return this.#respond(chunk, 413, 'Too large, or too many at once');
      }
      message = new Incoming(id, { kind, contentType: type, name: disposition.filename ?? 'file', size });
      this.#incoming.set(id, message);
      this.onmessage(message);
    }
    if (body && body.length > 0) {
      const limit = Math.min(message.size ?? Infinity, message.kind === 'text' ? this.text_limit : this.limit);
      if (range.start !== message.received + 1 || message.received + body.length > limit) {
        this.#give_up(message, 'octets are missing, or too many');
        return this.#respond(chunk, 413, 'Octets out of order or too many');
      }
      message.append(body);
    }
    if (chunk.flag === '#') this.#give_up(message, 'the sender stopped');
    if (chunk.flag === '$' && message.size !== null && message.received !== message.size)
      this.#give_up(message, 'octets are missing');
    this.#respond(chunk, 200, 'OK');
    if (message.state !== 'receiving') return undefined;
    if (chunk.flag !== '$') return this.onprogress(message);
    this.#complete(message, chunk);
  }

  #complete(message, chunk) {
    this.#incoming.delete(message.id);
    message.finish();
    message.state = 'complete';
    this.onend(message);
    if (chunk.headers.get('success-report') !== 'yes') return;
    const headers = [
      ['Message-ID', message.id],
      ['Byte-Range', `1-${message.received}/${message.received}`],
      ['Status', '000 200 OK'],
    ];
    this.#put(compose_request({ method: 'REPORT', to: chunk.from.join(' '), from: this.local, headers }).bytes);
  }

  #give_up(message, reason) {
    this.#incoming.delete(message.id);
    Object.assign(message, { state: 'failed', reason, blocks: [], block: null });
    this.onend(message);
  }
}
