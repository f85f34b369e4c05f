/**
 * An unlocked profile: its rows, its device key, and what may be changed while it is open. Locking drops all of it.
 * Not here: when it locks (lock.ts), how it was opened (vault.ts).
 */
import type { Keeper } from '../core/keeper';
import type { Bytes } from './bytes';
import type { Clock } from './clock';
import { meta } from './database';
import { type DeviceKey, open as openDeviceKey, type SealedDeviceKey } from './device-key';
import type { Door } from './door';
import { VaultError } from './errors';
import type { Hold } from './hold';
import { hashOf, sealTo } from './inbox';
import { Lock, type LockReason, type LockRules } from './lock';
import { unwrapData, type WrappedDataKey } from './rekey';
import type { Rows } from './rows';
import { normal, strong } from './secret';

/** What an unlocked profile is made of. */
export interface Opened {
  door: Door;
  rows: Rows;
  wrap: CryptoKey;
  hold: Hold;
}

export class Unlocked {
  readonly id: string;
  readonly #lock: Lock;
  readonly #listeners = new Set<(reason: LockReason) => void>();
  #opened: Opened | undefined;
  #deviceKey: DeviceKey | undefined;
  #handedOver = false;
  #gone: Promise<void> = Promise.resolve();

  constructor(opened: Opened, rules: LockRules, clock: Clock) {
    this.id = opened.door.id;
    this.#opened = opened;
    this.#lock = new Lock(rules, clock, (reason) => this.#drop(reason));
  }

  get keeper(): Keeper {
    return this.#open().rows;
  }

  get locked(): boolean {
    return this.#opened === undefined;
  }

  /** The key by which the server knows this profile; its private half cannot be read out. */
  async deviceKey(): Promise<DeviceKey> {
    const { door, wrap } = this.#open();
    if (this.#deviceKey) return this.#deviceKey;
    const sealed = await meta<SealedDeviceKey>(door.database, 'device');
    if (!sealed) throw new VaultError('damaged');
    const key = await openDeviceKey(wrap, sealed);
    // Locked meanwhile: nothing is kept.
    this.#open();
    this.#deviceKey = key;
    return key;
  }

  /** Locks now. Resolves when what was being written has been written and the keys are dropped. */
  async lock(): Promise<void> {
    this.#lock.now('asked');
    await this.#gone;
  }

  /** Locks for a reason that came from outside: another tab, a wipe. */
  async lockBecause(reason: LockReason): Promise<void> {
    this.#lock.now(reason);
    await this.#gone;
  }

  /** Called once, when it locks; a write begun in the call is still made, except when another tab has taken over. */
  onLock(listener: (reason: LockReason) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  setRules(rules: LockRules): void {
    this.#lock.set(rules);
  }

  /** Before the camera or a file picker hides the page: it may stay hidden that long, once, without locking. */
  expectAbsence(ms = 5 * 60_000): void {
    this.#lock.expectAbsence(ms);
  }

  get handedOver(): boolean {
    return this.#handedOver;
  }

  /** The respondent holds the phone: leaving the page locks at once, and only the secret leads back to the rest. */
  handOver(): void {
    this.#open();
    this.#handedOver = true;
    this.#lock.strict(true);
  }

  async takeBack(secret: string): Promise<void> {
    const keys = await this.#open().door.keys(normal(secret));
    keys.forget();
    this.#handedOver = false;
    this.#lock.strict(false);
  }

  async changeSecret(before: string, after: string): Promise<void> {
    const { door } = this.#open();
    const next = strong(after);
    await door.changeSecret(normal(before), next);
  }

  /**
   * Seals the data key to the organisation's inbox key (16 bytes of its id; an uncompressed P-256 point whose signature was
   * checked), in place of an earlier one. Answers with the slot's hash, for the server.
   */
  async setInbox(org: Bytes, inbox: Bytes): Promise<string> {
    const { door, wrap } = this.#open();
    const data = await unwrapData(wrap, await meta<WrappedDataKey>(door.database, 'data'));
    try {
      const slot = await sealTo(org, inbox, data);
      await door.putInbox(slot);
      return hashOf(slot);
    } finally {
      data.fill(0);
    }
  }

  /** SHA-256 of the inbox slot, hexadecimal; undefined before `setInbox`. */
  async inboxSlotHash(): Promise<string | undefined> {
    const slot = await this.#open().door.inbox();
    return slot && hashOf(slot);
  }

  /** The organisation's choice: the secret is destroyed after so many wrong tries (at least ten); null: never. */
  async setWipeAfter(tries: number | null): Promise<void> {
    await this.#open().door.tries.setWipeAfter(tries);
  }

  #open(): Opened {
    if (!this.#opened) throw new VaultError('locked');
    return this.#opened;
  }

  #drop(reason: LockReason): void {
    const opened = this.#open();
    for (const listener of this.#listeners) listener(reason);
    this.#listeners.clear();
    this.#opened = undefined;
    this.#deviceKey = undefined;
    this.#gone = opened.rows.close().then(() => {
      opened.door.close();
      opened.hold.release();
    });
  }
}
