/**
 * Bytes as the vault lays them out: hexadecimal, random, and length-prefixed parts behind one another.
 * Not here: what the parts mean (content.ts, seal.ts).
 */
import { VaultError } from './errors';

export type Bytes = Uint8Array<ArrayBuffer>;

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });

export function utf8(text: string): Bytes {
  return encoder.encode(text) as Bytes;
}

export function random(length: number): Bytes {
  return crypto.getRandomValues(new Uint8Array(length));
}

export function concat(...parts: Uint8Array[]): Bytes {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

export function hex(bytes: Uint8Array): string {
  return Array.from(bytes, (b) => b.toString(16).padStart(2, '0')).join('');
}

export function unhex(text: string): Bytes {
  if (text.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(text)) throw new VaultError('damaged');
  return Uint8Array.from({ length: text.length / 2 }, (_, i) => Number.parseInt(text.slice(2 * i, 2 * i + 2), 16));
}

/** Puts parts behind one another. */
export class Writer {
  readonly #parts: Uint8Array[] = [];

  u8(n: number): this {
    this.#parts.push(Uint8Array.of(n));
    return this;
  }

  /** Big endian. */
  u32(n: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setUint32(0, n);
    this.#parts.push(bytes);
    return this;
  }

  raw(bytes: Uint8Array): this {
    this.#parts.push(bytes);
    return this;
  }

  /** Bytes behind their length. */
  part(bytes: Uint8Array): this {
    return this.u32(bytes.length).raw(bytes);
  }

  finish(): Bytes {
    return concat(...this.#parts);
  }
}

/** Takes parts apart again. What is too short is 'damaged'. */
export class Reader {
  #at = 0;

  constructor(readonly bytes: Bytes) {}

  raw(length: number): Bytes {
    if (length > this.bytes.length - this.#at) throw new VaultError('damaged');
    return this.bytes.subarray(this.#at, (this.#at += length));
  }

  u8(): number {
    return this.raw(1)[0] as number;
  }

  u32(): number {
    const bytes = this.raw(4);
    return new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0);
  }

  part(): Bytes {
    return this.raw(this.u32());
  }

  text(): string {
    try {
      return decoder.decode(this.part());
    } catch (cause) {
      throw new VaultError('damaged', { cause });
    }
  }

  rest(): Bytes {
    return this.raw(this.bytes.length - this.#at);
  }
}
