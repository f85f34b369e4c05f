// What a closed browser leaves on the disk: its profile folder is searched, byte by byte, for answers, secrets and keys.
// Not here: whether the rows can be read again (rows.test.mjs).
import assert from 'node:assert/strict';
import { randomBytes, randomInt } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { browser, folder, serve } from './serve.mjs';

test('a closed profile folder holds no answer, no form text, no secret and no key', async () => {
  const server = await serve();
  const home = await folder();
  const mark = () => randomBytes(12).toString('hex');
  const digits = (n) => Array.from({ length: n }, () => randomInt(10)).join('');
  const said = {
    table: `table ${mark()}`,
    key: `key ${mark()}`,
    answer: `ចម្លើយ ${mark()}`,
    brief: `brief ${mark()}`,
    form: `form text ${mark()}`,
    deleted: `deleted ${mark()}`,
    pin: `73${digits(10)}`,
    next: `a phrase ${mark()}`,
    wrong: `46${digits(10)}`,
  };
  const clear = { text: `clear ${mark()}`, key: randomBytes(32).toString('hex') };
  try {
    const keys = await use(server.url, home.path, said, clear);
    // Data key, device-wrap key, keys made from secrets; the device key.
    assert.ok(keys.raw.length >= 4, `raw keys seen: ${keys.raw.length}`);
    assert.equal(keys.scalars.length, 1);

    const needles = new Map();
    const look = (name, bytes) => forms(bytes).forEach(([form, needle]) => needles.set(`${name}, ${form}`, needle));
    for (const [name, text] of Object.entries(said)) look(name, Buffer.from(text));
    for (const [name, text] of Object.entries(said)) needles.set(`${name}, utf16`, Buffer.from(text, 'utf16le'));
    keys.raw.forEach((key, i) => look(`raw key ${i}`, Buffer.from(key, 'hex')));
    keys.scalars.forEach((key) => look('device key', Buffer.from(key, 'hex')));
    look('control text', Buffer.from(clear.text));
    look('control key', Buffer.from(clear.key, 'hex'));

    const found = await search(home.path, needles);
    assert.ok(found.bytes > 100_000, `searched only ${found.bytes} bytes`);
    const controls = ['control key, raw', 'control text, raw'];
    assert.deepEqual([...found.names].sort(), controls);
  } finally {
    await server.close();
    await home.remove();
  }
});

/** A life in short, then the browser is closed. Answers with the keys that were in memory. */
async function use(url, path, said, clear) {
  const context = await browser(path);
  const page = await context.newPage();
  await page.goto(url);
  await page.waitForFunction(() => 'kit' in window);
  const keys = await page.evaluate(
    async ([said, clear]) => {
      const { utf8 } = kit;
      const v = kit.vault();
      let u = await v.create('', said.pin);
      const org = await kit.inbox();
      await u.setInbox(org.org, org.point);
      await u.deviceKey();
      await u.keeper.write([
        { table: said.table, key: said.key, value: utf8(said.answer) },
        { table: said.table, key: 'form', value: utf8(said.form.repeat(3000)) },
        { table: 'held', key: said.key, value: utf8(said.answer.repeat(50)), brief: utf8(said.brief) },
        { table: 'blob', key: said.key, value: utf8(said.answer.repeat(10_000)), brief: utf8(said.brief) },
        { table: 'held', key: 'gone', value: utf8(said.deleted), brief: utf8(said.deleted) },
      ]);
      await u.keeper.write([{ table: 'held', key: 'gone', value: null }]);
      await u.lock();
      await kit.ended(() => v.unlock(u.id, said.wrong));
      u = await v.unlock(u.id, said.pin);
      await u.keeper.eager();
      await u.changeSecret(said.pin, said.next);
      await u.deviceKey();
      // The control: the same browser, the same kind of storage, nothing sealed.
      const database = await new Promise((resolve, reject) => {
        const request = indexedDB.open('control');
        request.onupgradeneeded = () => request.result.createObjectStore('c');
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
      });
      const tx = database.transaction('c', 'readwrite', { durability: 'strict' });
      const bytes = Uint8Array.from(clear.key.match(/../g), (b) => Number.parseInt(b, 16));
      tx.objectStore('c').put({ text: clear.text, key: bytes }, 1);
      await new Promise((resolve) => (tx.oncomplete = resolve));
      await u.lock();
      const of = (kind) => [...new Set(kit.seen.filter((k) => k.kind === kind).map((k) => k.hex))];
      // PKCS#8 of P-256: the scalar stands behind 04 20.
      const scalars = of('pkcs8').map((hex) => hex.slice(hex.indexOf('0420') + 4).slice(0, 64));
      // A point is no secret; what is 32 bytes long is, except HPKE's empty salt.
      return { raw: of('raw').filter((hex) => hex.length === 64 && /[1-9a-f]/.test(hex)), scalars };
    },
    [said, clear],
  );
  await context.close();
  return keys;
}

/** The bytes themselves, and as they might have been written: hexadecimal, base64 at each of its three offsets. */
function forms(bytes) {
  const out = [['raw', bytes], ['hex', Buffer.from(bytes.toString('hex'))], ['HEX', Buffer.from(bytes.toString('hex').toUpperCase())]];
  for (const offset of [0, 1, 2]) {
    for (const kind of ['base64', 'base64url']) {
      // Only the characters that these bytes alone decide.
      const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString(kind).replace(/=+$/, '');
      const needle = text.slice(Math.ceil((offset * 8) / 6), -1);
      out.push([`${kind} ${offset}`, Buffer.from(needle)]);
    }
  }
  return out;
}

async function search(path, needles) {
  const names = new Set();
  let bytes = 0;
  for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const content = await readFile(join(entry.parentPath ?? entry.path, entry.name));
    bytes += content.length;
    for (const [name, needle] of needles) if (content.includes(needle)) names.add(name);
  }
  return { names, bytes };
}
