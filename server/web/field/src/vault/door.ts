/**
 * A locked profile: its slots, and the tries at its secret.
 * Not here: what stands behind (unlocked.ts), which profiles there are (profiles.ts).
 */
import type { Clock } from './clock';
import { changeMeta, type Database, meta, open, settled } from './database';
import type { Derive } from './derive';
import type { SealedDeviceKey } from './device-key';
import { VaultError } from './errors';
import type { WrappedDataKey } from './rekey';
import { type InboxSlot, type RawKeys, type SecretSlot, type Slot, unwrap, wrap } from './slots';
import { Tries } from './tries';

export class Door {
  readonly tries: Tries;

  private constructor(
    readonly id: string,
    readonly database: Database,
    private readonly derive: Derive,
    clock: Clock,
  ) {
    this.tries = new Tries(database, clock);
  }

  /** `gone`: the profile is being deleted by another tab. */
  static async at(id: string, derive: Derive, clock: Clock, gone: () => void): Promise<Door> {
    return new Door(id, await open(id, false, gone), derive, clock);
  }

  /** Writes what makes a profile, all at once. */
  static async build(
    id: string,
    slots: Slot[],
    device: SealedDeviceKey,
    data: WrappedDataKey,
  ): Promise<void> {
    const database = await open(id, true);
    const tx = database.transaction('meta', 'readwrite', { durability: 'strict' });
    const puts = Object.entries({ slots, device, data }).map(([key, value]) => () => tx.store.put(value, key));
    await settled(tx, puts).finally(() => database.close());
  }

  async inbox(): Promise<InboxSlot | undefined> {
    const slots = (await meta<Slot[]>(this.database, 'slots')) ?? [];
    return slots.find((slot) => slot.kind === 'inbox');
  }

  async putInbox(inbox: InboxSlot): Promise<void> {
    await this.#changeSlots((slots) => [...slots.filter((slot) => slot.kind !== 'inbox'), inbox]);
  }

  /** Tries a secret. The caller forgets the keys. */
  async keys(secret: string): Promise<RawKeys> {
    const slot = await this.#secretSlot();
    await this.tries.begin();
    const keys = await unwrap(this.derive, secret, slot).catch(async (cause: unknown) => {
      await this.tries.undo();
      throw cause;
    });
    if (keys) {
      await this.tries.right();
      return keys;
    }
    const { wait, wipe } = this.tries.wrong();
    if (!wipe) throw new VaultError('wrong_secret', { wait });
    await this.destroySecret();
    throw new VaultError('wiped');
  }

  /** The same keys under another secret. A power cut leaves the old one or the new one. */
  async changeSecret(before: string, after: string): Promise<void> {
    const keys = await this.keys(before);
    try {
      const slot = await wrap(this.derive, after, keys);
      await this.#changeSlots((slots) => [slot, ...slots.filter((s) => s.kind !== 'secret')]);
    } finally {
      keys.forget();
    }
  }

  /** Nobody opens the profile on this phone again, and the device key is gone; the inbox slot and sealed rows stay. */
  async destroySecret(): Promise<void> {
    this.tries.stop();
    await this.#changeSlots((slots) => slots.filter((slot) => slot.kind !== 'secret'));
    for (const key of ['device', 'data']) await changeMeta(this.database, key, () => undefined);
  }

  close(): void {
    this.tries.stop();
    this.database.close();
  }

  async #secretSlot(): Promise<SecretSlot> {
    const slots = (await meta<Slot[]>(this.database, 'slots')) ?? [];
    const slot = slots.find((s) => s.kind === 'secret');
    if (!slot) throw new VaultError('wiped');
    return slot;
  }

  async #changeSlots(change: (slots: Slot[]) => Slot[]): Promise<void> {
    await changeMeta<Slot[]>(this.database, 'slots', (slots) => change(slots ?? []));
  }
}
