// Several profiles, the inbox slot, wiping, and what the browser says about its storage.
// Not here: rows (rows.test.mjs).
import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { browser, folder } from './serve.mjs';
import { opened, page, PIN, profile, server, start, stop } from './setup.mjs';

before(start);
after(stop);

describe('the inbox slot', () => {
  test('the server opens it, and with it every row, without the secret', async () => {
    await profile();
    const found = await page.evaluate(async () => {
      const none = [await u.inboxSlotHash(), await v.sealed(id)];
      const org = await kit.inbox();
      const hash = await u.setInbox(org.org, org.point);
      await u.keeper.write([{ table: 'own', key: 'k', value: kit.utf8('unsent') }, { table: 'blob', key: 'b', value: kit.utf8('a photo'), brief: kit.utf8('') }]);
      const same = (await u.inboxSlotHash()) === hash;
      await u.lock();
      await v.wipe(id, 'secret');
      const refused = await kit.ended(() => v.unlock(id, '739164'));
      const meta = [await kit.getRaw(id, 'meta', 'device'), await kit.getRaw(id, 'meta', 'data'), (await kit.getRaw(id, 'meta', 'slots')).map((s) => s.kind)];
      const left = await v.sealed(id);
      const digest = kit.hexOf(await crypto.subtle.digest('SHA-256', left.slot));
      // What the server does.
      const key = await crypto.subtle.importKey('raw', await org.open(left.slot), 'AES-GCM', false, ['decrypt']);
      const open = async (store, [row, sealed]) => {
        const bytes = row.match(/../g).map((b) => Number.parseInt(b, 16));
        const additionalData = new Uint8Array([...kit.utf8('tributary-row-v1'), 1, store, ...bytes]);
        return kit.text(new Uint8Array(await crypto.subtle.decrypt({ name: 'AES-GCM', iv: sealed.slice(1, 13), additionalData }, key, sealed.slice(13))));
      };
      const small = await Promise.all((await left.rows('small', await left.ids('small'))).map((row) => open(0, row)));
      const large = await Promise.all((await left.rows('large', await left.ids('large'))).map((row) => open(1, row)));
      const nothing = await left.rows('large', ['00'.repeat(16)]);
      return { none, same, hash: digest === hash && left.slotHash === hash, refused: refused.code, meta, unsent: small.some((s) => s.includes('unsent')), photo: large.some((s) => s.includes('a photo')), nothing };
    });
    assert.deepEqual(found, {
      none: [undefined, undefined], same: true, hash: true, refused: 'wiped', meta: [undefined, undefined, ['inbox']], unsent: true, photo: true, nothing: [],
    });
  });

  test('wrong tries destroy the secret only where the organisation turned it on, and leave the sealed rows', async () => {
    await profile();
    const found = await page.evaluate(async (pin) => {
      const org = await kit.inbox();
      await u.setInbox(org.org, org.point);
      await u.keeper.write([{ table: 'own', key: 'k', value: kit.utf8('unsent') }]);
      // Ten is the least; nobody is wiped by three slips.
      await u.setWipeAfter(3);
      await u.lock();
      const codes = [];
      for (let i = 0; i < 10; i++) {
        clock.advance(900_000);
        codes.push((await kit.ended(() => v.unlock(id, '000000'))).code);
      }
      clock.advance(900_000);
      const right = await kit.ended(() => v.unlock(id, pin));
      return { codes, right: right.code, rows: (await (await v.sealed(id)).ids('small')).length };
    }, PIN);
    assert.deepEqual(found.codes, [...Array(9).fill('wrong_secret'), 'wiped']);
    assert.deepEqual(found, { ...found, right: 'wiped', rows: 1 });
  });
});

