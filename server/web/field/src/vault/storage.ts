/**
 * How safe the browser's storage is from being cleared, and how much of it there is.
 * Not here: what a full or refused storage does to a write (database.ts).
 */
export interface StorageState {
  /** The browser promised not to clear it when room gets scarce. Asked again after installation it may change its mind. */
  kept: boolean;
  /** Bytes used and allowed; undefined where the browser does not say. */
  used: number | undefined;
  allowed: number | undefined;
}

/** Asks the browser to keep what this app stores, and tells what it answered. */
export async function askToKeep(): Promise<StorageState> {
  const none = () => undefined;
  const kept = await navigator.storage?.persist?.().catch(none);
  const room = await navigator.storage?.estimate?.().catch(none);
  return { kept: kept ?? false, used: room?.usage, allowed: room?.quota };
}
