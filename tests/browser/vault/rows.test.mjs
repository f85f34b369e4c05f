// Rows at rest: what was written is there, what was cut, swapped or put back is not.
// Not here: the keys (secret.test.mjs), what the files show (at-rest.test.mjs), what it costs (../measure-vault.mjs).
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { serve } from './serve.mjs';
import { context, page, PIN, profile, start, stop } from './setup.mjs';

before(start);
after(stop);

test('what was written is there after a lock, in every table', async () => {
  await profile();
  const found = await page.evaluate(async (pin) => {
    const { utf8, text } = kit;
    const big = crypto.getRandomValues(new Uint8Array(65536 * 1)).slice();
    const blob = new Uint8Array(600_000).map((_, i) => i % 251);
    await u.keeper.write([
      { table: 'own', key: 'a', value: utf8('one') },
      { table: 'own', key: 'b', value: utf8('two') },
      { table: 'held', key: 'r1', value: big, brief: utf8('first') },
      { table: 'held', key: 'r2', value: utf8('second body'), brief: utf8('second') },
      { table: 'blob', key: 'x', value: blob, brief: utf8('photo') },
    ]);
    await u.keeper.write([
      { table: 'own', key: 'a', value: utf8('one again') },
      { table: 'own', key: 'b', value: null },
      { table: 'held', key: 'r2', value: utf8('second body again') },
      { table: 'own', key: 'empty', value: new Uint8Array() },
    ]);
    await u.lock();
    window.u = await v.unlock(id, pin);
    const eager = (await u.keeper.eager()).map((r) => [r.table, r.key, text(r.value)]).sort();
    const again = (await u.keeper.eager()).map((r) => [r.table, r.key, text(r.value)]).sort();
    const briefs = (await u.keeper.briefs('held')).map((b) => [b.key, text(b.brief)]).sort();
    const body = await u.keeper.read('held', 'r1');
    const photo = await u.keeper.read('blob', 'x');
    return {
      eager, again, briefs,
      second: text(await u.keeper.read('held', 'r2')),
      one: text(await u.keeper.read('own', 'a')),
      gone: [await u.keeper.read('own', 'b'), await u.keeper.read('held', 'nothing')],
      same: kit.hexOf(body) === kit.hexOf(big) && kit.hexOf(photo) === kit.hexOf(blob),
    };
  }, PIN);
  assert.deepEqual(found.eager, [['own', 'a', 'one again'], ['own', 'empty', '']]);
  assert.deepEqual(found.again, found.eager);
  assert.deepEqual(found.briefs, [['r1', 'first'], ['r2', 'second']]);
  assert.equal(found.second, 'second body again');
  assert.equal(found.one, 'one again');
  assert.deepEqual(found.gone, [undefined, undefined]);
  assert.ok(found.same);
});

test('what is replaced or deleted leaves no row behind', async () => {
  await profile();
  const counts = await page.evaluate(async () => {
    const { utf8 } = kit;
    const counts = [];
    const count = async () => counts.push((await kit.raw(id)).length);
    const body = new Uint8Array(300_000);
    await count();
    await u.keeper.write([{ table: 'blob', key: 'p', value: body, brief: utf8('b') }, { table: 'own', key: 'k', value: utf8('1') }]);
    await count();
    await u.keeper.write([{ table: 'blob', key: 'p', value: body }, { table: 'own', key: 'k', value: utf8('2') }]);
    await count();
    await u.keeper.write([{ table: 'blob', key: 'p', value: null }, { table: 'own', key: 'k', value: null }]);
    await count();
    return counts;
  });
  // Two chunks, a page of the directory, a row.
  assert.deepEqual(counts, [0, 4, 4, 0]);
});

test('every write is strictly durable, and every row at rest has a padded size', async () => {
  const found = await page.evaluate(async (pin) => {
    const { transaction } = IDBDatabase.prototype;
    const seen = [];
    IDBDatabase.prototype.transaction = function (...args) {
      const made = transaction.apply(this, args);
      if (made.mode !== 'readonly') seen.push(made.durability);
      return made;
    };
    const v = kit.vault();
    const u = await v.create('', pin);
    const value = (n) => new Uint8Array(n);
    await u.keeper.write([10, 100, 1000, 5000, 20_000, 300_000].map((n) => ({ table: 'held', key: `${n}`, value: value(n), brief: value(n % 900) })));
    await u.keeper.write([10, 100, 1000, 9000].map((n) => ({ table: 'own', key: `${n}`, value: value(n) })));
    await u.changeSecret(pin, 'another long phrase');
    await u.lock();
    IDBDatabase.prototype.transaction = transaction;
    // Format, nonce and tag around the padded content.
    const sizes = (await kit.raw(u.id)).map(([, , bytes]) => bytes.length - 29);
    return { durability: [...new Set(seen)], n: sizes.length, odd: sizes.filter((size) => kit.padded(size) !== size) };
  }, PIN);
  assert.deepEqual(found, { durability: ['strict'], n: 12, odd: [] });
});

