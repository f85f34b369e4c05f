/**
 * Time as the vault measures it. A phone's clock may be wrong by a year and set back at will, so waiting is measured by a
 * count that only goes forward while the page lives.
 * Not here: what waits for it (tries.ts, lock.ts).
 */
export interface Clock {
  /** Milliseconds that only grow, from the page's start. */
  count(): number;
  /** The phone's clock, in milliseconds. It only ever locks sooner. */
  wall(): number;
  /** Calls back once; the answer takes it back. */
  after(ms: number, call: () => void): () => void;
}

export const CLOCK: Clock = {
  count: () => performance.now(),
  wall: () => Date.now(),
  after(ms, call) {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  },
};
