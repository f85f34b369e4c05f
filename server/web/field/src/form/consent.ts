// Consent before content: whether what is said may leave the memory of this page.
//
// Not here: the wording that was read out (the form's), counting refusals (the app's).

import type { Key, Policy, Value } from "../core/types";
import { type Fields, keyOf } from "./keys";
import type { XForm } from "./xform";

interface Asked {
  key: Key;
  path: string;
  given: string[];
  /** From the least to the most protective; empty if the form has none. */
  order: string[];
}

export class Consent {
  private constructor(private readonly asked: readonly Asked[]) {}

  /** The organisation's policies count; before they are here, what the form says. */
  static of(fields: Fields, xform: XForm, policies: readonly Policy[]): Consent {
    const asked: Asked[] = [];
    for (const field of fields.all()) {
      const policy = policies.find((p) => p.field === field.id);
      const given = policy ? (policy.consent ?? []) : (xform.consent.get(field.path) ?? []);
      const order = (policy ? policy.order : xform.protective.get(field.path)) ?? [];
      if (given.length > 0) asked.push({ key: keyOf(field, undefined), path: field.path, given, order });
    }
    return new Consent(asked);
  }

  /** Whether this is a question of consent to store. */
  asks(key: Key): boolean {
    return this.asked.some((a) => a.key === key);
  }
  /** Whether what is said may be stored: each such question is answered with consent, or there is none. */
  lives(value: (key: Key) => Value | undefined): boolean {
    return this.asked.every((a) => consents(a, value(a.key)));
  }
  /** Whether this answer is a refusal, and not only "not asked yet". */
  refuses(key: Key, value: Value): boolean {
    const asked = this.asked.find((a) => a.key === key);
    if (asked === undefined || !("code" in value) || consents(asked, value)) return false;
    const rank = asked.order.indexOf(value.code);
    return rank < 0 || rank > Math.max(...asked.given.map((code) => asked.order.indexOf(code)));
  }
}

function consents(asked: Asked, value: Value | undefined): boolean {
  return value !== undefined && "code" in value && asked.given.includes(value.code);
}
