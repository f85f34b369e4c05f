// Between the text that an XForm holds and the value that a record holds, by the type that the form package gives a field.
// The outcome is that of sync-core/native (answers/typed.rs): equal answers are equal values, whoever typed them.
//
// Not here: which node is which key (keys.ts), whether an answer is allowed (the form's own rules, engine.ts).

import type { Value } from "../core/types";
import { westernDigits } from "./digits";

/** Why a typed text is no answer; `texts.ts` has the words. */
export type Problem = "problem_number" | "problem_whole" | "problem_comma" | "problem_date" | "problem_time" | "problem_geo" | "problem_long" | "problem_code";

export type Read = { value: Value } | { problem: Problem };

export const NULL: Value = { null: true };
const TEXT_BYTES_MAX = 64 * 1024;
const INT_MAX = 2 ** 53 - 1;

/** The value of `text` as an answer to a field of this type. */
export function readAnswer(type: string, text: string): Read {
  if (text === "") return { value: NULL };
  switch (type) {
    case "select_one":
      return /\s/.test(text) ? { problem: "problem_code" } : { value: { code: text } };
    case "select_multiple":
      return { value: { codes: sortedCodes(text.split(/[ ,]/)) } };
    case "rank":
    case "trigger":
    case "geotrace":
    case "geoshape":
      return plainText(text);
    case "integer":
      return number(text, false);
    case "decimal":
    case "range:decimal":
      return number(text, true);
    case "range":
      return number(text, true);
    default:
      return plain(dataType(type), text);
  }
}

/** What follows the colon in "calculate:datetime"; else the type itself, where it is one of data. */
function dataType(type: string): string {
  const [kind, data] = type.split(":");
  if (kind === "calculate" || kind === "hidden" || kind === "metadata") return data ?? "string";
  return type;
}

function plain(type: string, text: string): Read {
  switch (type) {
    case "int":
      return number(text, false);
    case "decimal":
      return number(text, true);
    case "boolean":
      if (/^(true|yes|1)$/i.test(text)) return { value: { bool: true } };
      return /^(false|no|0)$/i.test(text) ? { value: { bool: false } } : { problem: "problem_code" };
    case "date":
      // A calculation may come with a time behind the day.
      return DAY.test(text.slice(0, 10)) && realDay(text.slice(0, 10)) ? { value: { date: text.slice(0, 10) } } : { problem: "problem_date" };
    case "time": {
      const time = spellTime(text);
      return time === undefined ? { problem: "problem_time" } : { value: { time } };
    }
    case "datetime":
      return moment(text);
    case "geopoint": {
      const geo = readGeo(text);
      return geo === undefined ? { problem: "problem_geo" } : { value: { geo } };
    }
    default:
      return plainText(text);
  }
}

function plainText(text: string): Read {
  if (new TextEncoder().encode(text).length > TEXT_BYTES_MAX) return { problem: "problem_long" };
  return { value: { text } };
}

/** Sorted by their UTF-8 bytes, none twice. */
export function sortedCodes(codes: readonly string[]): string[] {
  const once = [...new Set(codes.filter((c) => c !== ""))];
  const bytes = new TextEncoder();
  return once
    .map((code) => ({ code, bytes: bytes.encode(code) }))
    .sort((a, b) => compareBytes(a.bytes, b.bytes))
    .map((c) => c.code);
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let i = 0; i < a.length && i < b.length; i++) if (a[i] !== b[i]) return (a[i] ?? 0) - (b[i] ?? 0);
  return a.length - b.length;
}

/** Digits of any script of the region. A comma is a point, except where it may stand between thousands. */
function number(typed: string, fraction: boolean): Read {
  let text = westernDigits(typed).replace(/[\s\u00a0]/g, "").replace(/\u2212/g, "-");
  if (text.includes(",")) {
    if (text.split(",").length > 2 || text.includes(".") || /,\d{3}$/.test(text)) return { problem: "problem_comma" };
    text = text.replace(",", ".");
  }
  const found = /^([+-]?)(\d*)(?:\.(\d*))?$/.exec(text);
  if (!found || ((found[2] ?? "") === "" && (found[3] ?? "") === "")) return { problem: "problem_number" };
  const whole = (found[2] ?? "").replace(/^0+/, "") || "0";
  const part = (found[3] ?? "").replace(/0+$/, "");
  const sign = found[1] === "-" && (whole !== "0" || part !== "") ? "-" : "";
  const n = Number(sign + whole);
  if (!text.includes(".") && Math.abs(n) <= INT_MAX) return { value: { int: n } };
  if (part !== "" && !fraction) return { problem: "problem_whole" };
  const decimal = sign + whole + (part === "" ? "" : `.${part}`);
  return decimal.length > 64 ? { problem: "problem_number" } : { value: { decimal } };
}

