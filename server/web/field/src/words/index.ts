/**
 * What the app says, in seven languages: the only place with texts for people.
 *
 * A language that lacks a text does not compile. Each text has a review status: whoever speaks the language and checked it
 * stands in `reviewed`; until then it is a draft, which the interface shows (and says so in the settings), and which is
 * never read out to a respondent. Consent texts are no texts of the app: they come with the form, and its review with them.
 * Not here: the form's own questions.
 */
import { signal } from "../ui/signal.ts";
import { en } from "./en.ts";
import { km } from "./km.ts";
import { lo } from "./lo.ts";
import { my } from "./my.ts";
import { th } from "./th.ts";
import { vi } from "./vi.ts";
import { zhHans } from "./zh-Hans.ts";

export type TextKey = keyof typeof en;
export type Texts = Record<TextKey, string>;
export type Language = "en" | "km" | "lo" | "my" | "th" | "vi" | "zh-Hans";
export type ReviewStatus = "draft" | "reviewed";
export type Values = Record<string, string | number>;
/** A text about something that went wrong: what happened, what it means, what to do next. */
export interface Trouble {
  key: TextKey & `trouble_${string}`;
  with?: Values | undefined;
}

interface Known {
  /** Its own name. */
  name: string;
  texts: Texts;
  /** Which texts somebody who speaks the language has checked; their names stand in README.md. */
  reviewed: "all" | readonly TextKey[];
}

const languages: Record<Language, Known> = {
  en: { name: "English", texts: en, reviewed: "all" },
  km: { name: "ខ្មែរ", texts: km, reviewed: [] },
  lo: { name: "ລາວ", texts: lo, reviewed: [] },
  my: { name: "မြန်မာ", texts: my, reviewed: [] },
  th: { name: "ไทย", texts: th, reviewed: [] },
  vi: { name: "Tiếng Việt", texts: vi, reviewed: [] },
  "zh-Hans": { name: "简体中文", texts: zhHans, reviewed: [] },
};

export const LANGUAGES = Object.keys(languages) as Language[];
const KEPT = "language";

/** The language of the interface. Kept in clear: it is asked for before anything is unlocked. */
export const language = signal<Language>(first());

// Another tab of this phone has chosen one.
addEventListener("storage", (event: StorageEvent) => {
  const chosen = LANGUAGES.find((known) => event.key === KEPT && known === event.newValue);
  if (chosen) language.value = chosen;
});

export function setLanguage(chosen: Language): void {
  language.value = chosen;
  try {
    localStorage.setItem(KEPT, chosen);
  } catch {
    // Storage is refused: it holds until the page closes.
  }
}

export function languageName(of: Language): string {
  return languages[of].name;
}

export function reviewStatus(of: Language, key: TextKey): ReviewStatus {
  const { reviewed } = languages[of];
  return reviewed === "all" || reviewed.includes(key) ? "reviewed" : "draft";
}

/** Whether every text of a language was checked. */
export function isReviewed(of: Language): boolean {
  return (Object.keys(en) as TextKey[]).every((key) => reviewStatus(of, key) === "reviewed");
}

export function say(key: TextKey, values: Values = {}): string {
  const text = languages[language.value].texts[key];
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

/** A moment, in the calendar of the language's readers as the phone writes it. */
export function moment(ms: number): string {
  return new Intl.DateTimeFormat(language.value, { dateStyle: "medium", timeStyle: "short" }).format(ms);
}

export function bytes(count: number): string {
  const [unit, by] = count < 1000 ? ["byte", 1] : count < 1_000_000 ? ["kilobyte", 1000] : ["megabyte", 1_000_000];
  const format = { style: "unit", unit, unitDisplay: "short", maximumFractionDigits: by === 1_000_000 ? 1 : 0 } as const;
  return new Intl.NumberFormat(language.value, format as Intl.NumberFormatOptions).format(count / (by as number));
}

export function span(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  const [unit, by] = seconds < 120 ? ["second", 1] : ["minute", 60];
  return new Intl.NumberFormat(language.value, { style: "unit", unit: unit as string, unitDisplay: "long" }).format(Math.ceil(seconds / (by as number)));
}

function first(): Language {
  let kept: string | null = null;
  try {
    kept = localStorage.getItem(KEPT);
  } catch {
    // As above.
  }
  for (const wanted of [kept, ...navigator.languages]) {
    const found = LANGUAGES.find((known) => known === wanted || known.split("-")[0] === wanted?.split("-")[0]);
    if (found) return found;
  }
  return "en";
}
