// Debian's Chromium, headless, as the WIC of the tests. playwright-core comes from tests/interop/node_modules, where
// cmake/install-packages puts it.
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { chromium } from 'playwright-core';

const flags = [
  '--no-sandbox',
  '--disable-gpu',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--allow-loopback-in-peer-connection',
  '--disable-features=WebRtcHideLocalIpsWithMdns',
];

// `prefix`: a command that runs it, for example in a namespace.
export async function launch(prefix = []) {
  const executable = process.env.CHROMIUM ?? '/usr/bin/chromium';
  if (!prefix.length) return chromium.launch({ executablePath: executable, headless: true, args: flags });
  // Playwright hands over no argument that is not an option, so the prefix has to be in a program.
  const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'agw-browser-'));
  const executablePath = path.join(folder, 'browser');
  fs.writeFileSync(executablePath, `#!/bin/sh\nexec ${[...prefix, executable].map((word) => `'${word}'`).join(' ')} "$@"\n`, { mode: 0o700 });
  try {
    return await chromium.launch({ executablePath, headless: true, args: flags });
  } finally {
    fs.rmSync(folder, { recursive: true });
  }
}

// A page in a context of its own. `faults` collects what no page may have: uncaught errors and failed requests.
// With camera and microphone granted, candidates on 127.0.0.1 are gathered.
export async function open(browser, url, { width = 1280, height = 800, scheme = 'light', before, ...rest } = {}) {
  const context = await browser.newContext({
    permissions: ['camera', 'microphone'],
    viewport: { width, height },
    colorScheme: scheme,
    ...rest,
  });
  const page = await context.newPage();
  const faults = [];
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text());
  });
  page.on('requestfailed', (request) => faults.push(`${request.url()}: ${request.failure()?.errorText}`));
  await before?.(page);
  if (url) await page.goto(url);
  return { page, context, faults };
}
