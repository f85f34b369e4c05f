// Who gets in: secrets, wrong tries and their waits, the device key.
// Not here: what a wipe leaves (profiles.test.mjs).
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { opened, page, PIN, profile, start, stop } from './setup.mjs';

before(start);
after(stop);

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
      const asked = new Promise((resolve) => {
        const silent = kit.vault({ worker: () => ({ postMessage: resolve, terminate() {} }) });
        void silent.unlock(id, '000000');
      });
      await asked;
      return (await kit.getRaw(id, 'meta', 'tries'))?.failed;
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
    assert.equal(found.ended.code, 'key_not_made');
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
