/**
 * The data key once more, under the device-wrap key: an unlocked profile can seal it to a new inbox key of its
 * organisation without asking for the secret. What opens it opens the secret's slot too, so it gives nothing away.
 * Not here: the slots (slots.ts), HPKE (inbox.ts).
 */
import { type Bytes, random, utf8 } from './bytes';
import { VaultError } from './errors';

export interface WrappedDataKey {
  nonce: Bytes;
  sealed: Bytes;
}

const CONTEXT = utf8('tributary-data-key-v1');

export async function wrapData(wrap: CryptoKey, data: Bytes): Promise<WrappedDataKey> {
  const nonce = random(12);
  const params = { name: 'AES-GCM', iv: nonce, additionalData: CONTEXT };
  return { nonce, sealed: new Uint8Array(await crypto.subtle.encrypt(params, wrap, data)) };
}

/** The caller wipes the bytes. */
export async function unwrapData(wrap: CryptoKey, data: WrappedDataKey | undefined): Promise<Bytes> {
  if (!data) throw new VaultError('damaged');
  const params = { name: 'AES-GCM', iv: data.nonce, additionalData: CONTEXT };
  try {
    return new Uint8Array(await crypto.subtle.decrypt(params, wrap, data.sealed));
  } catch (cause) {
    throw new VaultError('damaged', { cause });
  }
}
