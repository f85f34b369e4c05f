/**
 * The vault: the profiles on this phone, made, unlocked and wiped.
 * Not here: what an unlocked one can do (unlocked.ts). README.md says what all of it protects from, and what not.
 */
import { hex, random } from './bytes';
import { CLOCK, type Clock } from './clock';
import { empty, hold as takeOver, open, remove } from './database';
import { Derive, type NewWorker } from './derive';
import { make as makeDeviceKey } from './device-key';
import { Door } from './door';
import { VaultError } from './errors';
import { type Hold, take } from './hold';
import { type LockRules, RULES } from './lock';
import * as profiles from './profiles';
import type { Profile } from './profiles';
import { wrapData } from './rekey';
import { Rows } from './rows';
import { Seal } from './seal';
import { normal, strong } from './secret';
import { imported, RawKeys, wrap } from './slots';
import { Unlocked } from './unlocked';
import { type SealedProfile, sealedProfile } from './unsent';

export interface VaultOptions {
  /** Starts the worker of derive-worker.ts. */
  worker: NewWorker;
  rules?: LockRules;
  clock?: Clock;
}

export function openVault(options: VaultOptions): Vault {
  return new Vault(options);
}

export class Vault {
  readonly #derive: Derive;
  readonly #clock: Clock;
  readonly #rules: LockRules;
  readonly #doors = new Map<string, Promise<Door>>();
  readonly #open = new Map<string, Unlocked>();

  constructor(options: VaultOptions) {
    this.#derive = new Derive(options.worker);
    this.#clock = options.clock ?? CLOCK;
    this.#rules = options.rules ?? RULES;
  }

  async profiles(): Promise<Profile[]> {
    return profiles.list();
  }

  /** A new profile, unlocked. `label`: what the list of profiles shows in clear; better empty. */
  async create(label: string, secret: string): Promise<Unlocked> {
    const chosen = strong(secret);
    const id = profiles.newId();
    const keys = RawKeys.make();
    let hold: Hold | undefined;
    try {
      const slot = await wrap(this.#derive, chosen, keys);
      const again = await imported(keys.wrap.slice());
      const device = await makeDeviceKey(again);
      await Door.build(id, [slot], device, await wrapData(again, keys.data));
      await profiles.put({ id, label: label.trim() });
      hold = await take(id, false, () => this.#lost(id));
      return await this.#opened(await this.#door(id), keys, hold);
    } catch (cause) {
      hold?.release();
      await profiles.remove(id).catch(() => undefined);
      await remove(id).catch(() => undefined);
      throw cause;
    } finally {
      keys.forget();
    }
  }

  /** 'elsewhere': another tab has it open; with `takeOver` that tab is locked, once the secret has proved right. */
  async unlock(id: string, secret: string, how: { takeOver?: boolean } = {}): Promise<Unlocked> {
    await this.#open.get(id)?.lock();
    const lost = () => this.#lost(id);
    let hold: Hold | undefined = how.takeOver ? undefined : await take(id, false, lost);
    try {
      const door = await this.#door(id);
      const keys = await door.keys(normal(secret));
      try {
        hold ??= await take(id, true, lost);
        return await this.#opened(door, keys, hold);
      } finally {
        keys.forget();
      }
    } catch (cause) {
      hold?.release();
      throw cause;
    }
  }

  /** Milliseconds until a secret may be tried; 0: now. */
  async wait(id: string): Promise<number> {
    return (await this.#door(id)).tries.wait();
  }

  async rename(id: string, label: string): Promise<void> {
    if (!(await this.profiles()).some((p) => p.id === id)) throw new VaultError('unknown_profile');
    await profiles.put({ id, label: label.trim() });
  }

  /**
   * Destroys what opens the profile on this phone, durably and first of all. `everything`: then its rows and the profile too.
   * `secret`: they stay, sealed, so that unsent work can still go to the server.
   */
  async wipe(id: string, what: 'everything' | 'secret'): Promise<void> {
    await this.#open.get(id)?.lockBecause('wiped');
    const hold = await take(id, true, () => undefined);
    try {
      const door = await this.#door(id);
      await door.destroySecret();
      // A tab that lost the profile must not write any more.
      await takeOver(door.database, '');
      if (what === 'secret') return;
      await empty(door.database);
      await profiles.remove(id);
      door.close();
      this.#doors.delete(id);
      await remove(id);
    } finally {
      hold.release();
    }
  }

  /** What can be sent without the secret; undefined if the profile was never enrolled. */
  async sealed(id: string): Promise<SealedProfile | undefined> {
    return sealedProfile(await this.#door(id));
  }

  async #opened(door: Door, keys: RawKeys, hold: Hold): Promise<Unlocked> {
    const [data, again] = await Promise.all([imported(keys.data), imported(keys.wrap)]);
    const database = await open(door.id, false, () => this.#lost(door.id));
    const holder = hex(random(16));
    const rows = new Rows(database, new Seal(data), holder);
    try {
      await takeOver(database, holder);
      await rows.load();
    } catch (cause) {
      await rows.close();
      throw cause;
    }
    const unlocked = new Unlocked({ door, rows, wrap: again, hold }, this.#rules, this.#clock);
    this.#open.set(door.id, unlocked);
    unlocked.onLock(() => {
      this.#open.delete(door.id);
      this.#doors.delete(door.id);
    });
    return unlocked;
  }

  #lost(id: string): void {
    void this.#open.get(id)?.lockBecause('elsewhere');
  }

  #door(id: string): Promise<Door> {
    let door = this.#doors.get(id);
    if (!door) {
      door = Door.at(id, this.#derive, this.#clock, () => this.#doors.delete(id));
      this.#doors.set(id, door);
      door.catch(() => this.#doors.delete(id));
    }
    return door;
  }
}
