// Debian's Chromium, headless, as the WIC of the tests. playwright-core comes from tests/interop/node_modules, where
// cmake/install-packages puts it.
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
export function launch(prefix = []) {
  const executable = process.env.CHROMIUM ?? '/usr/bin/chromium';
  const [executablePath, ...words] = [...prefix, executable];
  return chromium.launch({ executablePath, headless: true, args: prefix.length ? [...words, ...flags] : flags });
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
