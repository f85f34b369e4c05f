/**
 * From a secret to a key: Argon2id in a worker, so that the page stays alive for the second or two it takes. Its cost is
 * measured on the phone itself when a secret is chosen, and stands in the slot.
 * Not here: which secrets are taken (secret.ts), what the key opens (slots.ts).
 */
import type { Bytes } from './bytes';
import { VaultError } from './errors';

export interface Cost {
  /** KiB of memory. */
  memory: number;
  /** Passes over it. */
  passes: number;
}

/** 64 MiB cost a guesser the most and fit on a phone of 1 GB; three passes are what RFC 9106 advises with them. */
export const LEAST: Cost = { memory: 64 * 1024, passes: 3 };
/** For a phone that does not give 64 MiB to one page. */
const SMALL: Cost = { memory: 32 * 1024, passes: 6 };
/** A stronger phone makes more passes, until one try takes it this long. */
const AIM_MS = 1000;
const MOST_PASSES = 12;

export type NewWorker = () => Worker;

interface Ask {
  secret: string;
  salt: Bytes;
  cost: Cost;
}

export type Answer = { key: Bytes; took: number } | { failed: string };

export class Derive {
  constructor(private readonly worker: NewWorker) {}

  /** 32 bytes. The slot it comes from is no secret and may have been changed: absurd costs are refused. */
  async key(secret: string, salt: Bytes, cost: Cost): Promise<Bytes> {
    if (!(cost.memory >= 8 && cost.memory <= 1024 * 1024 && cost.passes >= 1 && cost.passes <= 64)) {
      throw new VaultError('damaged');
    }
    return (await this.#ask({ secret, salt, cost })).key;
  }

  /** The cost that suits this phone, and the key for it. */
  async measured(secret: string, salt: Bytes): Promise<{ key: Bytes; cost: Cost }> {
    let cost = LEAST;
    const ask = (c: Cost) => this.#ask({ secret, salt, cost: c });
    const first = await ask(cost).catch(() => ask((cost = SMALL)));
    const passes = Math.min(MOST_PASSES, Math.floor((cost.passes * AIM_MS) / first.took));
    if (passes <= cost.passes) return { key: first.key, cost };
    first.key.fill(0);
    cost = { memory: cost.memory, passes };
    return { key: (await ask(cost)).key, cost };
  }

  /** A worker for each: its memory, with all that the secret left in it, goes with it. */
  async #ask(ask: Ask): Promise<{ key: Bytes; took: number }> {
    const worker = this.worker();
    try {
      const answer = await new Promise<Answer>((resolve, reject) => {
        worker.onmessage = (message: MessageEvent<Answer>) => resolve(message.data);
        worker.onerror = () => reject(new VaultError('key_not_made'));
        worker.postMessage(ask);
      });
      if ('failed' in answer) throw new VaultError('key_not_made', { reason: answer.failed });
      return answer;
    } finally {
      worker.terminate();
    }
  }
}
