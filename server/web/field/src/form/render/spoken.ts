// A value in words, in the form's language.
//
// Not here: what is stored.

import type { Value } from "../../core/types";
import type { Node } from "../engine";
import type { Context } from "./context";

export function spoken(value: Value | undefined, node: Node | undefined, context: Context): string {
  if (value === undefined || "null" in value) return context.say("nothing");
  const { form, xform } = context.session.given;
  const choice = (code: string) => node?.choices.find((c) => c.code === code)?.label.plain || (node && xform.labelOf(node.path, code, form.language)) || code;
  if ("code" in value) return choice(value.code);
  if ("codes" in value) return value.codes.map(choice).join(", ") || context.say("nothing");
  if ("text" in value) return node?.kind === "rank" ? value.text.split(" ").map(choice).join(" › ") : value.text;
  if ("bool" in value) return context.say(value.bool ? "yes" : "no");
  if ("int" in value) return String(value.int);
  if ("decimal" in value) return value.decimal;
  if ("date" in value) return longDay(value.date, context);
  if ("time" in value) return value.time.slice(0, 5);
  if ("datetime" in value) return `${longDay(value.datetime.slice(0, 10), context)}, ${value.datetime.slice(11, 16)}`;
  if ("geo" in value) return `${(value.geo[0] / 1e7).toFixed(5)}, ${(value.geo[1] / 1e7).toFixed(5)}`;
  if ("attachment" in value) return context.say("file_here", { size: bytes(value.attachment.size) });
  return context.say("unreadable");
}

/** "31 March 2026", by the common calendar in every language. */
export function longDay(iso: string, context: Context): string {
  const date = new Date(`${iso}T00:00:00Z`);
  if (Number.isNaN(date.getTime())) return iso;
  return new Intl.DateTimeFormat(context.languageCode(), { dateStyle: "long", timeZone: "UTC", calendar: "gregory" }).format(date);
}

/** When somebody answered, by their clock. */
export function when(at: number, context: Context): string {
  return new Intl.DateTimeFormat(context.languageCode(), { dateStyle: "medium", timeStyle: "short", calendar: "gregory" }).format(new Date(at));
}

export function bytes(size: number): string {
  if (size < 1024) return `${size} B`;
  return size < 1024 * 1024 ? `${Math.round(size / 1024)} kB` : `${(size / 1024 / 1024).toFixed(1)} MB`;
}