test('a directory of hundreds is cut into pages, and one change rewrites one of them', async () => {
  await profile();
  const found = await page.evaluate(async (pin) => {
    const { utf8, text } = kit;
    const key = (i) => `r${i}`;
    const change = (i, brief) => ({ table: 'held', key: key(i), value: utf8(`body ${i}`), brief: utf8(brief) });
    await u.keeper.write(Array.from({ length: 500 }, (_, i) => change(i, `brief ${i}`)));
    const before = new Map((await kit.raw(id)).filter(([store]) => store === 'small').map(([, i, b]) => [i, b]));
    await u.keeper.write([change(7, 'changed')]);
    const now = (await kit.raw(id)).filter(([store]) => store === 'small').map(([, i]) => i);
    const rewritten = now.filter((i) => !before.has(i)).length;
    // Out of order, growing past a page, with holes.
    await u.keeper.write(Array.from({ length: 250 }, (_, i) => ({ table: 'held', key: key(2 * i), value: null })));
    await u.keeper.write(Array.from({ length: 100 }, (_, i) => change(2 * i + 1, 'x'.repeat(2000 + i))));
    await u.keeper.write(Array.from({ length: 60 }, (_, i) => change(1000 + i, 'late')));
    await u.lock();
    window.u = await v.unlock(id, pin);
    const briefs = new Map((await u.keeper.briefs('held')).map((b) => [b.key, text(b.brief)]));
    const bodies = await Promise.all([1, 499, 1059].map(async (i) => text(await u.keeper.read('held', key(i)))));
    return { pages: before.size, rewritten, n: briefs.size, grown: briefs.get('r199').length, late: briefs.get('r1059'), r201: briefs.get('r201'), bodies, r0: briefs.has('r0') };
  }, PIN);
  assert.equal(found.pages, 8);
  assert.equal(found.rewritten, 1);
  assert.deepEqual(found, { ...found, n: 310, grown: 2099, late: 'late', r201: 'brief 201', r0: false });
  assert.deepEqual(found.bodies, ['body 1', 'body 499', 'body 1059']);
});

test('rows that were swapped, put back, changed or lost are refused', async () => {
  await profile();
  const found = await page.evaluate(async (pin) => {
    const { utf8 } = kit;
    const put = (key, text) => ({ table: 'held', key, value: utf8(text), brief: utf8(key) });
    await u.keeper.write([put('a', 'body a'), { table: 'own', key: 'k', value: utf8('old') }]);
    const first = await kit.raw(id);
    await u.keeper.write([put('b', 'body b')]);
    const large = (await kit.raw(id)).filter(([store]) => store === 'large');
    const [, one, bytesOne] = first.find(([store]) => store === 'large');
    const [, two, bytesTwo] = large.find(([, row]) => row !== one);
    const read = async () => [await kit.ended(() => u.keeper.read('held', 'a').then(() => 'read')), await kit.ended(() => u.keeper.read('held', 'b').then(() => 'read'))];
    const good = await read();
    await kit.putRaw(id, 'large', one, bytesTwo);
    await kit.putRaw(id, 'large', two, bytesOne);
    const swapped = await read();
    const bent = bytesOne.slice();
    bent[40] ^= 1;
    await kit.putRaw(id, 'large', one, bent);
    await kit.putRaw(id, 'large', two, bytesTwo);
    const changed = await read();
    // A whole body put back after it was written anew: no directory names it.
    await kit.putRaw(id, 'large', one, bytesOne);
    await u.keeper.write([put('a', 'body a, edited'), { table: 'own', key: 'k', value: utf8('new') }]);
    await kit.putRaw(id, 'large', one, bytesOne);
    await u.lock();
    window.u = await v.unlock(id, pin);
    const edited = [kit.text(await u.keeper.read('held', 'a')), kit.text(await u.keeper.read('held', 'b'))];
    await u.lock();
    // A row of a table in memory put back beside the new one.
    for (const [store, key, bytes] of first) if (store === 'small') await kit.putRaw(id, store, key, bytes);
    const back = await kit.ended(() => v.unlock(id, pin));
    return { good, swapped, changed, edited, back: back.code };
  }, PIN);
  const damaged = { code: 'damaged', wait: 0, reason: '' };
  assert.deepEqual(found.good, [{ ok: 'read' }, { ok: 'read' }]);
  assert.deepEqual(found.swapped, [damaged, damaged]);
  assert.deepEqual(found.changed, [damaged, { ok: 'read' }]);
  assert.deepEqual(found.edited, ['body a, edited', 'body b']);
  assert.equal(found.back, 'damaged');
});

