// schemas/vault.json: an inbox slot and sealed rows, for whoever opens what a phone sent without its secret.
// TRIBUTARY_BLESS=1 writes the file if there is none; what is written never changes.
// Not here: the server's side of it (server/src).
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { after, before, test } from 'node:test';
import { page, start, stop } from './setup.mjs';

const FILE = new URL('../../../schemas/vault.json', import.meta.url);

before(start);
after(stop);

test('the vault opens what its vectors hold', async () => {
  if (process.env.TRIBUTARY_BLESS && !existsSync(FILE)) {
    await writeFile(FILE, `${JSON.stringify(await page.evaluate(make), undefined, 2)}\n`);
  }
  const vectors = JSON.parse(await readFile(FILE, 'utf8'));
  const found = await page.evaluate(open, vectors);
  assert.equal(found.data_key, vectors.data_key);
  assert.equal(found.slot_hash, vectors.slot_hash);
  assert.deepEqual(found.rows, vectors.rows.map((row) => row.says ?? { chunk: row.content }));
  assert.deepEqual(found.contents, vectors.rows.map((row) => row.content));
  assert.deepEqual(found.written, vectors.rows.map((row) => row.content));
});

/** In the page. */
async function open(vectors) {
  const bytes = (hex) => Uint8Array.from(hex.match(/../g) ?? [], (b) => Number.parseInt(b, 16));
  const key = await kit.scalarKey(bytes(vectors.inbox.private));
  const slot = bytes(vectors.slot);
  const data = new Uint8Array(await kit.openSlot(bytes(vectors.organisation), key, slot));
  const data_key = kit.hexOf(data);
  const seal = new kit.Seal(await kit.imported(data));
  const slot_hash = await kit.hashOf({ kind: 'inbox', enc: slot.slice(0, 65), sealed: slot.slice(65) });
  const said = (content) =>
    content.kind === 'row'
      ? { ...content, value: kit.hexOf(content.value) }
      : { ...content, entries: content.entries.map((entry) => ({ ...entry, brief: kit.hexOf(entry.brief) })) };
  const rows = [];
  const contents = [];
  const written = [];
  for (const { store, id, sealed } of vectors.rows) {
    const content = await seal.open(store, id, bytes(sealed));
    contents.push(kit.hexOf(content));
    const read = store === 'small' ? kit.content.read(content) : undefined;
    rows.push(read ? said(read) : { chunk: kit.hexOf(content) });
    written.push(kit.hexOf(read ? kit.content.write(read) : content));
  }
  return { data_key, slot_hash, rows, contents, written };
}

/** In the page: new vectors. */
async function make() {
  const { utf8, hexOf } = kit;
  const inbox = await kit.inbox();
  const data = crypto.getRandomValues(new Uint8Array(32));
  const data_key = hexOf(data);
  const slot = await kit.sealTo(inbox.org, inbox.point, data);
  const seal = new kit.Seal(await kit.imported(data));
  const id = () => hexOf(crypto.getRandomValues(new Uint8Array(16)));
  const [one, two] = [id(), id()];
  const rows = [];
  const add = async (store, row, content, says) => {
    rows.push({ store, id: row, content: hexOf(content), says, sealed: hexOf(await seal.close(store, row, content)) });
  };
  const value = utf8('ចម្លើយ');
  await add('small', id(), kit.content.write({ kind: 'row', table: 'own', key: '7:1', value }), {
    kind: 'row', table: 'own', key: '7:1', value: hexOf(value),
  });
  const brief = utf8('{}');
  await add('small', id(), kit.content.write({ kind: 'page', table: 'held', entries: [{ key: 'a', brief, chunks: [one, two] }] }), {
    kind: 'page', table: 'held', entries: [{ key: 'a', brief: hexOf(brief), chunks: [one, two] }],
  });
  await add('large', one, utf8('first chunk, '));
  await add('large', two, utf8('second chunk'));
  return {
    about: "An organisation's inbox key, a profile's inbox slot sealed to it, the data key in it, and rows sealed under that: server/web/field/src/vault/README.md.",
    organisation: hexOf(inbox.org),
    inbox: { private: hexOf(inbox.scalar), public: hexOf(inbox.point) },
    slot: hexOf(new Uint8Array([...slot.enc, ...slot.sealed])),
    slot_hash: await kit.hashOf(slot),
    data_key,
    rows,
  };
}
