import './browser_globals.mjs';
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import * as msrp from '../../../apps/controller/web/msrp.js';
import { MsrpSession } from '../../../apps/controller/web/msrp_session.js';

// A data channel whose other end is in the same program: delivery by hand or at once.
class Channel extends EventTarget {
  bufferedAmount = 0;
  bufferedAmountLowThreshold = 0;
  sent = [];
  largest = 0;
  peer = null;
  hold = false;

  send(bytes) {
    this.largest = Math.max(this.largest, bytes.length);
    this.sent.push(bytes.slice());
    this.bufferedAmount += bytes.length;
    if (!this.hold) setImmediate(() => this.flush());
  }

  flush() {
    for (const bytes of this.sent.splice(0)) this.peer?.deliver(bytes);
    this.bufferedAmount = 0;
    this.dispatchEvent(new Event('bufferedamountlow'));
  }

  deliver(bytes) {
    const event = new Event('message');
    event.data = typeof bytes === 'string' ? bytes : bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
    this.dispatchEvent(event);
  }
}

function pair(options = {}) {
  const [left, right] = [new Channel(), new Channel()];
  left.peer = right;
  right.peer = left;
  const paths = [msrp.random_path(), msrp.random_path()];
  const arrived = [];
  const a = new MsrpSession(left, { local: paths[0], remote: paths[1], max: 65536, ...options.a });
  const b = new MsrpSession(right, {
    local: paths[1],
    remote: paths[0],
    max: 65536,
    onend: (message) => arrived.push(message),
    ...options.b,
  });
  return {
    left,
    right,
    a,
    b,
    arrived,
    paths,
    end: () => {
      a.close();
      b.close();
    },
  };
}

const request = (paths, fields) => msrp.compose_request({ method: 'SEND', to: paths[1], from: paths[0], ...fields });
const statuses = (channel) => channel.sent.splice(0).map((bytes) => msrp.parse_chunk(bytes).status);

test('a text arrives whole and is delivered by its 200', async () => {
  const { a, arrived, end } = pair();
  const message = await a.send_text('Grüße 👋').done;
  assert.equal(message.state, 'delivered');
  assert.deepEqual(
    arrived.map((m) => [m.kind, m.text]),
    [['text', 'Grüße 👋']],
  );
  end();
});

test('a file of a million octets arrives in chunks that fit, with equal hashes', async () => {
  const { a, left, arrived, end } = pair({ a: { max: 16_384, chunk: 1 << 20 } });
  const content = randomBytes(1_000_000);
  let progress = 0;
  const message = await a.send_file(new Blob([content], { type: 'image/png' }), 'ä b.png', { onprogress: () => progress++ }).done;
  const hash = createHash('sha256').update(content).digest('hex');
  assert.equal(message.state, 'delivered');
  assert.equal(message.sha256, hash);
  assert.deepEqual(
    [arrived[0].name, arrived[0].sha256, arrived[0].received, arrived[0].contentType],
    ['ä b.png', hash, 1_000_000, 'image/png'],
  );
  assert.deepEqual(Buffer.from(await arrived[0].blob.arrayBuffer()), content);
  assert.ok(left.largest <= 16_384, `largest chunk ${left.largest}`);
  assert.ok(progress > 60);
  end();
});

test('a text overtakes a file that is under way', async () => {
  const { a, arrived, end } = pair({ a: { chunk: 1000 } });
  const file = a.send_file(new Blob([randomBytes(200_000)]), 'big');
  const text = a.send_text('quick');
  await Promise.all([file.done, text.done]);
  assert.deepEqual(
    arrived.map((message) => message.kind),
    ['text', 'file'],
  );
  end();
});

test('an empty file and an empty text are messages too', async () => {
  const { a, arrived, end } = pair();
  await a.send_file(new Blob([]), 'nothing').done;
  await a.send_text('').done;
  assert.deepEqual(
    arrived.map((message) => [message.kind, message.received]),
    [
      ['file', 0],
      ['text', 0],
    ],
  );
  end();
});