describe('profiles', () => {
  test('several, each with its own rows; the clear index holds an id and a label; a wipe takes one', async () => {
    const tab = await opened();
    const found = await tab.evaluate(async (pin) => {
      const v = kit.vault();
      const before = (await v.profiles()).length;
      const one = await v.create('', pin);
      const two = await v.create(' blue ', 'a second long phrase');
      await one.keeper.write([{ table: 'own', key: 'k', value: kit.utf8('one') }]);
      await two.keeper.write([{ table: 'own', key: 'k', value: kit.utf8('two') }]);
      await v.rename(one.id, 'red');
      const listed = (await v.profiles()).filter((p) => [one.id, two.id].includes(p.id)).sort((a, b) => (a.label < b.label ? -1 : 1));
      let reason;
      two.onLock((r) => (reason = r));
      await v.wipe(two.id, 'everything');
      const databases = (await indexedDB.databases()).map((d) => d.name);
      return {
        labels: listed.map((p) => [p.label, Object.keys(p).sort(), /^[0-9a-f]{32}$/.test(p.id)]),
        reason, one: kit.text(await one.keeper.read('own', 'k')),
        left: [databases.includes(one.id), databases.includes(two.id), (await v.profiles()).length - before],
        gone: (await kit.ended(() => v.unlock(two.id, 'a second long phrase'))).code,
        unknown: (await kit.ended(() => v.unlock('00'.repeat(16), pin))).code,
        made: (await indexedDB.databases()).some((d) => d.name === '00'.repeat(16)),
      };
    }, PIN);
    assert.deepEqual(found, {
      labels: [['blue', ['id', 'label'], true], ['red', ['id', 'label'], true]],
      reason: 'wiped', one: 'one', left: [true, false, 1], gone: 'unknown_profile', unknown: 'unknown_profile', made: false,
    });
    await tab.close();
  });

  test('a wipe locks the tab that has it open', async () => {
    const first = await opened();
    const second = await opened();
    const id = await profile(first);
    await first.evaluate(() => void (window.left = new Promise((resolve) => u.onLock(resolve))));
    await second.evaluate((id) => kit.vault().wipe(id, 'everything'), id);
    assert.equal(await first.evaluate(() => left), 'elsewhere');
    assert.equal((await first.evaluate(() => kit.ended(() => u.keeper))).code, 'locked');
    await first.close();
    await second.close();
  });
});

test('a wipe that was cut after the secret was destroyed is done again', async () => {
  await profile();
  const found = await page.evaluate(async (pin) => {
    await u.keeper.write([{ table: 'own', key: 'k', value: kit.utf8('k') }]);
    const { clear } = IDBObjectStore.prototype;
    IDBObjectStore.prototype.clear = function () {
      this.transaction.abort();
      return clear.call(this);
    };
    const cut = await kit.ended(() => v.wipe(id, 'everything'));
    IDBObjectStore.prototype.clear = clear;
    const listed = async () => (await v.profiles()).some((p) => p.id === id);
    const before = [await listed(), (await kit.ended(() => v.unlock(id, pin))).code];
    await v.wipe(id, 'everything');
    return { cut: cut.code, before, after: [await listed(), (await kit.ended(() => v.unlock(id, pin))).code] };
  }, PIN);
  assert.deepEqual(found, { cut: found.cut, before: [true, 'wiped'], after: [false, 'unknown_profile'] });
  assert.ok(found.cut);
});

test('the browser is asked to keep the storage, and its answer told', async () => {
  const state = await page.evaluate(() => kit.askToKeep());
  assert.equal(typeof state.kept, 'boolean');
  assert.ok(state.allowed > 0);
});

test('a browser whose user blocks all storage is named', async () => {
  const home = await folder();
  await mkdir(join(home.path, 'Default'), { recursive: true });
  const blocked = { profile: { default_content_setting_values: { cookies: 2 } } };
  await writeFile(join(home.path, 'Default', 'Preferences'), JSON.stringify(blocked));
  const other = await browser(home.path);
  try {
    const tab = await other.newPage();
    await tab.goto(server.url);
    await tab.waitForFunction(() => 'kit' in window);
    const codes = await tab.evaluate(async (pin) => {
      const steps = [() => kit.vault().profiles(), () => kit.vault().create('', pin)];
      return Promise.all(steps.map(async (step) => (await kit.ended(step)).code));
    }, PIN);
    assert.deepEqual(codes, ['storage_refused', 'storage_refused']);
  } finally {
    await other.close();
    await home.remove();
  }
});
