// The vault in a real browser: what is at rest, who gets in, and what a cut leaves.
// Not here: what it costs (measure-vault.mjs), the bytes at rest (at-rest.test.mjs).
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { browser, folder, serve } from './vault/serve.mjs';

const PIN = '739164';
let server, home, context, page;

before(async () => {
  server = await serve();
  home = await folder();
  context = await browser(home.path);
  page = await opened();
});

after(async () => {
  await context?.close();
  await home?.remove();
  await server?.close();
});

/** A tab with the test page. Errors that nobody catches fail the test. */
async function opened(at = context) {
  const tab = await at.newPage();
  tab.on('pageerror', (error) => assert.fail(`the page threw: ${error}`));
  await tab.goto(server.url);
  await tab.waitForFunction(() => 'kit' in window);
  return tab;
}

/** A new profile in the page; leaves `v` (vault), `u` (unlocked), `id` and `clock` on the window. */
async function profile(tab = page, options = {}) {
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

describe('secrets', () => {
  test('a wrong one opens nothing; the right one in Khmer digits does', async () => {
    await profile();
    const found = await page.evaluate(async () => {
      await u.lock();
      const wrong = await kit.ended(() => v.unlock(id, '739165'));
      const right = await kit.ended(async () => (await v.unlock(id, ' ៧៣៩១៦៤ ')).id === id);
      return { wrong, right };
    });
    assert.deepEqual(found.wrong, { code: 'wrong_secret', wait: 0, reason: '' });
    assert.deepEqual(found.right, { ok: true });
  });

  test('weak ones are refused, each for its reason', async () => {
    const cases = {
      '': 'too_short', 12345: 'too_short', 'a phrase': 'too_short', 111111: 'same_characters', '000000': 'same_characters',
      123456: 'sequence', 654321: 'sequence', 567890: 'sequence', 135791: 'sequence', 121212: 'pattern', 123123: 'pattern',
      123321: 'pattern', 112211: 'pattern', 551555: 'pattern', 198734: 'date', 341987: 'date', 253012: 'date', 310187: 'date', 870131: 'date',
      25301234: 'date', 147258: 'common', 'abcdefghij': 'sequence', 'Password123': 'common', 'aaaaaaaaab': 'pattern', '១២៣៤៥៦': 'sequence',
      739164: undefined, 90418273: undefined, 'five dull words in a row': undefined, 'ខ្មែរពាក្យសម្ងាត់': undefined,
    };
    const found = await page.evaluate((secrets) => secrets.map((s) => kit.weakness(s)), Object.keys(cases));
    assert.deepEqual(Object.fromEntries(Object.keys(cases).map((k, i) => [k, found[i]])), cases);
    const refused = await page.evaluate(() => kit.ended(() => kit.vault().create('', '123456')));
    assert.deepEqual(refused, { code: 'weak_secret', wait: 0, reason: 'sequence' });
  });

  test('wrong tries wait longer and longer, through a reload and a changed clock', async () => {
    await profile();
    const tab = page;
    const wrong = () => tab.evaluate(() => kit.ended(() => v.unlock(id, '000000')));
    await tab.evaluate(() => u.lock());
    for (let i = 0; i < 4; i++) assert.equal((await wrong()).wait, 0);
    assert.equal((await wrong()).wait, 30_000);
    assert.deepEqual(await tab.evaluate(([pin]) => kit.ended(() => v.unlock(id, pin)), [PIN]), { code: 'wait', wait: 30_000, reason: '' });

    // The clock set forth and back changes nothing; waiting does.
    const jumped = await tab.evaluate(async () => {
      clock.wallTime += 365 * 86_400_000;
      const forth = await v.wait(id);
      clock.wallTime -= 800 * 86_400_000;
      const back = await v.wait(id);
      clock.advance(12_000);
      // Its note of the wait is durable when the database has answered.
      await kit.getRaw(id, 'meta', 'tries');
      return { forth, back, after: await v.wait(id), noted: (await kit.getRaw(id, 'meta', 'tries')).wait };
    });
    assert.deepEqual(jumped, { forth: 30_000, back: 30_000, after: 18_000, noted: jumped.noted });
    assert.ok(jumped.noted <= 25_000 && jumped.noted >= 18_000, `noted: ${jumped.noted}`);

    // A reload: the count of the page starts anew, the wait goes on.
    const id = await tab.evaluate(() => window.id);
    await tab.reload();
    await tab.waitForFunction(() => 'kit' in window);
    const reloaded = await tab.evaluate(async (id) => {
      window.id = id;
      window.clock = new kit.HandClock();
      window.v = kit.vault({ clock });
      return v.wait(id);
    }, id);
    assert.equal(reloaded, jumped.noted);
    assert.equal((await wrong()).code, 'wait');
    await tab.evaluate(() => clock.advance(30_000));
    assert.equal((await wrong()).wait, 60_000);
    await tab.evaluate(() => clock.advance(60_000));
    // The right one ends it all.
    const right = await tab.evaluate(async (pin) => {
      await (await v.unlock(id, pin)).lock();
      return kit.ended(() => v.unlock(id, '000000'));
    }, PIN);
    assert.deepEqual(right, { code: 'wrong_secret', wait: 0, reason: '' });
  });

  test('a try that the page did not live to see counts', async () => {
    await profile();
    const failed = await page.evaluate(async () => {
      await u.lock();
      // A worker that never answers: the page is closed in the middle.
      const silent = kit.vault({ worker: () => ({ postMessage() {}, terminate() {} }) });
      void silent.unlock(id, '000000');
      for (;;) {
        const tries = await kit.getRaw(id, 'meta', 'tries');
        if (tries?.failed > 0) return tries.failed;
      }
    });
    assert.equal(failed, 1);
  });

  test('a worker that does not start is no wrong try', async () => {
    await profile();
    const found = await page.evaluate(async () => {
      await u.lock();
      const broken = kit.vault({
        worker: () => {
          const worker = { postMessage() { this.onerror(); }, terminate() {} };
          return worker;
        },
      });
      const ended = await kit.ended(() => broken.unlock(id, '000000'));
      return { ended, tries: await kit.getRaw(id, 'meta', 'tries') };
    });
    assert.ok(found.ended.other);
    assert.equal(found.tries.failed, 0);
  });

  test('a change of the secret: the old one is nothing any more, rows and device key stay', async () => {
    await profile();
    const found = await page.evaluate(async (pin) => {
      const key = (await u.deviceKey()).publicHex;
      await u.keeper.write([{ table: 'own', key: 'k', value: kit.utf8('kept') }]);
      const weak = await kit.ended(() => u.changeSecret(pin, '111111'));
      const wrong = await kit.ended(() => u.changeSecret('739165', 'another long phrase'));
      await u.changeSecret(pin, 'another long phrase');
      await u.lock();
      const old = await kit.ended(() => v.unlock(id, pin));
      window.u = await v.unlock(id, 'another  long phrase');
      const slots = (await kit.getRaw(id, 'meta', 'slots')).map((s) => s.kind);
      return { weak: weak.reason, wrong: wrong.code, old: old.code, slots, value: kit.text(await u.keeper.read('own', 'k')), same: (await u.deviceKey()).publicHex === key };
    }, PIN);
    assert.deepEqual(found, { weak: 'same_characters', wrong: 'wrong_secret', old: 'wrong_secret', slots: ['secret'], value: 'kept', same: true });
  });
});

test('the device key signs, is the same after a lock, and cannot be read out', async () => {
  await profile();
  const found = await page.evaluate(async (pin) => {
    const first = await u.deviceKey();
    await u.lock();
    window.u = await v.unlock(id, pin);
    const { privateKey, publicHex } = await u.deviceKey();
    const point = Uint8Array.from(publicHex.match(/../g), (b) => Number.parseInt(b, 16));
    const es256 = { name: 'ECDSA', namedCurve: 'P-256' };
    const publicKey = await crypto.subtle.importKey('raw', point, es256, true, ['verify']);
    const how = { name: 'ECDSA', hash: 'SHA-256' };
    const signature = await crypto.subtle.sign(how, privateKey, kit.utf8('hello'));
    return {
      same: first.publicHex === publicHex,
      point: point.length === 65 && point[0] === 4,
      good: await crypto.subtle.verify(how, publicKey, signature, kit.utf8('hello')),
      extractable: privateKey.extractable,
      refused: await crypto.subtle.exportKey('pkcs8', privateKey).then(() => 'exported', () => 'refused'),
    };
  }, PIN);
  assert.deepEqual(found, { same: true, point: true, good: true, extractable: false, refused: 'refused' });
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
    const [[, one, bytesOne], [, two, bytesTwo]] = large;
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
    const [, old, bytesOld] = first.find(([store]) => store === 'small');
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

describe('locking', () => {
  test('idle, hidden, hidden for the camera, handed over', async () => {
    const tab = await opened();
    await profile(tab, { rules: { idle: 60_000, hidden: 10_000 } });
    const found = await tab.evaluate(async (pin) => {
      let state = 'visible';
      Object.defineProperty(document, 'visibilityState', { get: () => state });
      const show = (next) => {
        state = next;
        document.dispatchEvent(new Event('visibilitychange'));
      };
      const out = {};
      const round = async (name, step) => {
        show('visible');
        if (u.locked) window.u = await v.unlock(id, pin);
        let reason = 'open';
        u.onLock((r) => (reason = r));
        await step();
        out[name] = reason;
        out[`${name}, keeper`] = await kit.ended(async () => (await u.keeper.briefs('held')).length);
      };
      const touch = () => document.dispatchEvent(new Event('pointerdown'));
      await round('touched now and then', () => {
        for (let i = 0; i < 5; i++) {
          clock.advance(50_000);
          touch();
        }
      });
      await round('idle', () => clock.advance(60_000));
      await round('a glance elsewhere', () => {
        show('hidden');
        clock.advance(9_000);
        show('visible');
        clock.advance(9_000);
      });
      await round('hidden', () => {
        show('hidden');
        clock.advance(10_000);
      });
      await round('asleep, the count stood still', () => {
        show('hidden');
        clock.wallTime += 3_600_000;
        show('visible');
      });
      await round('camera', () => {
        u.expectAbsence(120_000);
        show('hidden');
        clock.advance(100_000);
        show('visible');
      });
      await round('after the camera', () => {
        show('hidden');
        clock.advance(10_000);
      });
      await round('camera for too long', () => {
        u.expectAbsence(120_000);
        show('hidden');
        clock.advance(121_000);
      });
      await round('handed over', () => {
        u.handOver();
        show('hidden');
      });
      await round('taken back', async () => {
        u.handOver();
        const wrong = await kit.ended(() => u.takeBack('739165'));
        out.wrong = [wrong.code, u.handedOver];
        await u.takeBack(pin);
        show('hidden');
        clock.advance(9_000);
      });
      await round('asked', () => u.lock());
      out.key = await kit.ended(() => u.deviceKey());
      return out;
    }, PIN);
    const reasons = Object.fromEntries(Object.entries(found).filter(([, value]) => typeof value === 'string'));
    assert.deepEqual(reasons, {
      'touched now and then': 'open', idle: 'idle', 'a glance elsewhere': 'open', hidden: 'hidden', 'asleep, the count stood still': 'hidden',
      camera: 'open', 'after the camera': 'hidden', 'camera for too long': 'hidden', 'handed over': 'hidden', 'taken back': 'open', asked: 'asked',
    });
    for (const [name, reason] of Object.entries(reasons)) {
      const expected = reason === 'open' ? { ok: 0 } : { code: 'locked', wait: 0, reason: '' };
      assert.deepEqual(found[`${name}, keeper`], expected, name);
    }
    assert.deepEqual(found.wrong, ['wrong_secret', true]);
    assert.equal(found.key.code, 'locked');
    await tab.close();
  });

  test('a write begun before the lock, or by a listener, is made', async () => {
    await profile();
    const found = await page.evaluate(async (pin) => {
      const put = (key) => u.keeper.write([{ table: 'own', key, value: kit.utf8(key) }]);
      const writes = [put('one'), put('two')];
      u.onLock(() => writes.push(put('three')));
      await u.lock();
      const ended = await Promise.allSettled(writes);
      window.u = await v.unlock(id, pin);
      return { ended: ended.map((e) => e.status), keys: (await u.keeper.eager()).map((r) => r.key).sort() };
    }, PIN);
    assert.deepEqual(found, { ended: ['fulfilled', 'fulfilled', 'fulfilled'], keys: ['one', 'three', 'two'] });
  });

  test('two tabs: the second is told, may take over, and the first can write nothing any more', async () => {
    const first = await opened();
    const second = await opened();
    const id = await profile(first);
    await second.evaluate((id) => {
      window.id = id;
      window.v = kit.vault();
    }, id);
    const told = await second.evaluate((pin) => kit.ended(() => v.unlock(id, pin)), PIN);
    assert.equal(told.code, 'elsewhere');
    // A wrong secret takes nothing over.
    const wrong = await second.evaluate(() => kit.ended(() => v.unlock(id, '739165', { takeOver: true })));
    assert.equal(wrong.code, 'wrong_secret');
    assert.equal(await first.evaluate(() => u.locked), false);

    await first.evaluate(() => {
      window.writes = [];
      window.keeper = u.keeper;
      window.left = new Promise((resolve) => u.onLock(resolve));
      const put = (i) => keeper.write([{ table: 'held', key: `k${i}`, value: kit.utf8(`${i}`), brief: kit.utf8(`${i}`) }]);
      // Writes without end, across the moment when the other tab takes over.
      window.writing = (async () => {
        for (let i = 0; ; i++) {
          const ended = await kit.ended(() => put(i).then(() => 'written'));
          writes.push(ended.ok ?? ended.code);
          if (!ended.ok) return;
        }
      })();
    });
    await first.waitForFunction(() => writes.length > 3);
    await second.evaluate(async (pin) => void (window.u = await v.unlock(id, pin, { takeOver: true })), PIN);
    assert.equal(await first.evaluate(() => left), 'elsewhere');
    const writes = await first.evaluate(async () => {
      await writing;
      return writes;
    });
    assert.equal(writes.at(-1), 'locked');
    const keys = await second.evaluate(async () => {
      const read = await Promise.all((await u.keeper.briefs('held')).map(async ({ key }) => kit.text(await u.keeper.read('held', key))));
      await u.keeper.write([{ table: 'held', key: 'mine', value: kit.utf8('mine'), brief: kit.utf8('') }]);
      return read.length;
    });
    assert.equal(keys, writes.filter((w) => w === 'written').length);
    await first.close();
    await second.close();
  });

  test('a page that lost the profile without hearing of it cannot commit', async () => {
    await profile();
    const found = await page.evaluate(async () => {
      await kit.putRaw(id, 'meta', 'holder', 'another page');
      const ended = await kit.ended(() => u.keeper.write([{ table: 'own', key: 'k', value: kit.utf8('late') }]));
      return { code: ended.code, rows: (await kit.raw(id)).length };
    });
    assert.deepEqual(found, { code: 'locked', rows: 0 });
  });
});

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
      const small = await Promise.all((await left.small()).map((row) => open(0, row)));
      const ids = (await kit.raw(id)).filter(([store]) => store === 'large').map(([, i]) => i);
      const large = await Promise.all((await left.large(ids)).map((row) => open(1, row)));
      const nothing = await left.large(['00'.repeat(16)]);
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
      return { codes, right: right.code, rows: (await (await v.sealed(id)).small()).length };
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

test('padding: 64 bytes at least, powers of two to 4 KiB, then at most an eighth more', async () => {
  const found = await page.evaluate(() => [0, 1, 64, 65, 128, 129, 1000, 3000, 4096, 4097, 5000, 70_000].map((n) => kit.padded(n)));
  assert.deepEqual(found, [64, 64, 64, 128, 128, 256, 1024, 4096, 4096, 4608, 5120, 73_728]);
});

test('the browser is asked to keep the storage, and its answer told', async () => {
  const state = await page.evaluate(() => kit.askToKeep());
  assert.equal(typeof state.kept, 'boolean');
  assert.ok(state.allowed > 0);
});

test('a browser that gives no storage is named', async () => {
  const tab = await context.newPage();
  await tab.addInitScript(() => {
    // What a browser does whose user blocked storage.
    IDBFactory.prototype.open = () => {
      throw new DOMException('denied', 'SecurityError');
    };
  });
  await tab.goto(server.url);
  await tab.waitForFunction(() => 'kit' in window);
  const codes = await tab.evaluate(async (pin) => [(await kit.ended(() => kit.vault().profiles())).code, (await kit.ended(() => kit.vault().create('', pin))).code], PIN);
  assert.deepEqual(codes, ['storage_refused', 'storage_refused']);
  await tab.close();
});