test('the active side opens the session with an empty SEND, which is answered and is no message', async () => {
  const { right, arrived, end } = pair({ a: { setup: 'active' } });
  right.hold = true;
  await new Promise(setImmediate);
  assert.deepEqual(statuses(right), [200]);
  assert.equal(arrived.length, 0);
  end();
});

test('what is under way is bounded while the peer gives no answer', async () => {
  const { a, left, end } = pair();
  left.peer = null;
  a.send_file(new Blob([new Uint8Array(64 << 20)]), 'huge');
  // The file is read by threads of node's, at their own pace.
  for (const until = performance.now() + 60_000; a.counters.chunks_sent < 100 && performance.now() < until; ) await new Promise(setImmediate);
  for (let turn = 0; turn < 400; turn++) await new Promise(setImmediate);
  assert.ok(a.counters.chunks_sent * 32_768 <= (4 << 20) + 32_768, `${a.counters.chunks_sent} chunks`);
  assert.ok(a.counters.chunks_sent >= 100);
  end();
});

test('a full channel stops the sender until it drains', async () => {
  const { a, left, end } = pair();
  left.hold = true;
  const file = a.send_file(new Blob([new Uint8Array(8 << 20)]), 'huge');
  for (let turn = 0; turn < 100; turn++) await new Promise(setImmediate);
  assert.ok(left.bufferedAmount <= (1 << 20) + 70_000, `${left.bufferedAmount} octets wait`);
  left.hold = false;
  left.flush();
  assert.equal((await file.done).state, 'delivered');
  end();
});

test('an error response ends the message and tells the peer', async () => {
  const { a, b, arrived, end } = pair({ b: { limit: 1000 } });
  const file = await a.send_file(new Blob([new Uint8Array(100_000)]), 'too big').done;
  assert.deepEqual([file.state, file.status], ['failed', 413]);
  assert.equal(arrived.length, 0);
  assert.equal((await a.send_text('still here').done).state, 'delivered');
  assert.ok(b.counters.errors > 0);
  end();
});

test('cancelled messages end at both sides', async () => {
  const { a, arrived, end } = pair();
  const file = a.send_file(new Blob([new Uint8Array(16 << 20)]), 'changed my mind', {
    onprogress: (m) => m.answered > 5_000_000 && a.cancel(m),
  });
  assert.equal((await file.done).state, 'cancelled');
  assert.equal((await a.send_text('after').done).state, 'delivered');
  assert.deepEqual(
    arrived.map((message) => message.state),
    ['failed', 'complete'],
  );
  end();
});

test('a message that is not answered fails after 30 seconds', async (context) => {
  let now = 0;
  context.mock.method(globalThis, 'setInterval', (tick) => {
    context.tick = tick;
    return 1;
  });
  const { a, left, end } = pair({ a: { clock: () => now } });
  left.peer = null;
  const message = a.send_text('anyone?');
  await new Promise(setImmediate);
  await new Promise(setImmediate);
  now = 29_000;
  context.tick();
  assert.equal(message.state, 'sending');
  now = 31_000;
  context.tick();
  assert.deepEqual([message.state, message.status], ['failed', 408]);
  end();
});

test('the end of the session fails what is under way', async () => {
  const { a, left } = pair();
  left.peer = null;
  const message = a.send_text('lost');
  a.close('the channel has closed');
  assert.deepEqual([(await message.done).state, message.reason], ['failed', 'the channel has closed']);
  assert.equal((await a.send_text('too late').done).state, 'failed');
});