const DAY = /^\d{4}-\d{2}-\d{2}$/;

function realDay(iso: string): boolean {
  const date = new Date(`${iso}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(iso);
}

/** hh:mm:ss.fff, and the offset if there is one. */
function spellTime(text: string): string | undefined {
  const found = /^(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(Z|[+-]\d{2}(?::?\d{2})?)?$/.exec(text);
  if (!found) return undefined;
  const [, hour = "", minute = "", second = "00", part = "", zone = ""] = found;
  if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 59) return undefined;
  const offset = spellOffset(zone);
  if (offset === undefined) return undefined;
  return `${hour}:${minute}:${second}.${part.slice(0, 3).padEnd(3, "0")}${offset}`;
}

function spellOffset(zone: string): string | undefined {
  if (zone === "" || zone === "Z") return zone;
  const digits = zone.slice(1).replace(":", "").padEnd(4, "0");
  const [hours, minutes] = [Number(digits.slice(0, 2)), Number(digits.slice(2))];
  if (minutes > 59 || hours * 60 + minutes > 14 * 60) return undefined;
  return hours === 0 && minutes === 0 ? "Z" : `${zone[0]}${digits.slice(0, 2)}:${digits.slice(2)}`;
}

function moment(text: string): Read {
  const [day = "", clock = ""] = text.split("T");
  const time = spellTime(clock);
  const hasOffset = time !== undefined && /(Z|[+-]\d{2}:\d{2})$/.test(time);
  if (!DAY.test(day) || !realDay(day) || !hasOffset) return { problem: "problem_date" };
  return { value: { datetime: `${day}T${time}` } };
}

type Geo = [number, number, number | null, number | null];

/** `lat lon [altitude [accuracy]]`, in degrees and metres. */
function readGeo(text: string): Geo | undefined {
  const parts = westernDigits(text).split(/[\s,;]+/).filter((p) => p !== "").map(Number);
  const [lat, lon, altitude, accuracy] = parts;
  if (lat === undefined || lon === undefined || parts.some((p) => !Number.isFinite(p))) return undefined;
  if (Math.abs(lat) > 90 || Math.abs(lon) > 180) return undefined;
  const centimetres = (m: number | undefined) => (m === undefined || Math.abs(m) > 2e7 ? null : Math.round(m * 100));
  const exact = centimetres(accuracy);
  return [Math.round(lat * 1e7), Math.round(lon * 1e7), centimetres(altitude), exact === null || exact < 0 ? null : exact];
}

/** How an instance writes a value. A file is named by its hash; kinds that no control can hold come out blank. */
export function instanceText(value: Value | undefined): string {
  if (value === undefined) return "";
  if ("text" in value) return value.text;
  if ("code" in value) return value.code;
  if ("codes" in value) return value.codes.join(" ");
  if ("int" in value) return String(value.int);
  if ("decimal" in value) return value.decimal;
  if ("bool" in value) return String(value.bool);
  if ("date" in value) return value.date;
  if ("time" in value) return value.time;
  if ("datetime" in value) return value.datetime;
  if ("geo" in value) return geoText(value.geo);
  if ("attachment" in value) return value.attachment.sha256;
  return "";
}

function geoText([lat, lon, altitude, accuracy]: Geo): string {
  const out = [lat / 1e7, lon / 1e7];
  if (altitude !== null || accuracy !== null) out.push((altitude ?? 0) / 100);
  if (accuracy !== null) out.push(accuracy / 100);
  return out.join(" ");
}

/** Whether two values are one answer. */
export function sameValue(a: Value | undefined, b: Value | undefined): boolean {
  return canonical(a) === canonical(b);
}

function canonical(value: Value | undefined): string {
  if (value === undefined) return "";
  if ("attachment" in value) return `attachment ${value.attachment.sha256}`;
  return JSON.stringify(value);
}

export function isCleared(value: Value | undefined): boolean {
  return value === undefined || "null" in value;
}
