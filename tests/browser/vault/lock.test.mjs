// When an open profile locks, and what two tabs do to each other.
// Not here: who may open it again (secret.test.mjs).
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { opened, page, PIN, profile, start, stop } from './setup.mjs';

before(start);
after(stop);

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
      await round('touched after a sleep', () => {
        clock.wallTime += 3_600_000;
        touch();
      });
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
      'touched now and then': 'open', idle: 'idle', 'touched after a sleep': 'idle', 'a glance elsewhere': 'open', hidden: 'hidden', 'asleep, the count stood still': 'hidden',
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
