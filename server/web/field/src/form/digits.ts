// Numbers and days as people in the region type them: in their own digits, in Buddhist Era years, day first.
//
// Not here: what a question takes (answers.ts).

/** The first digits of the scripts that a keyboard here may write. */
const ZEROS = [0x17e0 /* Khmer */, 0x0ed0 /* Lao */, 0x1040 /* Burmese */, 0x1090 /* Shan */, 0x0e50 /* Thai */, 0xff10 /* full width */];

/** The same text with 0 to 9 for the digits of other scripts. */
export function westernDigits(text: string): string {
  return text.replace(/[\u17e0-\u17e9\u0ed0-\u0ed9\u1040-\u1049\u1090-\u1099\u0e50-\u0e59\uff10-\uff19]/g, (c) => {
    const at = c.charCodeAt(0);
    const zero = ZEROS.find((z) => at >= z && at < z + 10) ?? at;
    return String(at - zero);
  });
}

/** A Buddhist Era year is 543 more. Nobody who is interviewed has a date of the 24th century. */
const BUDDHIST = { from: 2400, to: 2700, more: 543 };

export interface Day {
  iso: string;
  /** The year as it was typed, if it was a Buddhist one. */
  buddhist: number | undefined;
}

/** How much of a day a question asks for. */
export type Precision = "day" | "month" | "year";

/**
 * A day: `31/3/2569`, `31.3.2026`, `2026-03-31`, `31032026`; of a month question `3/2569`, of a year question `2569`, with the
 * first day in place of what was not asked. Undefined where it is none.
 */
export function readDay(typed: string, precision: Precision = "day"): Day | undefined {
  const text = westernDigits(typed).trim();
  const parts = splitDay(text, precision);
  if (parts === undefined) return undefined;
  const [year, month, day] = parts;
  const isBuddhist = year >= BUDDHIST.from && year <= BUDDHIST.to;
  const common = isBuddhist ? year - BUDDHIST.more : year;
  if (common < 1800 || common > 2200 || !isDay(common, month, day)) return undefined;
  const iso = `${String(common).padStart(4, "0")}-${two(month)}-${two(day)}`;
  return { iso, buddhist: isBuddhist ? year : undefined };
}

function splitDay(text: string, precision: Precision): [number, number, number] | undefined {
  const solid = /^(\d{2})(\d{2})(\d{4})$/.exec(text);
  if (solid) return [Number(solid[3]), Number(solid[2]), Number(solid[1])];
  const parts = text.split(/[\s./\-–,]+/).filter((p) => p !== "");
  if (parts.some((p) => !/^\d{1,4}$/.test(p))) return undefined;
  const numbers = parts.map(Number);
  const [a, b, c] = numbers;
  const isYear = (part: string | undefined) => part !== undefined && part.length === 4;
  if (a !== undefined && b !== undefined && c !== undefined && numbers.length === 3) {
    if (isYear(parts[0])) return [a, b, c];
    return isYear(parts[2]) ? [c, b, a] : undefined;
  }
  if (precision !== "day" && numbers.length === 2 && a !== undefined && b !== undefined) {
    if (isYear(parts[0])) return [a, b, 1];
    return isYear(parts[1]) ? [b, a, 1] : undefined;
  }
  if (precision === "year" && numbers.length === 1 && a !== undefined && isYear(parts[0])) return [a, 1, 1];
  return undefined;
}

function isDay(year: number, month: number, day: number): boolean {
  const date = new Date(Date.UTC(year, month - 1, day));
  return date.getUTCFullYear() === year && date.getUTCMonth() === month - 1 && date.getUTCDate() === day;
}

/** `16:30`, `16.30`, `1630`, `4:30 pm`; undefined where it is none. */
export function readTime(typed: string): string | undefined {
  const found = /^(\d{1,2})\s*[:.h]?\s*(\d{2})(?::(\d{2}))?\s*(am|pm)?$/i.exec(westernDigits(typed).trim());
  if (!found) return undefined;
  let hour = Number(found[1]);
  const half = found[4]?.toLowerCase();
  if (half !== undefined) {
    if (hour < 1 || hour > 12) return undefined;
    hour = (hour % 12) + (half === "pm" ? 12 : 0);
  }
  const [minute, second] = [Number(found[2]), Number(found[3] ?? 0)];
  if (hour > 23 || minute > 59 || second > 59) return undefined;
  return `${two(hour)}:${two(minute)}:${two(second)}`;
}

/** What the phone's clock is ahead of UTC on that day: `+07:00`, or `Z`. */
export function offsetAt(iso: string, time: string): string {
  const [year, month, day] = iso.split("-").map(Number);
  const [hour, minute] = time.split(":").map(Number);
  const ahead = -new Date(year ?? 0, (month ?? 1) - 1, day ?? 1, hour ?? 0, minute ?? 0).getTimezoneOffset();
  if (ahead === 0) return "Z";
  const size = Math.abs(ahead);
  return `${ahead < 0 ? "-" : "+"}${two(Math.floor(size / 60))}:${two(size % 60)}`;
}

/** Now, as the wire writes a moment. */
export function momentNow(now: Date): string {
  const iso = `${String(now.getFullYear()).padStart(4, "0")}-${two(now.getMonth() + 1)}-${two(now.getDate())}`;
  const time = `${two(now.getHours())}:${two(now.getMinutes())}:${two(now.getSeconds())}`;
  return `${iso}T${time}.${String(now.getMilliseconds()).padStart(3, "0")}${offsetAt(iso, time)}`;
}

function two(n: number): string {
  return String(n).padStart(2, "0");
}
