/**
 * What leaves a profile without its secret: the sealed rows as they lie, and the inbox slot with which the server opens
 * them ("send without PIN"). Nothing here can be read on the phone. The server opens `small`, sees there which bodies
 * it lacks, and asks for their chunks by their ids.
 * Not here: sending (sync/), the slot (inbox.ts).
 */
import { some, rows, type Row } from './database';
import type { Bytes } from './bytes';
import type { Door } from './door';
import { VaultError } from './errors';
import { bytesOf, hashOf } from './inbox';

export interface SealedProfile {
  /** The inbox slot: enc ‖ sealed; the server knows it by its hash. */
  slot: Bytes;
  slotHash: string;
  /** Every sealed row of the tables in memory and of the directories. */
  small(): Promise<Row[]>;
  /** Sealed chunks of bodies by their ids; those that are there. */
  large(ids: string[]): Promise<Row[]>;
}

/** None if the profile has no inbox slot: it was never enrolled. */
export async function sealedProfile(door: Door): Promise<SealedProfile | undefined> {
  const slot = await door.inbox();
  if (!slot) return undefined;
  const { database } = door;
  return {
    slot: bytesOf(slot),
    slotHash: await hashOf(slot),
    small: () => rows(database, 'small'),
    async large(ids) {
      if (!ids.every((id) => /^[0-9a-f]{32}$/.test(id))) throw new VaultError('damaged');
      const found = await some(database, 'large', ids);
      return ids.flatMap((id, i): Row[] => (found[i] ? [[id, found[i]]] : []));
    },
  };
}
