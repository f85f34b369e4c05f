/**
 * When an unlocked profile locks itself: after some minutes untouched, soon after the page is hidden, at once when told.
 * Not here: what locking takes away (unlocked.ts).
 */
import type { Clock } from './clock';

export type LockReason = 'idle' | 'hidden' | 'asked' | 'elsewhere' | 'wiped' | 'revoked';

export interface LockRules {
  /** Milliseconds untouched. */
  idle: number;
  /** Milliseconds hidden: a glance at another app is no reason to ask for the secret again. */
  hidden: number;
}

export const RULES: LockRules = { idle: 5 * 60_000, hidden: 15_000 };
/** However often something is expected: longer than this a hidden page is never left open. */
const ABSENCE_MOST = 10 * 60_000;
const TOUCHES = ['pointerdown', 'keydown', 'input', 'scroll'] as const;

export class Lock {
  #touched: Moment;
  #hidden: Moment | undefined;
  #absence = 0;
  #strict = false;
  #cancel: () => void = () => undefined;
  #reason: LockReason | undefined;

  constructor(
    private rules: LockRules,
    private readonly clock: Clock,
    private readonly locked: (reason: LockReason) => void,
  ) {
    this.#touched = this.#now();
    for (const touch of TOUCHES) document.addEventListener(touch, this.#touch, { capture: true, passive: true });
    document.addEventListener('visibilitychange', this.#look);
    this.#look();
  }

  set(rules: LockRules): void {
    this.rules = rules;
    this.#look();
  }

  /** The page is about to be hidden for a good reason: camera, file picker. Holds for one absence of at most `ms`. */
  expectAbsence(ms: number): void {
    this.#absence = Math.min(ms, ABSENCE_MOST);
  }

  /** The phone is in somebody else's hands: hiding the page locks at once. */
  strict(on: boolean): void {
    this.#strict = on;
    this.#look();
  }

  now(reason: LockReason): void {
    if (this.#reason) return;
    this.#reason = reason;
    this.#cancel();
    for (const touch of TOUCHES) document.removeEventListener(touch, this.#touch, { capture: true });
    document.removeEventListener('visibilitychange', this.#look);
    this.locked(reason);
  }

  #touch = () => {
    // A page that slept past its time is locked by the touch that wakes it, not saved by it.
    this.#look();
    this.#touched = this.#now();
  };

  /** Locks if it is time, or looks again when it will be. */
  #look = () => {
    if (this.#reason) return;
    if (document.visibilityState === 'hidden') this.#hidden ??= this.#now();
    const idle = this.rules.idle - this.#since(this.#touched);
    if (this.#hidden && this.#grace() - this.#since(this.#hidden) <= 0) return this.now('hidden');
    // In an absence that was announced nobody touches the page.
    const expected = this.#hidden !== undefined && this.#absence > 0;
    if (idle <= 0 && !expected) return this.now('idle');
    if (document.visibilityState !== 'hidden' && this.#hidden) {
      if (this.#absence > 0) this.#touched = this.#now();
      this.#hidden = undefined;
      this.#absence = 0;
    }
    const hidden = this.#hidden ? this.#grace() - this.#since(this.#hidden) : Number.POSITIVE_INFINITY;
    this.#cancel();
    this.#cancel = this.clock.after(Math.max(1, Math.min(hidden, expected ? hidden : idle)), this.#look);
  };

  #grace(): number {
    if (this.#absence > 0) return Math.max(this.#absence, this.rules.hidden);
    return this.#strict ? 0 : this.rules.hidden;
  }

  #now(): Moment {
    return { count: this.clock.count(), wall: this.clock.wall() };
  }

  /** A sleeping phone may stop the count, and a wrong clock may jump: the longer of the two locks. */
  #since(moment: Moment): number {
    const now = this.#now();
    return Math.max(now.count - moment.count, now.wall - moment.wall);
  }
}

interface Moment {
  count: number;
  wall: number;
}
