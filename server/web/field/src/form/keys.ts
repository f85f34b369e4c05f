// Keys of a record and the fields of a form package: which path is which field, in which repeat.
//
// Not here: nodes of an open form (session.ts).

import type { FormPackage, Key } from "../core/types";

export interface Field {
  path: string;
  id: number;
  type: string;
  /** The nearest repeat around it. */
  repeat: Field | undefined;
}

export class Fields {
  private readonly byPath = new Map<string, Field>();
  private readonly byId = new Map<number, Field>();

  constructor(pkg: FormPackage) {
    for (const { path, id, type } of pkg.fields) {
      const field = { path, id, type, repeat: this.around(path) };
      this.byPath.set(path, field);
      this.byId.set(id, field);
    }
  }

  private around(path: string): Field | undefined {
    for (let at = path.lastIndexOf("/"); at > 0; at = path.lastIndexOf("/", at - 1)) {
      const field = this.byPath.get(path.slice(0, at));
      if (field !== undefined) return field.type === "repeat" ? field : field.repeat;
    }
    return undefined;
  }

  at(path: string): Field | undefined {
    return this.byPath.get(path);
  }
  get(id: number): Field | undefined {
    return this.byId.get(id);
  }
  all(): Iterable<Field> {
    return this.byPath.values();
  }
}

/** The key of a field outside repeats, or in a row of its repeat. */
export function keyOf(field: Field, row: string | undefined): Key {
  return field.repeat === undefined ? `f${field.id}` : `g${field.repeat.id}.${row ?? ""}.f${field.id}`;
}

export function rowKey(group: number, row: string): Key {
  return `g${group}.${row}.row`;
}

/** The field that a key is about, with its row; undefined for what is no answer. */
export function fieldOfKey(key: Key): { id: number; row: string | undefined } | undefined {
  const found = /^(?:g\d+\.([0-9a-f]{16})\.)?f(\d+)$/.exec(key);
  return found ? { id: Number(found[2]), row: found[1] } : undefined;
}

const DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** An order key behind `last`. */
export function orderAfter(last: string | undefined): string {
  if (last === undefined || last === "") return "A";
  const at = DIGITS.indexOf(last.slice(-1));
  const next = at < 0 ? undefined : DIGITS[at + 1];
  return next === undefined ? `${last}0` : last.slice(0, -1) + next;
}
