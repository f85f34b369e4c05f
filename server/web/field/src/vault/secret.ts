/**
 * What a person may choose as the secret of a profile: a PIN of six digits or more, or a passphrase.
 * Not here: the words that tell why one is refused (words/), the key made from it (derive.ts).
 */
import { VaultError } from './errors';

export type Weakness = 'too_short' | 'too_long' | 'same_characters' | 'sequence' | 'pattern' | 'date' | 'common';

const PIN_LEAST = 6;
const PHRASE_LEAST = 10;
const MOST = 200;

/** Often chosen, and not caught by a rule below. */
const COMMON = new Set([
  '147258', '258369', '159753', '147852', '741852', '112358', '314159', '142857', '520131', '696969', '101010',
  'password12', 'password123', 'qwertyuiop', 'qwerty12345', 'iloveyou123', '1q2w3e4r5t', '1qaz2wsx3edc',
]);

/** The secret as it is used: the same keys in another script or width are the same secret. */
export function normal(secret: string): string {
  const text = secret.normalize('NFKC').trim().replace(/\s+/gu, ' ');
  return text.replace(/\p{Nd}/gu, (digit) => String(valueOf(digit)));
}

/** Why a secret is not taken; undefined: it is. */
export function weakness(secret: string): Weakness | undefined {
  const text = normal(secret);
  const characters = [...text];
  const pin = /^\d*$/.test(text);
  if (characters.length < (pin ? PIN_LEAST : PHRASE_LEAST)) return 'too_short';
  if (characters.length > MOST) return 'too_long';
  if (new Set(characters).size === 1) return 'same_characters';
  if (steps(characters)) return 'sequence';
  if (repeats(text) || new Set(characters).size < (pin ? 3 : 5)) return 'pattern';
  if (pin && dateLike(text)) return 'date';
  return COMMON.has(text.toLowerCase()) ? 'common' : undefined;
}

/** Refuses a weak one. */
export function strong(secret: string): string {
  const reason = weakness(secret);
  if (reason) throw new VaultError('weak_secret', { reason });
  return normal(secret);
}

/** Decimal digits of every script stand in runs of ten, from 0. */
function valueOf(digit: string): number {
  const point = digit.codePointAt(0) as number;
  let zero = point;
  while (point - zero < 9 && /\p{Nd}/u.test(String.fromCodePoint(zero - 1))) zero -= 1;
  // Mathematical digits follow one another in several runs; NFKC has already made plain ones of them.
  return point - zero;
}

/** 123456, 987654, 135790, abcdefghij: every step the same (round 0 and 9 too). */
function steps(characters: string[]): boolean {
  const points = characters.map((c) => c.codePointAt(0) as number);
  const step = (i: number) => ((points[i + 1] as number) - (points[i] as number) + 10) % 10;
  const small = points.every((p, i) => i === 0 || Math.abs(p - (points[i - 1] as number)) <= 9);
  return small && points.slice(2).every((_, i) => step(i) === step(i + 1));
}

/** 121212, 123123, 123321 */
function repeats(text: string): boolean {
  const half = Math.floor(text.length / 2);
  for (let length = 1; length <= half; length++) {
    if (text === text.slice(0, length).repeat(Math.ceil(text.length / length)).slice(0, text.length)) return true;
  }
  return text.length % 2 === 0 && text.slice(half) === [...text.slice(0, half)].reverse().join('');
}

/** A day, or a year of birth at either end, in Christian or Buddhist years. Long digits are not looked at. */
function dateLike(pin: string): boolean {
  if (pin.length > 8) return false;
  const at = (from: number, length: number) => Number(pin.slice(from, from + length));
  const day = (d: number, m: number) => d >= 1 && d <= 31 && m >= 1 && m <= 12;
  const year = (y: number) => (y >= 1920 && y <= 2035) || (y >= 2463 && y <= 2578);
  if (year(at(0, 4)) || year(at(pin.length - 4, 4))) return true;
  if (pin.length !== 6) return false;
  return day(at(0, 2), at(2, 2)) || day(at(2, 2), at(0, 2)) || day(at(4, 2), at(2, 2));
}
