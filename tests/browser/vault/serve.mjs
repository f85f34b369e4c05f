// The test page of the vault: bundled, and served from loopback under the app's content security policy.
// Not here: the page (page.ts), the tests (../vault.test.mjs), the measurement (../measure-vault.mjs).
import { createServer } from 'node:http';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { build } from '../../../server/web/node_modules/esbuild/lib/main.js';

export const CHROMIUM = process.env.CHROMIUM ?? '/usr/bin/chromium';

export const CSP =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; worker-src 'self'; require-trusted-types-for 'script'; trusted-types worker";

export async function serve() {
  const here = (path) => new URL(path, import.meta.url).pathname;
  const bundled = await build({
    entryPoints: {
      page: here('page.ts'),
      'derive-worker': here('../../../server/web/field/src/vault/derive-worker.ts'),
    },
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    write: false,
    outdir: '/',
    logLevel: 'error',
  });
  const files = new Map(bundled.outputFiles.map((file) => [file.path, file.contents]));
  files.set('/', '<!doctype html><html lang="en"><title>vault</title><body><script type="module" src="/page.js"></script>');
  const server = createServer((request, response) => {
    const body = files.get(request.url);
    response.writeHead(body ? 200 : 404, {
      'content-type': request.url.endsWith('.js') ? 'text/javascript' : 'text/html; charset=utf-8',
      'content-security-policy': CSP,
    });
    response.end(body ?? '');
  });
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${server.address().port}/`,
    sizes: Object.fromEntries(bundled.outputFiles.map((file) => [file.path, file.contents.length])),
    close: () => new Promise((resolve) => server.close(resolve)),
  };
}

/** A browser with a profile folder of its own, as on a phone that is used again and again. */
export async function browser(folder) {
  return chromium.launchPersistentContext(folder, {
    executablePath: CHROMIUM,
    headless: true,
    args: ['--no-sandbox'],
  });
}

export async function folder() {
  const path = await mkdtemp(join(tmpdir(), 'vault-'));
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) };
}
