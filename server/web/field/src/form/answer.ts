// An answer as the person sees it, and what a session is given to work with.
//
// Not here: what becomes of it (session.ts).

import type { Key, Live, RecordView, Value } from "../core/types";
import { type Problem, sameValue } from "./answers";
import type { Consent } from "./consent";
import type { OpenForm } from "./engine";
import type { Fields } from "./keys";
import { watched } from "./watch";
import type { XForm } from "./xform";

/** An answer as the person sees it. */
export interface Answer {
  readonly key: Key;
  value: Value | undefined;
  /** All live values of the record, equal ones once; more than one is a conflict. */
  lives: Live[];
  /** A text that is no answer, as typed. */
  typed: string | undefined;
  problem: Problem | undefined;
  /** The core refused the last save of it, with this code. */
  refused: string | undefined;
  /** All its live values were on the screen. */
  seen: boolean;
  /** The person took one of several answers; it is not saved yet. */
  settled: boolean;
}

/** What stands beside the answers: "waiting": nothing may be stored yet; "dropped": the person refused. */
export type Kept = "clean" | "waiting" | "pending" | "saving" | "saved" | "failed" | "dropped";

export interface SessionOptions {
  form: OpenForm;
  xform: XForm;
  fields: Fields;
  consent: Consent;
  view: RecordView | undefined;
  /** Changes that an earlier session on this record could not save yet. */
  pending: ReadonlyMap<Key, Value>;
  rowIdOf(text: string): string;
  save(writes: [Key, Value][], shown: Key[]): Promise<void>;
  /** The person does not agree: everything is gone. */
  refused(): void;
  now(): Date;
  after(ms: number, what: () => void): () => void;
}

export function newAnswer(key: Key): Answer {
  return watched({ key, value: undefined, lives: [], typed: undefined, problem: undefined, refused: undefined, seen: false, settled: false });
}

/** Equal answers count once; the first stays first. */
export function distinct(lives: readonly Live[]): Live[] {
  const out: Live[] = [];
  for (const live of lives) if (!out.some((o) => sameValue(o.value, live.value))) out.push(live);
  return out;
}
