// One browser with one tab for all tests of a file, and a new profile for each.
// Not here: the browser and the server (serve.mjs), what is in the page (page.ts).
import assert from 'node:assert/strict';
import { browser, folder, serve } from './serve.mjs';

export const PIN = '739164';
export let server, context, page;
let home;

export async function start() {
  server = await serve();
  home = await folder();
  context = await browser(home.path);
  page = await opened();
}

export async function stop() {
  await context?.close();
  await home?.remove();
  await server?.close();
}

/** A tab with the test page. Errors that nobody catches fail the test. */
export async function opened() {
  const tab = await context.newPage();
  tab.on('pageerror', (error) => assert.fail(`the page threw: ${error}`));
  await tab.goto(server.url);
  await tab.waitForFunction(() => 'kit' in window);
  return tab;
}

/** A new profile; leaves `v` (vault), `u` (unlocked), `id` and `clock` on the tab's window. */
export async function profile(tab = page, options = {}) {
  return tab.evaluate(
    async ([pin, rules]) => {
      window.clock = new kit.HandClock();
      window.v = kit.vault({ clock: window.clock, ...(rules ? { rules } : {}) });
      window.u = await v.create('', pin);
      window.id = u.id;
      return u.id;
    },
    [PIN, options.rules],
  );
}
