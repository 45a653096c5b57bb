import './browser_globals.mjs';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as msrp from '../../../apps/controller/web/msrp.js';

const bytes = (text) => new TextEncoder().encode(text);
const text = (octets) => new TextDecoder().decode(octets);
const to = 'msrp://bob.example.com:8888/9di4eae923wzd;tcp';
const from = 'msrps://a1.invalid:2855/iau39soe2843z;dc';

test('a SEND request is written as RFC 4975 has it', () => {
  const { bytes: octets } = msrp.compose_request({
    transaction: 'd93kswow',
    method: 'SEND',
    to,
    from,
    flag: '$',
    headers: [
      ['Message-ID', '12339sdqwer'],
      ['Byte-Range', '1-16/16'],
      ['Content-Type', 'text/plain'],
    ],
    body: bytes("Hi, I'm Alice!\r\n"),
  });
  assert.equal(
    text(octets),
    `MSRP d93kswow SEND\r\nTo-Path: ${to}\r\nFrom-Path: ${from}\r\nMessage-ID: 12339sdqwer\r\nByte-Range: 1-16/16\r\n` +
      "Content-Type: text/plain\r\n\r\nHi, I'm Alice!\r\n\r\n-------d93kswow$\r\n",
  );
});

test('what is composed is parsed to the same values', () => {
  for (const body of [
    null,
    new Uint8Array(0),
    bytes('x'),
    bytes('\r\n'),
    bytes('a\r\n\r\n-------other$\r\n'),
    new Uint8Array(70_000).fill(45),
  ]) {
    for (const flag of ['$', '+', '#']) {
      const composed = msrp.compose_request({
        method: 'SEND',
        to,
        from,
        flag,
        body,
        headers: [
          ['Message-ID', 'abcd'],
          ['Content-Type', 'a/b; name="ü"'],
        ],
      });
      const chunk = msrp.parse_chunk(composed.bytes);
      assert.equal(chunk.kind, 'request');
      assert.equal(chunk.transaction, composed.transaction);
      assert.deepEqual([chunk.method, chunk.flag, chunk.to, chunk.from], ['SEND', flag, [to], [from]]);
      assert.equal(chunk.headers.get('content-type'), 'a/b; name="ü"');
      assert.deepEqual(chunk.body && [...chunk.body], body && [...body]);
    }
  }
});

test('a response keeps status and comment', () => {
  const chunk = msrp.parse_chunk(msrp.compose_response({ transaction: 'a786hjs2', status: 413, comment: 'Stop that', to, from }));
  assert.deepEqual([chunk.kind, chunk.status, chunk.comment, chunk.body], ['response', 413, 'Stop that', null]);
});

test('every truncation and every trailing byte is refused', () => {
  const { bytes: octets } = msrp.compose_request({
    transaction: 'd93kswow',
    method: 'SEND',
    to,
    from,
    body: bytes('hello'),
    headers: [
      ['Message-ID', 'abcd'],
      ['Content-Type', 'text/plain'],
    ],
  });
  for (let length = 0; length < octets.length; length++) {
    assert.throws(() => msrp.parse_chunk(octets.subarray(0, length)), msrp.MsrpSyntaxError, `length ${length}`);
  }
  assert.throws(() => msrp.parse_chunk(bytes(`${text(octets)}x`)), msrp.MsrpSyntaxError);
});

test('changed bytes throw nothing but a syntax error', () => {
  const { bytes: octets } = msrp.compose_request({
    transaction: 'd93kswow',
    method: 'SEND',
    to,
    from,
    body: bytes('hello'),
    headers: [
      ['Message-ID', 'abcd'],
      ['Content-Type', 'text/plain'],
    ],
  });
  for (let at = 0; at < octets.length; at++) {
    for (const value of [0, 10, 13, 32, 45, 58, 200, 255]) {
      const changed = octets.slice();
      changed[at] = value;
      try {
        msrp.parse_chunk(changed);
      } catch (error) {
        assert.ok(error instanceof msrp.MsrpSyntaxError, String(error));
      }
    }
  }
});

test('a syntax error after the first line names the transaction', () => {
  assert.throws(() => msrp.parse_chunk(bytes('MSRP d93kswow SEND\r\nnonsense\r\n-------d93kswow$\r\n')), {
    transaction: 'd93kswow',
  });
  assert.throws(() => msrp.parse_chunk(bytes('MSRP d93kswow SEND\r\nMessage-ID: abcd\r\n-------d93kswow$\r\n')), {
    transaction: 'd93kswow',
  });
  assert.throws(() => msrp.parse_chunk(bytes('HTTP/1.1 200 OK\r\n\r\n')), { transaction: null });
});

test('a fresh transaction id does not occur in the body', () => {
  const body = bytes('-------'.repeat(1000));
  const { transaction, bytes: octets } = msrp.compose_request({ method: 'SEND', to, from, body });
  assert.match(transaction, /^[A-Za-z0-9]{12}$/);
  assert.equal(text(octets).split(`-------${transaction}`).length, 2);
});

test('byte ranges and dispositions are read, wrong ones refused', () => {
  assert.deepEqual(msrp.parse_byte_range('1-*/*'), { start: 1, end: null, total: null });
  assert.deepEqual(msrp.parse_byte_range('5-10/20'), { start: 5, end: 10, total: 20 });
  for (const wrong of ['', '1', '1-2', 'a-b/c', '1-2/3/4', '-1-2/3', '9999999999999999-1/1', undefined])
    assert.equal(msrp.parse_byte_range(wrong), null);
  const name = 'für "dich"; 100%.txt';
  assert.deepEqual(msrp.parse_disposition(msrp.compose_disposition(name, 12)), { type: 'attachment', filename: name, size: 12 });
  assert.equal(msrp.parse_disposition('attachment; filename="..%2F..%2Fetc%2Fpasswd"').filename, 'passwd');
  assert.equal(msrp.parse_disposition('attachment; filename="%E0%A4%A"').filename, '%E0%A4%A');
  assert.equal(msrp.parse_disposition('attachment; filename="a\\"b"').filename, 'a"b');
  assert.equal(msrp.parse_disposition('attachment; filename=""').filename, 'file');
  assert.deepEqual(msrp.parse_disposition(undefined), { type: '', filename: null, size: null });
});

test('own paths are MSRP URIs for data channels, each with its own session', () => {
  const path = msrp.random_path();
  assert.match(path, /^msrps:\/\/[a-z0-9]+\.invalid:2855\/[A-Za-z0-9]+;dc$/);
  assert.notEqual(msrp.session_id(path), msrp.session_id(msrp.random_path()));
  assert.equal(msrp.session_id('msrp://host;tcp'), null);
  assert.equal(msrp.session_id('http://host/a;b'), null);
});
