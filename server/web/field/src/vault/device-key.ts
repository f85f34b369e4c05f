/**
 * The P-256 key by which the server knows this profile. At rest it lies under the device-wrap key alone; in memory it cannot
 * be read out. (A non-extractable key given to IndexedDB lies readable in the browser's files.)
 * Not here: what is signed with it (sync/).
 */
import { type Bytes, concat, hex, random, utf8 } from './bytes';
import { VaultError } from './errors';

export interface DeviceKey {
  /** For ES256 signatures; cannot be read out. */
  privateKey: CryptoKey;
  /** The public key: an uncompressed SEC1 point, hexadecimal. */
  publicHex: string;
}

/** How it lies at rest: nonce and ciphertext of point ‖ PKCS#8. */
export interface SealedDeviceKey {
  nonce: Bytes;
  sealed: Bytes;
}

const ES256 = { name: 'ECDSA', namedCurve: 'P-256' };
const POINT = 65;
const CONTEXT = utf8('tributary-device-key-v1');

export async function make(wrap: CryptoKey): Promise<SealedDeviceKey> {
  const pair = await crypto.subtle.generateKey(ES256, true, ['sign', 'verify']);
  const [point, pkcs8] = await Promise.all([
    crypto.subtle.exportKey('raw', pair.publicKey),
    crypto.subtle.exportKey('pkcs8', pair.privateKey),
  ]);
  const plain = concat(new Uint8Array(point), new Uint8Array(pkcs8));
  const nonce = random(12);
  const params = { name: 'AES-GCM', iv: nonce, additionalData: CONTEXT };
  const sealed = new Uint8Array(await crypto.subtle.encrypt(params, wrap, plain));
  plain.fill(0);
  new Uint8Array(pkcs8).fill(0);
  return { nonce, sealed };
}

export async function open(wrap: CryptoKey, key: SealedDeviceKey): Promise<DeviceKey> {
  const params = { name: 'AES-GCM', iv: key.nonce, additionalData: CONTEXT };
  try {
    const plain = new Uint8Array(await crypto.subtle.decrypt(params, wrap, key.sealed));
    const publicHex = hex(plain.subarray(0, POINT));
    const pkcs8 = plain.slice(POINT);
    const privateKey = await crypto.subtle.importKey('pkcs8', pkcs8, ES256, false, ['sign']);
    pkcs8.fill(0);
    plain.fill(0);
    return { privateKey, publicHex };
  } catch (cause) {
    throw new VaultError('damaged', { cause });
  }
}
