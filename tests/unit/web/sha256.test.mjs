import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { Sha256, sha256 } from '../../../apps/controller/web/sha256.js';

const reference = (bytes) => createHash('sha256').update(bytes).digest('hex');

test('the examples of FIPS 180-4 come out', () => {
  assert.equal(sha256(new TextEncoder().encode('abc')), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  assert.equal(sha256(new Uint8Array()), 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
});

test('every length around the block borders agrees with the library', () => {
  for (let length = 0; length < 260; length++) {
    const bytes = randomBytes(length);
    assert.equal(sha256(bytes), reference(bytes), `length ${length}`);
  }
});

test('pieces of any size give the digest of the whole', () => {
  const bytes = randomBytes(100_000);
  for (const step of [1, 3, 55, 56, 63, 64, 65, 127, 4096, 99_999]) {
    const hash = new Sha256();
    for (let at = 0; at < bytes.length; at += step) hash.update(bytes.subarray(at, at + step));
    assert.equal(hash.hex(), reference(bytes), `step ${step}`);
  }
});

test('a digest that is taken admits no more bytes', () => {
  const hash = new Sha256();
  const digest = hash.hex();
  assert.equal(hash.hex(), digest);
  assert.throws(() => hash.update(new Uint8Array(1)));
});
