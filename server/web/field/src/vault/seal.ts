/**
 * The seal around one row: AES-256-GCM with a random 96-bit nonce under the profile's data key, over padded content,
 * bound to the format, the store and the row's id.
 * Not here: what the content says (content.ts), where rows lie (database.ts), how the data key is kept (slots.ts).
 *
 * One data key may seal 2^32 times with random nonces (NIST SP 800-38D). A save writes about ten rows, so a hundred
 * saves a day for a hundred years come to 2^25.
 */
import { type Bytes, concat, random, Reader, unhex, utf8, Writer } from './bytes';
import { VaultError } from './errors';

/** The store a row lies in. */
export type Store = 'small' | 'large';

/** How rows are laid out; the first byte of each. */
const FORMAT = 1;
const NONCE = 12;
const CONTEXT = utf8('tributary-row-v1');

/** The size that content of `length` bytes is padded to: a power of two from 64 bytes to 4 KiB, then eighths of one. */
export function padded(length: number): number {
  if (length <= 64) return 64;
  const power = 2 ** Math.ceil(Math.log2(length));
  if (power <= 4096) return power;
  const step = power / 16;
  return Math.ceil(length / step) * step;
}

/** Seals and opens the rows of one profile. */
export class Seal {
  constructor(private readonly key: CryptoKey) {}

  /** `id`: 32 hexadecimal digits. */
  async close(store: Store, id: string, content: Uint8Array): Promise<Bytes> {
    const nonce = random(NONCE);
    const plain = new Uint8Array(padded(4 + content.length));
    plain.set(new Writer().part(content).finish());
    const sealed = await crypto.subtle.encrypt(
      { name: 'AES-GCM', iv: nonce, additionalData: bound(store, id) },
      this.key,
      plain,
    );
    return concat(Uint8Array.of(FORMAT), nonce, new Uint8Array(sealed));
  }

  /** The content, or 'damaged': also for a row that stood under another id or in another store. */
  async open(store: Store, id: string, sealed: Uint8Array): Promise<Bytes> {
    if (sealed.length < 1 + NONCE + 16) throw new VaultError('damaged');
    if (sealed[0] !== FORMAT) throw new VaultError('newer_format');
    const iv = new Uint8Array(sealed.subarray(1, 1 + NONCE));
    const body = sealed.subarray(1 + NONCE) as Bytes;
    const params = { name: 'AES-GCM', iv, additionalData: bound(store, id) };
    const plain = await crypto.subtle.decrypt(params, this.key, body).catch((cause: unknown) => {
      throw new VaultError('damaged', { cause });
    });
    return new Reader(new Uint8Array(plain)).part();
  }
}

function bound(store: Store, id: string): Bytes {
  return concat(CONTEXT, Uint8Array.of(FORMAT, store === 'small' ? 0 : 1), unhex(id));
}
