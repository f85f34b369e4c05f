/**
 * What can go wrong in the vault, each under a stable name that the pages have words for.
 * Not here: the words (words/).
 */

export type VaultTrouble =
  /** The secret is wrong. `wait` says how many milliseconds pass until the next try; 0: at once. */
  | 'wrong_secret'
  /** Too many wrong tries; nothing was tried. `wait` says how many milliseconds are left. */
  | 'wait'
  /** The secret is too easy to guess; `reason` says why. */
  | 'weak_secret'
  /** The secret was destroyed (a wipe). What was not sent can still go to the server, sealed. */
  | 'wiped'
  /** The secret could not be tried: the worker did not start, or the phone has not the memory. */
  | 'key_not_made'
  /** Another tab has this profile open. */
  | 'elsewhere'
  /** The profile was locked meanwhile. A write that ends so has written nothing. */
  | 'locked'
  /** The device has no room left. Nothing was written. */
  | 'storage_full'
  /** The browser gives this page no storage: private mode, or blocked. */
  | 'storage_refused'
  /** The browser's storage failed in another way. Nothing was written. */
  | 'storage_failed'
  /** Something at rest is not what was written: damaged, swapped, or of another key. */
  | 'damaged'
  /** Written by a later version of the app. */
  | 'newer_format'
  /** There is no such profile on this phone. */
  | 'unknown_profile';

export class VaultError extends Error {
  readonly wait: number;
  readonly reason: string;

  constructor(
    readonly code: VaultTrouble,
    more: { wait?: number; reason?: string; cause?: unknown } = {},
  ) {
    // The code alone: a message must never quote what was stored.
    super(code, more.cause === undefined ? undefined : { cause: more.cause });
    this.name = 'VaultError';
    this.wait = more.wait ?? 0;
    this.reason = more.reason ?? '';
  }
}
