/**
 * Help, readable before anything is unlocked: what a PIN can do and cannot, what to do when it is forgotten or the phone is taken.
 */
import { h } from "../ui/dom.ts";
import { paragraphs } from "../ui/parts.ts";
import { say, type TextKey } from "../words/index.ts";
import type { Page } from "./app.ts";

const PARTS: readonly [TextKey, ...TextKey[]][] = [
  ["help_safe", "help_safe_text"],
  ["help_secret", "secret_can", "secret_cannot", "secret_forgotten"],
  ["help_forgotten", "help_forgotten_text"],
  ["help_taken", "help_taken_text"],
  ["help_conflict", "help_conflict_text"],
  ["help_certificate", "help_certificate_text"],
  ["help_clock", "help_clock_text"],
];

export function helpPage(): Page {
  return { title: say("help_title"), content: PARTS.map(([title, ...texts]) => h("section", null, h("h2", null, say(title)), paragraphs(...texts))) };
}
