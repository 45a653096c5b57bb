// The page by itself, against a double of the controller: what a user can do, and what is shown. The whole system has tests
// of its own.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { mkdir } from 'node:fs/promises';
import { launch, open } from './browser.mjs';
import { attach, serve } from './controller_double.mjs';

const pictures = process.env.AGW_PICTURES; // a folder for screenshots
let browser;
let site;

before(async () => {
  [browser, site] = await Promise.all([launch(), serve()]);
  if (pictures) await mkdir(pictures, { recursive: true });
});
after(async () => {
  await browser?.close();
  await site?.close();
});

async function start(options = {}, script = {}) {
  const { page: peer } = await open(browser, `${site.url}blank.html`);
  let double;
  const opened = await open(browser, site.url, {
    ...options,
    before: async (page) => {
      double = await attach(page, peer, script);
    },
  });
  await opened.page.waitForFunction(() => window.agw?.state.gateway.registered);
  const end = async () => {
    assert.deepEqual([...opened.faults, ...double.failures], []);
    await opened.context.close();
    await peer.context().close();
  };
  return { ...opened, peer, ...double, end };
}

const shoot = async (page, name) => pictures && page.screenshot({ path: `${pictures}/${name}.png` });

for (const [name, options] of [
  ['desktop-light', {}],
  ['desktop-dark', { scheme: 'dark' }],
  ['phone-light', { width: 390, height: 844, deviceScaleFactor: 2 }],
  ['phone-dark', { width: 390, height: 844, deviceScaleFactor: 2, scheme: 'dark' }],
]) {
  test(`a call with text, file, second channel and messages to read: ${name}`, async () => {
    const { page, end } = await start(options);
    const phone = options.width === 390;
    await shoot(page, `${name}-0-welcome`);
    await page.click('#call');
    await page.waitForSelector('#composer:not([hidden])');
    await page.waitForFunction(() => window.agw.state.call?.state === 'up');
    await page.fill('#text', 'Hello from the browser');
    await page.keyboard.press('Enter');
    await page.evaluate(() => window.agw.waitFor({ kind: 'text', text: 'Hello from the browser' }));
    const file = await page.evaluate(() => window.agw.sendFile('a photo of the lake, summer 2026.jpg', 400_000));
    const back = await page.evaluate((sha256) => window.agw.waitFor({ kind: 'file', sha256 }), file.sha256);
    assert.equal(file.state, 'delivered');
    assert.equal(back.size, 400_000);
    await page.waitForSelector('.bubble.own .agreed');
    assert.equal(await page.locator('.bubble a[download]').getAttribute('download'), 'a photo of the lake, summer 2026.jpg');
    await shoot(page, `${name}-1-chat`);
    if (phone) await page.click('.tabs [data-tab=picture]');
    await shoot(page, `${name}-2-picture`);
    assert.equal(await page.locator('.node[data-state=done]').count(), 6);
    await page.locator('button.row', { hasText: 'stream group' }).click();
    assert.match(await page.locator('#detail pre').textContent(), /mgroup\/sem = "DEAGG 1 2"/);
    await shoot(page, `${name}-3-message`);
    await page.keyboard.press('Escape');
    assert.equal(await page.locator('#detail').isVisible(), false);
    if (phone) await page.click('.tabs [data-tab=chat]');
    await page.click('#add-channel');
    await page.waitForFunction(
      () => window.agw.state.call.channels.length === 2 && window.agw.state.call.channels[1].state === 'open',
    );
    await page.evaluate(() => window.agw.sendText('in the second', 'chat 2'));
    await page.evaluate(() => window.agw.waitFor({ channel: 'chat 2', text: 'in the second' }));
    await page.waitForFunction(() => document.querySelectorAll('.branch').length === 2);
    await shoot(page, `${name}-4-two-channels`);
    if (phone) {
      await page.click('.tabs [data-tab=picture]');
      await shoot(page, `${name}-5-two-channels-picture`);
      await page.click('.tabs [data-tab=chat]');
    }
    const wide = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
    assert.equal(wide, false, 'the page scrolls sideways');
    await page.click('#hang-up');
    await page.waitForFunction(() => window.agw.state.call.state === 'ended');
    await shoot(page, `${name}-6-ended`);
    await end();
  });
}

test('the bot calls the page, and the page answers', async () => {
  const { page, end, seen } = await start();
  await page.click('#call-me');
  await page.waitForFunction(() => window.agw.state.call?.state === 'up');
  await page.evaluate(() => window.agw.sendText('you called?'));
  await page.evaluate(() => window.agw.waitFor({ text: 'you called?' }));
  const answer = seen.find((message) => message.type === 'answer');
  assert.match(answer.channels[0].path, /^msrps:\/\/.+;dc$/);
  assert.equal(answer.channels[0].setup, 'active');
  await end();
});

test('large files flow both ways with equal hashes and chunks that fit', async () => {
  const { page, end } = await start({}, { max: 16384 });
  await page.evaluate(() => window.agw.call());
  const file = await page.evaluate(() => window.agw.sendFile('big.bin', 4 << 20));
  const back = await page.evaluate((sha256) => window.agw.waitFor({ kind: 'file', sha256 }), file.sha256);
  assert.deepEqual([file.state, back.size], ['delivered', 4 << 20]);
  await end();
});

