/**
 * The worker that computes Argon2id: one question, one answer.
 * Not here: who asks (derive.ts).
 */
import { argon2id } from 'hash-wasm';
import type { Answer } from './derive';

interface Ask {
  secret: string;
  salt: Uint8Array;
  cost: { memory: number; passes: number };
}

onmessage = async (message: MessageEvent<Ask>) => {
  const { secret, salt, cost } = message.data;
  const start = performance.now();
  let answer: Answer;
  try {
    const key = await argon2id({
      password: secret,
      salt,
      memorySize: cost.memory,
      iterations: cost.passes,
      parallelism: 1,
      hashLength: 32,
      outputType: 'binary',
    });
    answer = { key: new Uint8Array(key), took: performance.now() - start };
  } catch (error) {
    answer = { failed: error instanceof Error ? error.name : 'unknown' };
  }
  postMessage(answer);
};
