/**
 * What leaves a profile without its secret: the sealed rows as they lie, and the inbox slot with which the server opens
 * them ("send without PIN"). Nothing here can be read on the phone. The server opens the rows of `small`, sees there which
 * bodies it lacks, and asks for their chunks in `large` by their ids.
 * Not here: sending (sync/), the slot (inbox.ts).
 */
import type { Bytes } from './bytes';
import { ids, type Row, some } from './database';
import type { Door } from './door';
import { bytesOf, hashOf } from './inbox';
import type { Store } from './seal';

export interface SealedProfile {
  /** The inbox slot: enc ‖ sealed; the server knows it by its hash. */
  slot: Bytes;
  slotHash: string;
  /** The ids of every row of a store. */
  ids(store: Store): Promise<string[]>;
  /** Sealed rows by their ids; those that are there. */
  rows(store: Store, ids: string[]): Promise<Row[]>;
}

/** None if the profile has no inbox slot: it was never enrolled. */
export async function sealedProfile(door: Door): Promise<SealedProfile | undefined> {
  const slot = await door.inbox();
  if (!slot) return undefined;
  const { database } = door;
  return {
    slot: bytesOf(slot),
    slotHash: await hashOf(slot),
    ids: (store) => ids(database, store),
    async rows(store, wanted) {
      const found = await some(database, store, wanted);
      return wanted.flatMap((id, i): Row[] => (found[i] ? [[id, found[i]]] : []));
    },
  };
}