test('wrong requests get the status that RFC 4975 gives them', () => {
  const { right, paths, end } = pair();
  right.hold = true;
  const head = [
    ['Message-ID', 'm1m1'],
    ['Byte-Range', '1-5/5'],
    ['Content-Type', 'text/plain'],
  ];
  const body = new TextEncoder().encode('hello');
  const cases = [
    [{ to: 'msrps://x.invalid:2855/other;dc', headers: head, body }, [481]],
    [
      {
        headers: [
          ['Byte-Range', '1-5/5'],
          ['Content-Type', 'text/plain'],
        ],
        body,
      },
      [400],
    ],
    [
      {
        headers: [
          ['Message-ID', 'm2m2'],
          ['Byte-Range', 'zero'],
          ['Content-Type', 'text/plain'],
        ],
        body,
      },
      [400],
    ],
    [
      {
        headers: [
          ['Message-ID', 'm3m3'],
          ['Byte-Range', '6-10/10'],
          ['Content-Type', 'text/plain'],
        ],
        body,
      },
      [413],
    ],
    [
      {
        headers: [
          ['Message-ID', 'm4m4'],
          ['Byte-Range', '1-5/99999999'],
          ['Content-Type', 'text/plain'],
        ],
        body,
      },
      [413],
    ],
    [
      {
        headers: [
          ['Message-ID', 'm5m5'],
          ['Byte-Range', '1-5/4'],
          ['Content-Type', 'text/plain'],
        ],
        body,
      },
      [413],
    ],
    [{ method: 'NICKNAME', headers: [] }, [501]],
    [
      {
        method: 'REPORT',
        headers: [
          ['Message-ID', 'm6m6'],
          ['Status', '000 200 OK'],
        ],
      },
      [],
    ],
    [{ headers: [['Failure-Report', 'no'], ...head], body }, []],
    [
      {
        headers: [
          ['Message-ID', 'm7m7'],
          ['Failure-Report', 'partial'],
          ['Byte-Range', '1-5/5'],
          ['Content-Type', 'text/plain'],
        ],
        body,
      },
      [],
    ],
  ];
  for (const [fields, expected] of cases) {
    right.deliver(request(paths, fields).bytes);
    assert.deepEqual(statuses(right), expected, JSON.stringify(fields.headers));
  }
  end();
});

test('a success report is sent when it is asked for', () => {
  const { right, paths, arrived, end } = pair();
  right.hold = true;
  right.deliver(
    request(paths, {
      headers: [
        ['Message-ID', 'abcd'],
        ['Success-Report', 'yes'],
        ['Byte-Range', '1-2/2'],
        ['Content-Type', 'text/plain'],
      ],
      body: new TextEncoder().encode('hi'),
    }).bytes,
  );
  const [response, report] = right.sent.splice(0).map((bytes) => msrp.parse_chunk(bytes));
  assert.equal(response.status, 200);
  assert.deepEqual(
    [report.method, report.headers.get('status'), report.headers.get('byte-range'), report.to],
    ['REPORT', '000 200 OK', '1-2/2', [paths[0]]],
  );
  assert.equal(arrived[0].text, 'hi');
  end();
});

test('messages that never end are bounded in number', () => {
  const { right, paths, end } = pair();
  right.hold = true;
  for (let i = 0; i < 20; i++) {
    right.deliver(
      request(paths, {
        flag: '+',
        headers: [
          ['Message-ID', `msg${i}`],
          ['Byte-Range', '1-1/2'],
          ['Content-Type', 'text/plain'],
        ],
        body: new Uint8Array(1),
      }).bytes,
    );
  }
  const all = statuses(right);
  assert.equal(all.filter((status) => status === 200).length, 16);
  assert.equal(all.filter((status) => status === 413).length, 4);
  end();
});

test('garbage is reported and, where it names a transaction, answered with 400', () => {
  const problems = [];
  const { right, end } = pair({ b: { onproblem: (text) => problems.push(text) } });
  right.hold = true;
  right.deliver(randomBytes(500));
  right.deliver('MSRP d93kswow SEND\r\nnonsense\r\n-------d93kswow$\r\n');
  right.deliver(new Uint8Array(0));
  assert.equal(problems.length, 2);
  assert.deepEqual(statuses(right), [400]);
  end();
});

test('answers to nothing are ignored', () => {
  const { right, paths, end } = pair();
  right.hold = true;
  right.deliver(msrp.compose_response({ transaction: 'nobody1', status: 200, to: paths[1], from: paths[0] }));
  assert.deepEqual(right.sent, []);
  end();
});
