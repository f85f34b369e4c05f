// The vault alone in a page, for tests: what they need of it hangs on `window.kit`.
// Not here: the app (server/web/field/src), the tests (../vault.test.mjs).
import { Aes128Gcm, CipherSuite, DhkemP256HkdfSha256, HkdfSha256 } from '../../../server/web/node_modules/@hpke/core';
import { VaultError } from '../../../server/web/field/src/vault/errors';
import * as content from '../../../server/web/field/src/vault/content';
import { hashOf, sealTo } from '../../../server/web/field/src/vault/inbox';
import { imported } from '../../../server/web/field/src/vault/slots';
import { LEAST } from '../../../server/web/field/src/vault/derive';
import { padded, Seal } from '../../../server/web/field/src/vault/seal';
import { askToKeep } from '../../../server/web/field/src/vault/storage';
import { normal, weakness } from '../../../server/web/field/src/vault/secret';
import { openVault } from '../../../server/web/field/src/vault/vault';

const policy = (window as any).trustedTypes.createPolicy('worker', { createScriptURL: (url: string) => url });

/** A clock that moves only when told. */
class HandClock {
  #count = 0;
  #timers = new Set<{ at: number; call: () => void }>();
  wallTime = Date.UTC(2026, 0, 1);

  count = () => this.#count;
  wall = () => this.wallTime;
  after(ms: number, call: () => void) {
    const timer = { at: this.#count + ms, call };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }
  advance(ms: number) {
    const end = this.#count + ms;
    for (;;) {
      const next = [...this.#timers].filter((t) => t.at <= end).sort((a, b) => a.at - b.at)[0];
      if (!next) break;
      this.#timers.delete(next);
      this.wallTime += next.at - this.#count;
      this.#count = next.at;
      next.call();
    }
    this.wallTime += end - this.#count;
    this.#count = end;
  }
}

/** Keys that passed through WebCrypto in the clear, so that the files can be searched for them. */
const seen: { kind: string; hex: string }[] = [];
const hexOf = (bytes: ArrayBuffer | Uint8Array) =>
  Array.from(new Uint8Array(bytes as ArrayBuffer), (b) => b.toString(16).padStart(2, '0')).join('');
const subtle = crypto.subtle as any;
const importKey = subtle.importKey.bind(subtle);
subtle.importKey = (format: string, data: any, ...rest: unknown[]) => {
  if (format === 'raw' || format === 'pkcs8') seen.push({ kind: format, hex: hexOf(data) });
  return importKey(format, data, ...rest);
};

const utf8 = (text: string) => new TextEncoder().encode(text);
const text = (bytes: Uint8Array | undefined) => (bytes ? new TextDecoder().decode(bytes) : undefined);

/** What a step ended with: its value, or the code of its error. */
async function ended(step: () => unknown): Promise<unknown> {
  try {
    return { ok: await step() };
  } catch (error) {
    if (error instanceof VaultError) return { code: error.code, wait: error.wait, reason: error.reason };
    return { other: String(error) };
  }
}

/** `timed` hears how many milliseconds each worker lived. */
function vault({ timed, ...options }: { timed?: (ms: number) => void } = {}) {
  const worker = () => {
    const start = performance.now();
    const made = new Worker(policy.createScriptURL('/derive-worker.js'), { type: 'module' });
    const terminate = made.terminate.bind(made);
    made.terminate = () => {
      timed?.(performance.now() - start);
      terminate();
    };
    return made;
  };
  return openVault({ worker, ...options });
}

/** Every stored row, as `[store, id, bytes]`. */
async function raw(name: string): Promise<[string, string, Uint8Array][]> {
  const database = await connect(name);
  const out: [string, string, Uint8Array][] = [];
  for (const store of ['small', 'large']) {
    const tx = database.transaction(store);
    const ids = await asked(tx.objectStore(store).getAllKeys());
    const values = await asked(tx.objectStore(store).getAll());
    ids.forEach((id: any, i: number) => out.push([store, id, values[i]]));
  }
  database.close();
  return out;
}

async function putRaw(name: string, store: string, key: string, value: unknown): Promise<void> {
  const database = await connect(name);
  const tx = database.transaction(store, 'readwrite', { durability: 'strict' } as any);
  tx.objectStore(store).put(value, key);
  await new Promise((resolve, reject) => {
    tx.oncomplete = resolve;
    tx.onabort = reject;
  });
  database.close();
}

async function getRaw(name: string, store: string, key: string): Promise<any> {
  const database = await connect(name);
  const value = await asked(database.transaction(store).objectStore(store).get(key));
  database.close();
  return value;
}

function connect(name: string): Promise<IDBDatabase> {
  return asked(indexedDB.open(name));
}

function asked<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

const suite = new CipherSuite({ kem: new DhkemP256HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes128Gcm() });

/** What the server does with a slot. */
async function openSlot(org: Uint8Array, recipientKey: CryptoKey, slot: Uint8Array) {
  const info = new Uint8Array([...utf8('tributary-slot-v1'), ...org]).buffer;
  const enc = slot.slice(0, 65).buffer as ArrayBuffer;
  return suite.open({ recipientKey, enc, info }, slot.slice(65).buffer as ArrayBuffer);
}

/** An organisation's inbox. */
async function inbox() {
  const pair = await suite.kem.generateKeyPair();
  const point = new Uint8Array(await suite.kem.serializePublicKey(pair.publicKey));
  const scalar = new Uint8Array(await suite.kem.serializePrivateKey(pair.privateKey));
  const org = crypto.getRandomValues(new Uint8Array(16));
  return { org, point, scalar, open: (slot: Uint8Array) => openSlot(org, pair.privateKey, slot) };
}

/** An inbox key from its 32 bytes. */
const scalarKey = (scalar: Uint8Array) => suite.kem.deserializePrivateKey(scalar.slice().buffer as ArrayBuffer);

Object.assign(window, {
  kit: {
    ...{ vault, HandClock, ended, raw, putRaw, getRaw, inbox, openSlot, scalarKey, seen, utf8, text, hexOf, padded },
    ...{ weakness, normal, askToKeep, LEAST, content, Seal, sealTo, hashOf, imported },
  },
});
