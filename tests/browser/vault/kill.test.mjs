// The browser is killed while it writes: what was acknowledged is there, and no write is there in part.
// Not here: a power cut, which only the database's own durability covers ('strict', asserted in rows.test.mjs).
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { test } from 'node:test';
import { chromium } from 'playwright-core';
import { CHROMIUM, folder, serve } from './serve.mjs';

const PIN = '739164';

test('a killed browser keeps every acknowledged write, and none in part', async () => {
  const server = await serve();
  const home = await folder();
  let running;
  try {
    let profile = '';
    let least = 0;
    for (const acknowledged of [3, 10, 25]) {
      running = await start(home.path);
      const page = await running.page(server.url);
      const state = await page.evaluate(unlock, [profile, PIN]);
      profile = state.profile;
      assert.ok(state.count >= least, `${state.count} writes are left of ${least} acknowledged`);
      least = await new Promise((resolve, reject) => {
        let last = state.count;
        const until = last + acknowledged;
        page.on('console', (message) => {
          last = Number(message.text());
          // Right after an acknowledgement, while the next write is under way.
          if (last >= until) resolve(last);
        });
        page.evaluate(writeOn, state.count).catch(reject);
      });
      await running.kill();
      running = undefined;
    }
    running = await start(home.path);
    const page = await running.page(server.url);
    const { count } = await page.evaluate(unlock, [profile, PIN]);
    assert.ok(count >= least && least >= 38, `${count}, ${least}`);
  } finally {
    await running?.kill();
    await server.close();
    await home.remove();
  }
});

/** In the page: unlocks (or makes) the profile; looks whether each write is there as a whole, and counts them. */
async function unlock([profile, pin]) {
  const v = kit.vault();
  window.u = profile ? await v.unlock(profile, pin) : await v.create('', pin);
  const eager = await u.keeper.eager();
  const count = eager.length === 0 ? 0 : Number(kit.text(eager[0].value));
  const briefs = await u.keeper.briefs('held');
  if (eager.length > 1 || briefs.length !== count) throw new Error(`in part: ${eager.length} ${count} ${briefs.length}`);
  for (const { key, brief } of briefs) {
    const body = await u.keeper.read('held', key);
    if (body.length !== 20_000 || kit.text(brief) !== key) throw new Error(`in part: ${key}`);
  }
  return { profile: u.id, count };
}

/** In the page: write after write, each told when it is durable. */
async function writeOn(count) {
  for (;;) {
    count += 1;
    await u.keeper.write([
      { table: 'own', key: 'count', value: kit.utf8(`${count}`) },
      { table: 'held', key: `r${count}`, value: new Uint8Array(20_000), brief: kit.utf8(`r${count}`) },
    ]);
    console.log(count);
  }
}

/** A browser that can be killed with all its processes. */
async function start(path) {
  const args = ['--headless=new', '--no-sandbox', '--remote-debugging-port=0', `--user-data-dir=${path}`, 'about:blank'];
  const child = spawn(CHROMIUM, args, { detached: true, stdio: ['ignore', 'ignore', 'pipe'] });
  const address = await new Promise((resolve, reject) => {
    let said = '';
    child.stderr.on('data', (bytes) => {
      said += bytes;
      const found = /DevTools listening on (ws:\S+)/.exec(said);
      if (found) resolve(found[1]);
    });
    child.on('exit', () => reject(new Error(said)));
  });
  const browser = await chromium.connectOverCDP(address);
  return {
    async page(url) {
      const page = await browser.contexts()[0].newPage();
      await page.goto(url);
      await page.waitForFunction(() => 'kit' in window);
      return page;
    },
    async kill() {
      const gone = new Promise((resolve) => child.on('exit', resolve));
      process.kill(-child.pid, 'SIGKILL');
      await gone;
      await browser.close().catch(() => undefined);
    },
  };
}
