// Days, times and moments: a day is typed, in either calendar, and what it became is shown.
//
// Not here: reading what is typed (digits.ts).

import { offsetAt, type Precision, readDay } from "../digits";
import { cell, watch } from "../watch";
import type { Context, Draw } from "./context";
import { h, newId, refill, show } from "./dom";
import { longDay } from "./spoken";
import { tie } from "./text";
import type { Node } from "../engine";

function precisionOf(node: Node): Precision {
  return node.appearance.has("year") ? "year" : node.appearance.has("month-year") ? "month" : "day";
}

/** As it is typed: 31/3/2026. */
function typedDay(iso: string, precision: Precision): string {
  const [year, month, day] = iso.split("-").map(Number);
  if (precision === "year") return String(year);
  return precision === "month" ? `${month}/${year}` : `${day}/${month}/${year}`;
}

interface DayField {
  element: HTMLElement;
  input: HTMLInputElement;
  show(iso: string | undefined, typed: string | undefined): void;
}

/** A field for a day. `took` hears each text: the day, or none. */
function dayField(node: Node, context: Context, took: (iso: string | undefined, typed: string) => void): DayField {
  const precision = precisionOf(node);
  const input = h("input", { type: "text", inputmode: "text", autocomplete: "off", class: "day", placeholder: context.say(`${precision === "day" ? "date" : precision}_hint`) });
  const became = h("p", { class: "became", id: newId("became"), "aria-live": "polite" });
  const buddhist = cell<number | undefined>(undefined);
  const shown = cell<string | undefined>(undefined);
  input.addEventListener("input", () => {
    const day = readDay(input.value, precision);
    buddhist.value = day?.buddhist;
    took(day?.iso, input.value);
  });
  input.addEventListener("change", () => context.touch(node));
  watch(() => {
    const iso = shown.value;
    show(became, iso !== undefined);
    if (iso === undefined) return;
    const date = longDay(iso, context);
    refill(became, buddhist.value === undefined ? context.say("date_is", { date }) : context.say("date_buddhist", { year: buddhist.value, date }));
  });
  const parts = [input, precision === "day" && !node.appearance.has("no-calendar") ? calendar(input, context, took) : undefined];
  return {
    element: h("div", {}, h("div", { class: "row" }, parts), became),
    input,
    show: (iso, typed) => {
      shown.value = iso;
      if (typed !== undefined || (iso !== undefined && readDay(input.value, precision)?.iso === iso)) return;
      input.value = iso === undefined ? "" : typedDay(iso, precision);
      buddhist.value = undefined;
    },
  };
}

/** The browser's own calendar, beside the field. */
function calendar(input: HTMLInputElement, context: Context, took: (iso: string | undefined, typed: string) => void): HTMLElement {
  const picker = h("input", { type: "date", class: "behind", tabindex: "-1", "aria-hidden": "true" });
  const button = h("button", { type: "button", "aria-label": context.say("calendar"), class: "calendar" }, "▦");
  button.addEventListener("click", () => {
    picker.value = readDay(input.value)?.iso ?? "";
    try {
      picker.showPicker();
    } catch {
      picker.focus();
    }
  });
  picker.addEventListener("change", () => {
    if (picker.value === "") return;
    input.value = "";
    took(picker.value, picker.value);
    button.focus();
  });
  return h("span", { class: "calendar-box" }, button, picker);
}

export const drawDate: Draw = (node, context, ties) => {
  const { session } = context;
  const day = dayField(node, context, (iso, typed) => {
    if (iso !== undefined) session.set(node, { date: iso });
    else if (typed.trim() === "") session.set(node, { null: true });
    else session.misfit(node, typed, "problem_date");
  });
  tie(day.input, ties);
  watch(() => {
    const answer = session.of(node);
    const value = session.shown(node);
    day.input.readOnly = node.readonly;
    day.show(answer.typed === undefined && value !== undefined && "date" in value ? value.date : undefined, answer.typed);
  });
  return day.element;
};

export const drawTime: Draw = (node, context, ties) => {
  const { session } = context;
  const input = h("input", { type: "time" });
  tie(input, ties);
  input.addEventListener("input", () => session.type(node, input.value));
  input.addEventListener("change", () => context.touch(node));
  watch(() => {
    const value = session.shown(node);
    input.readOnly = node.readonly;
    input.value = value !== undefined && "time" in value ? value.time.slice(0, 5) : "";
  });
  return input;
};

/** A moment is complete with a day and a time; it keeps the offset of this phone on that day. */
export const drawDateTime: Draw = (node, context, ties) => {
  const { session } = context;
  let day: string | undefined;
  let bad = "";
  const time = h("input", { type: "time", "aria-label": context.say("time_label"), "aria-describedby": ties.described });
  const tell = () => {
    if (bad !== "") session.misfit(node, bad, "problem_date");
    else if (day === undefined && time.value === "") session.set(node, { null: true });
    else if (day === undefined) session.misfit(node, time.value, "problem_date");
    else if (time.value === "") session.misfit(node, day, "problem_time");
    else session.type(node, `${day}T${time.value}:00.000${offsetAt(day, time.value)}`);
  };
  const field = dayField(node, context, (iso, typed) => {
    day = iso;
    bad = iso === undefined ? typed.trim() : "";
    field.show(iso, typed);
    tell();
  });
  tie(field.input, ties);
  field.input.setAttribute("aria-label", context.say("date_label"));
  time.addEventListener("input", tell);
  time.addEventListener("change", () => context.touch(node));
  watch(() => {
    const { typed } = session.of(node);
    const value = session.shown(node);
    field.input.readOnly = time.readOnly = node.readonly;
    if (typed !== undefined) return;
    const moment = value !== undefined && "datetime" in value ? value.datetime : undefined;
    day = moment?.slice(0, 10);
    field.show(day, undefined);
    time.value = moment?.slice(11, 16) ?? "";
  });
  return h("div", { class: "moment" }, field.element, time);
};
