// Bytes on the wire per day, kept sealed with the profile: data costs money, and whoever pays sees how much.

import type { Keeper } from "../core/keeper";

export interface Usage {
  sent: number;
  received: number;
}

const TABLE = "usage";
/** Days that are kept. */
const DAYS = 35;

/** The day in the phone's own time zone: 2026-11-24. */
export function today(now = new Date()): string {
  const two = (n: number): string => String(n).padStart(2, "0");
  return `${now.getFullYear()}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
}

export class Counter {
  private constructor(
    private readonly keeper: Keeper,
    private readonly days: Map<string, Usage>,
  ) {}

  static async open(keeper: Keeper): Promise<Counter> {
    const days = new Map<string, Usage>();
    for (const { table, key, value } of await keeper.eager()) {
      if (table === TABLE) days.set(key, JSON.parse(new TextDecoder().decode(value)) as Usage);
    }
    return new Counter(keeper, days);
  }

  of(day: string): Usage {
    return this.days.get(day) ?? { sent: 0, received: 0 };
  }
  all(): ReadonlyMap<string, Usage> {
    return this.days;
  }

  /** Adds what a run used. */
  async add(used: Usage, day = today()): Promise<void> {
    if (used.sent === 0 && used.received === 0) return;
    const before = this.of(day);
    const now = { sent: before.sent + used.sent, received: before.received + used.received };
    this.days.set(day, now);
    const old = [...this.days.keys()].sort().slice(0, -DAYS);
    for (const gone of old) this.days.delete(gone);
    await this.keeper.write([
      { table: TABLE, key: day, value: new TextEncoder().encode(JSON.stringify(now)) },
      ...old.map((key) => ({ table: TABLE, key, value: null })),
    ]);
  }
}
