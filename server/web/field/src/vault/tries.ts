/**
 * How often a wrong secret may be tried on this phone. Each try is counted durably before it is made, so that closing the app
 * in the middle is no free try. The wait is spent by the page's own count while the app is open, never by the phone's
 * clock: setting that forth or back changes nothing, and a reload goes on where it was.
 * Not here: the secret itself (slots.ts). Against somebody who copied the files none of this helps: see README.md.
 */
import type { Clock } from './clock';
import { changeMeta, type Database, meta } from './database';
import { VaultError } from './errors';

/** Milliseconds to wait after the fifth wrong try, the sixth, …; then the last again. */
const WAITS = [30_000, 60_000, 120_000, 300_000, 600_000, 900_000];
const FREE = 4;
/** How often a wait under way is written down. */
const NOTE_MS = 5_000;
/** An organisation may not wipe sooner: a child playing with the phone tries more than five times. */
export const WIPE_AFTER_LEAST = 10;

interface Kept {
  failed: number;
  /** Milliseconds still to wait when this was written. */
  wait: number;
  /** The secret is destroyed at this many wrong tries; null: never. */
  wipeAfter: number | null;
}

const NONE: Kept = { failed: 0, wait: 0, wipeAfter: null };

export function waitAfter(failed: number): number {
  if (failed <= FREE) return 0;
  return WAITS[Math.min(failed - FREE, WAITS.length) - 1] as number;
}

export class Tries {
  #kept = NONE;
  /** When `#kept` was read or written, by the count. */
  #since = 0;
  #cancel: (() => void) | undefined;

  constructor(
    private readonly database: Database,
    private readonly clock: Clock,
  ) {}

  /** Milliseconds until the next try; 0: now. */
  async wait(): Promise<number> {
    await this.#read();
    return this.#left();
  }

  /** Counts a try that is about to be made. Throws 'wait' when it may not be made yet. */
  async begin(): Promise<void> {
    await this.#read();
    const left = this.#left();
    if (left > 0) throw new VaultError('wait', { wait: left });
    await this.#change((now) => {
      // Another tab failed meanwhile.
      if (now.failed !== this.#kept.failed) throw new VaultError('wait', { wait: now.wait });
      return { ...now, failed: now.failed + 1, wait: waitAfter(now.failed + 1) };
    });
    this.#note();
  }

  /** The try was right. */
  async right(): Promise<void> {
    this.stop();
    await this.#change((now) => ({ ...now, failed: 0, wait: 0 }));
  }

  /** The try could not be made: it told nothing, and does not count. */
  async undo(): Promise<void> {
    this.stop();
    await this.#change((now) => ({ ...now, failed: Math.max(0, now.failed - 1), wait: 0 }));
  }

  /** The try was wrong: whether the secret is to be destroyed now. */
  wrong(): { wait: number; wipe: boolean } {
    const { failed, wipeAfter } = this.#kept;
    return { wait: this.#left(), wipe: wipeAfter !== null && failed >= wipeAfter };
  }

  async setWipeAfter(tries: number | null): Promise<void> {
    const wipeAfter = tries === null ? null : Math.max(WIPE_AFTER_LEAST, tries);
    await this.#change((now) => ({ ...now, wipeAfter }));
  }

  stop(): void {
    this.#cancel?.();
    this.#cancel = undefined;
  }

  #left(): number {
    return Math.max(0, this.#kept.wait - (this.clock.count() - this.#since));
  }

  async #read(): Promise<void> {
    const since = this.clock.count();
    const kept = (await meta<Kept>(this.database, 'tries')) ?? NONE;
    // What this page has waited itself counts, as long as nobody failed meanwhile.
    if (kept.failed === this.#kept.failed) this.#kept = { ...kept, wait: this.#kept.wait };
    else this.#set(kept, since);
    this.#note();
  }

  async #change(change: (now: Kept) => Kept): Promise<void> {
    let since = 0;
    const next = await changeMeta<Kept>(this.database, 'tries', (now) => {
      since = this.clock.count();
      return change(now ?? NONE);
    });
    this.#set(next ?? NONE, since);
  }

  #set(kept: Kept, since: number): void {
    this.#kept = kept;
    this.#since = since;
  }

  /** Writes down, every few seconds, how much of the wait is over. */
  #note(): void {
    this.stop();
    if (this.#left() === 0) return;
    this.#cancel = this.clock.after(NOTE_MS, () => {
      const { failed } = this.#kept;
      const shorter = (now: Kept) =>
        now.failed === failed ? { ...now, wait: Math.min(now.wait, this.#left()) } : now;
      this.#change(shorter).then(
        () => this.#note(),
        () => undefined,
      );
    });
  }
}
