// Proving which phone this is: a token for its key's signature over the server's nonce. Times in it are the server's own,
// since the phone's clock may be wrong.

import { randomHex } from "../core/hex";
import type { Answer, Call, Carrier } from "./calls";
import { SyncError, problem } from "./trouble";

/** The phone's P-256 key, as the vault opens it. */
export interface DeviceKey {
  privateKey: CryptoKey;
  /** An uncompressed point, hexadecimal. */
  publicHex: string;
}

/** What a small call may take, in milliseconds. */
export const SMALL = 60_000;

interface Nonce {
  nonce: string;
  expires_in: number;
  issued_at: number;
  audience: string;
}

/** Calls with a token; a fresh one when the old has run out. */
export class Proof {
  private token: string | undefined;

  constructor(
    private readonly carry: Carrier,
    private readonly key: DeviceKey,
    /** The id of the profile. */
    private readonly profile: string,
  ) {}

  async call(call: Omit<Call, "token">): Promise<Answer> {
    for (const fresh of [false, true]) {
      if (fresh || this.token === undefined) this.token = await this.prove();
      const answer = await this.carry({ ...call, token: this.token });
      if (answer.status !== 401) return answer;
      this.token = undefined;
    }
    throw new SyncError("unknown");
  }

  private async prove(): Promise<string> {
    for (let attempt = 0; attempt < 2; attempt += 1) {
      const nonce = await this.small<Nonce>("/api/v1/auth/nonce", {});
      if ("problem" in nonce) throw refused(nonce.problem);
      const assertion = await this.assertion(nonce.is);
      const token = await this.small<{ access_token: string }>("/api/v1/auth/device", { assertion });
      if ("is" in token) return token.is.access_token;
      if (token.problem.code !== "nonce_invalid") throw refused(token.problem);
    }
    throw new SyncError("unknown");
  }

  private async assertion(nonce: Nonce): Promise<string> {
    const claims = {
      iss: this.profile,
      sub: this.profile,
      aud: nonce.audience,
      jti: randomHex(16),
      iat: nonce.issued_at,
      exp: nonce.issued_at + nonce.expires_in,
      nonce: nonce.nonce,
    };
    const utf8 = new TextEncoder();
    const part = (json: object): string => base64url(utf8.encode(JSON.stringify(json)));
    const text = `${part({ typ: "client-authentication+jwt", alg: "ES256" })}.${part(claims)}`;
    const algorithm = { name: "ECDSA", hash: "SHA-256" };
    const signature = await crypto.subtle.sign(algorithm, this.key.privateKey, utf8.encode(text));
    return `${text}.${base64url(new Uint8Array(signature))}`;
  }

  private async small<T>(path: string, body: object): Promise<{ is: T } | { problem: ReturnType<typeof problem> & { status: number } }> {
    const answer = await this.carry({ path, body: new TextEncoder().encode(JSON.stringify(body)), timeout: SMALL });
    if (answer.status !== 200) return { problem: { ...problem(answer.body), status: answer.status } };
    return { is: readJson<T>(answer.body) };
  }
}

function refused(it: { code: string; retryable: boolean; status: number }): SyncError {
  if (it.retryable || (it.code === "" && it.status >= 500)) return new SyncError("later", it.code || String(it.status));
  return it.code === "device_revoked" ? new SyncError("revoked") : new SyncError("unknown", it.code);
}

export function readJson<T>(body: Uint8Array): T {
  try {
    return JSON.parse(new TextDecoder().decode(body)) as T;
  } catch {
    throw new SyncError("unreadable");
  }
}

function base64url(bytes: Uint8Array): string {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}
