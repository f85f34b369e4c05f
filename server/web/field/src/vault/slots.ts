/**
 * The key slots of a profile: a list, each another way to its data key. The secret's slot also opens the key that wraps
 * the device key; the inbox slot opens the data key alone.
 *   secret   AES-256-GCM under Argon2id of the secret, around data key ‖ device-wrap key
 *   inbox    HPKE to the organisation's inbox key, around the data key (inbox.ts)
 * Not here: Argon2id (derive.ts), where the slots lie (profiles.ts).
 */
import { type Bytes, concat, random, utf8, Writer } from './bytes';
import type { Cost, Derive } from './derive';
import { VaultError } from './errors';

export interface SecretSlot {
  kind: 'secret';
  kdf: 'argon2id';
  cost: Cost;
  salt: Bytes;
  nonce: Bytes;
  wrapped: Bytes;
}

export interface InboxSlot {
  kind: 'inbox';
  /** HPKE's encapsulated key, 65 bytes. */
  enc: Bytes;
  /** The sealed data key, 48 bytes. */
  sealed: Bytes;
}

export type Slot = SecretSlot | InboxSlot;

/** The two keys of a profile as bytes: made, wrapped and imported, then wiped with `forget`. */
export class RawKeys {
  constructor(
    readonly data: Bytes,
    readonly wrap: Bytes,
  ) {}

  static make(): RawKeys {
    return new RawKeys(random(32), random(32));
  }

  forget(): void {
    this.data.fill(0);
    this.wrap.fill(0);
  }
}

const CONTEXT = utf8('tributary-secret-slot-v1');

/** Wraps the keys under a secret, at the cost that suits this phone. */
export async function wrap(derive: Derive, secret: string, keys: RawKeys): Promise<SecretSlot> {
  const salt = random(16);
  const nonce = random(12);
  const { key, cost } = await derive.measured(secret, salt);
  const kek = await imported(key);
  const plain = concat(keys.data, keys.wrap);
  const params = { name: 'AES-GCM', iv: nonce, additionalData: bound(cost, salt) };
  const wrapped = new Uint8Array(await crypto.subtle.encrypt(params, kek, plain));
  plain.fill(0);
  return { kind: 'secret', kdf: 'argon2id', cost, salt, nonce, wrapped };
}

/** The keys, or none if the secret is wrong. */
export async function unwrap(derive: Derive, secret: string, slot: SecretSlot): Promise<RawKeys | undefined> {
  if (slot.kdf !== 'argon2id') throw new VaultError('newer_format');
  const kek = await imported(await derive.key(secret, slot.salt, slot.cost));
  const params = { name: 'AES-GCM', iv: slot.nonce, additionalData: bound(slot.cost, slot.salt) };
  const plain = await crypto.subtle.decrypt(params, kek, slot.wrapped).catch(() => undefined);
  if (!plain) return undefined;
  const bytes = new Uint8Array(plain);
  if (bytes.length !== 64) throw new VaultError('newer_format');
  const keys = new RawKeys(bytes.slice(0, 32), bytes.slice(32));
  bytes.fill(0);
  return keys;
}

/** An AES-256-GCM key that cannot be read out again. The bytes are wiped. */
export async function imported(bytes: Bytes): Promise<CryptoKey> {
  const key = await crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt', 'decrypt']);
  bytes.fill(0);
  return key;
}

function bound(cost: Cost, salt: Bytes): Bytes {
  return new Writer().raw(CONTEXT).u32(cost.memory).u32(cost.passes).part(salt).finish();
}
