// Signatures, checked by WebCrypto: ECDSA on P-256 with SHA-256, r ‖ s. What must be signed, and by whose key, the core says.

import { fromHex } from "./hex";

/** Whether one of these keys made this signature over these bytes; all in hexadecimal. */
export interface Ask {
  bytes: string;
  signature: string;
  keys: string[];
}

const P256 = { name: "ECDSA", namedCurve: "P-256" } as const;

/** One answer for each question. What does not read does not hold. */
export async function verdicts(asks: Ask[]): Promise<boolean[]> {
  const keys = new Map<string, Promise<CryptoKey | undefined>>();
  const key = (point: string): Promise<CryptoKey | undefined> => {
    let known = keys.get(point);
    if (!known) {
      known = importKey(point);
      keys.set(point, known);
    }
    return known;
  };
  return Promise.all(asks.map((ask) => holds(ask, key)));
}

async function importKey(point: string): Promise<CryptoKey | undefined> {
  const bytes = fromHex(point);
  if (!bytes) return undefined;
  return crypto.subtle.importKey("raw", bytes, P256, false, ["verify"]).catch(() => undefined);
}

async function holds(ask: Ask, key: (point: string) => Promise<CryptoKey | undefined>): Promise<boolean> {
  const signature = fromHex(ask.signature);
  const bytes = fromHex(ask.bytes);
  if (!signature || signature.length !== 64 || !bytes) return false;
  for (const point of ask.keys) {
    const imported = await key(point);
    if (imported && (await crypto.subtle.verify({ name: "ECDSA", hash: "SHA-256" }, imported, signature, bytes))) return true;
  }
  return false;
}