test('a write that is cut leaves all as it was, and the next one works', async () => {
  await profile();
  const found = await page.evaluate(async (pin) => {
    const { utf8, text } = kit;
    const put = (key, body, brief) => ({ table: 'held', key, value: utf8(body), brief: utf8(brief) });
    await u.keeper.write([put('a', 'old', 'old brief'), { table: 'own', key: 'k', value: utf8('old') }]);
    const before = (await kit.raw(id)).map(([s, i]) => s + i).sort().join();
    // The transaction is aborted in its middle, after some rows.
    const { add } = IDBObjectStore.prototype;
    let left = 2;
    IDBObjectStore.prototype.add = function (...args) {
      const request = add.apply(this, args);
      if (--left === 0) this.transaction.abort();
      return request;
    };
    const cut = await kit.ended(() => u.keeper.write([put('a', 'new', 'new brief'), put('b', 'new', 'b'), { table: 'own', key: 'k', value: null }]));
    IDBObjectStore.prototype.add = add;
    const after = (await kit.raw(id)).map(([s, i]) => s + i).sort().join();
    const state = async () => [text(await u.keeper.read('held', 'a')), (await u.keeper.briefs('held')).map((b) => text(b.brief)), text(await u.keeper.read('own', 'k'))];
    const memory = await state();
    await u.lock();
    window.u = await v.unlock(id, pin);
    const rest = await state();
    await u.keeper.write([put('a', 'new', 'new brief')]);
    return { cut: cut.code, same: before === after, memory, rest, then: await state() };
  }, PIN);
  const old = ['old', ['old brief'], 'old'];
  assert.deepEqual(found, { cut: 'storage_failed', same: true, memory: old, rest: old, then: ['new', ['new brief'], 'old'] });
});

test('a full device is named, and nothing is half written', async () => {
  // An origin of its own: the browser remembers for a while how much room it gave to one.
  const other = await serve();
  const tab = await context.newPage();
  const devtools = await context.newCDPSession(tab);
  await devtools.send('Storage.overrideQuotaForOrigin', { origin: new URL(other.url).origin, quotaSize: 4_000_000 });
  await tab.goto(other.url);
  await tab.waitForFunction(() => 'kit' in window);
  await profile(tab);
  const found = await tab.evaluate(async () => {
    const put = (text) => ({ table: 'own', key: 'k', value: kit.utf8(text) });
    await u.keeper.write([put('before')]);
    const photo = { table: 'blob', key: 'big', value: new Uint8Array(8_000_000), brief: kit.utf8('photo') };
    const ended = await kit.ended(() => u.keeper.write([photo, put('after')]));
    const rows = (await kit.raw(id)).length;
    const then = await kit.ended(() => u.keeper.write([put('small')]).then(() => 'written'));
    return { code: ended.code, rows, briefs: (await u.keeper.briefs('blob')).length, then, k: kit.text(await u.keeper.read('own', 'k')) };
  });
  assert.deepEqual(found, { code: 'storage_full', rows: 1, briefs: 0, then: { ok: 'written' }, k: 'small' });
  await tab.close();
  await other.close();
});

test('padding: 64 bytes at least, powers of two to 4 KiB, then at most an eighth more', async () => {
  const found = await page.evaluate(() => [0, 1, 64, 65, 128, 129, 1000, 3000, 4096, 4097, 5000, 70_000].map((n) => kit.padded(n)));
  assert.deepEqual(found, [64, 64, 64, 128, 128, 256, 1024, 4096, 4096, 4608, 5120, 73_728]);
});
