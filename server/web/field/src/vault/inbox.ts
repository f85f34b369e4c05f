/**
 * The inbox slot: the data key, sealed to the organisation's inbox key, so that unsent work can be opened by the server when
 * the secret is forgotten or destroyed. The same HPKE suite as bundles (schemas/sync-protocol.md §16).
 * Not here: the rows that go with it (unsent.ts).
 */
import { Aes128Gcm, CipherSuite, DhkemP256HkdfSha256, HkdfSha256 } from '@hpke/core';
import { type Bytes, concat, hex, utf8 } from './bytes';
import type { InboxSlot } from './slots';

const INFO = utf8('tributary-slot-v1');

/** `org`: 16 bytes. `inbox`: the organisation's inbox key, an uncompressed P-256 point; the caller has checked who vouches for it. */
export async function sealTo(org: Bytes, inbox: Bytes, dataKey: Bytes): Promise<InboxSlot> {
  const suite = new CipherSuite({
    kem: new DhkemP256HkdfSha256(),
    kdf: new HkdfSha256(),
    aead: new Aes128Gcm(),
  });
  const recipientPublicKey = await suite.kem.deserializePublicKey(inbox.slice().buffer);
  const info = concat(INFO, org);
  const { enc, ct } = await suite.seal({ recipientPublicKey, info: info.buffer }, dataKey.slice().buffer);
  return { kind: 'inbox', enc: new Uint8Array(enc), sealed: new Uint8Array(ct) };
}

/** The slot as it travels: enc ‖ sealed. */
export function bytesOf(slot: InboxSlot): Bytes {
  return concat(slot.enc, slot.sealed);
}

/** What the server knows the slot by: SHA-256 of its bytes, hexadecimal. */
export async function hashOf(slot: InboxSlot): Promise<string> {
  return hex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytesOf(slot))));
}