test('what a peer sends is shown as text, never as markup', async () => {
  const { page, end } = await start();
  await page.evaluate(() => window.agw.call());
  const text = '<img src=x onerror=alert(1)><b>bold</b>';
  await page.evaluate((t) => window.agw.sendText(t), text);
  await page.evaluate((t) => window.agw.waitFor({ text: t }), text);
  assert.equal(await page.locator('.log img, .log b').count(), 0);
  assert.equal(await page.locator('.bubble:not(.own) p').first().textContent(), text);
  await end();
});

test('a refused call says why and can be tried again', async () => {
  const { page, end, script } = await start({}, { refuse: 'insufficient resources' });
  await page.click('#call');
  await page.waitForFunction(() => document.querySelector('#outcome').textContent.includes('rejected'));
  assert.equal(await page.locator('#call').isEnabled(), true);
  assert.ok((await page.evaluate(() => window.agw.problems)).includes('insufficient resources'));
  delete script.refuse;
  await page.click('#call');
  await page.waitForFunction(() => window.agw.state.call?.state === 'up');
  await end();
});

test('a channel that is refused leaves the call and its other channel', async () => {
  const { page, end, script } = await start({}, { refuse_modify: 'insufficient resources' });
  await page.evaluate(() => window.agw.call());
  const why = await page.evaluate(() => window.agw.addChannel('second').catch((error) => error.message));
  assert.equal(why, 'insufficient resources');
  assert.equal(await page.evaluate(() => window.agw.state.call.channels.find((c) => c.label === 'second').state), 'closed');
  await page.evaluate(() => window.agw.sendText('still here', 'chat'));
  await page.evaluate(() => window.agw.waitFor({ channel: 'chat', text: 'still here' }));
  delete script.refuse_modify;
  await page.evaluate(() => window.agw.addChannel('third'));
  await page.waitForFunction(() => window.agw.state.call.channels.at(-1).state === 'open');
  await end();
});

test('the options of the page are those of the offer', async () => {
  const { page, end, seen } = await start();
  await page.click('summary');
  await page.check('#option-aware');
  await page.check('#option-tls');
  await page.click('#call');
  await page.waitForFunction(() => window.agw.state.call?.state === 'up');
  const { options } = seen.find((message) => message.type === 'offer');
  assert.deepEqual(options, { interworking: 'aware', tls: true });
  await end();
});

test('a failed stage is shown with its reason, and the end of the call with its cause', async () => {
  const { page, end, script } = await start();
  await page.evaluate(() => window.agw.call());
  await page.waitForFunction(() => document.querySelectorAll('.node[data-state=done]').length === 6);
  const call = await page.evaluate(() => window.agw.state.call.id);
  script.tell({ type: 'stage', call, stage: 'dtls', stream: 1, state: 'failed', reason: 'fingerprint', at: 80 });
  script.tell({ type: 'released', call, cause: 'dtls:fingerprint', statistics: [] });
  await page.waitForFunction(() => window.agw.state.call.cause === 'dtls:fingerprint');
  assert.equal(await page.locator('.node[data-stage=dtls] .time').textContent(), 'fingerprint');
  assert.equal(await page.locator('.band.bad').count(), 1);
  assert.match(await page.locator('.note.bad').last().textContent(), /dtls:fingerprint/);
  await shoot(page, 'failed');
  await end();
});

test('a channel that closes leaves the other one working', async () => {
  const { page, end, script } = await start();
  await page.evaluate(() => window.agw.call());
  await page.evaluate(() => window.agw.addChannel('second'));
  await page.waitForFunction(() => window.agw.state.call.channels[1].state === 'open');
  const call = await page.evaluate(() => window.agw.state.call.id);
  script.tell({ type: 'closed', call, id: 2, cause: 'channel:reset' });
  await page.waitForFunction(() => window.agw.state.call.channels[1].state === 'closed');
  await page.evaluate(() => window.agw.sendText('still here', 'chat'));
  await page.evaluate(() => window.agw.waitFor({ channel: 'chat', text: 'still here' }));
  await end();
});

test('nonsense from the controller does no harm', async () => {
  const { page, end, script } = await start();
  for (const message of [
    { type: 'stage' },
    { type: 'stage', stage: 'dtls', state: 'done' },
    { type: 'h248' },
    { type: 'answer', call: 'other' },
    { type: 'x' },
    {},
    null,
    [1],
  ]) {
    script.tell(message);
  }
  await page.evaluate(() => window.agw.call());
  assert.equal(await page.evaluate(() => window.agw.state.call.state), 'up');
  await end();
});

test('the keyboard is enough', async () => {
  const { page, end } = await start();
  await page.focus('#call');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => window.agw.state.call?.state === 'up');
  await page.focus('button.row');
  await page.keyboard.press('Enter');
  await page.keyboard.press('ArrowDown');
  assert.equal(await page.locator('#detail .title').textContent(), 'Add T2 · S2: reserve');
  await page.keyboard.press('Escape');
  assert.equal(await page.evaluate(() => document.activeElement.className), 'row');
  await end();
});

test('without the controller the page says so, and comes back with it', async () => {
  const { page, peer, script, context } = await start();
  await page.evaluate(() => window.agw.call());
  script.drop();
  await page.waitForFunction(() => window.agw.state.call.state === 'ended');
  await page.waitForFunction(() => window.agw.state.gateway.registered);
  await page.evaluate(() => window.agw.call());
  await context.close();
  await peer.context().close();
});
