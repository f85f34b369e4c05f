/**
 * Elements without markup: `h` makes one, `live` one that is made anew when a signal changes.
 * Text is always text; there is no way from here to innerHTML.
 * Not here: what the pages look like (app.css), parts that several pages have (parts.ts).
 */
import { effect } from "./signal.ts";

export type Child = Node | string | number | false | null | undefined | readonly Child[];
type Handlers = { [K in keyof HTMLElementEventMap]?: (event: HTMLElementEventMap[K]) => void };
export type Props = {
  on?: Handlers;
  /** Set as properties, all else as attributes; `false` and `undefined` leave an attribute away. */
  value?: string;
  checked?: boolean;
  disabled?: boolean;
  hidden?: boolean;
} & { [name: string]: unknown };

const PROPERTIES = new Set(["value", "checked", "disabled", "hidden"]);

export function h<K extends keyof HTMLElementTagNameMap>(tag: K, props?: Props | null, ...children: Child[]): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(props ?? {})) {
    if (name === "on") {
      for (const [event, heard] of Object.entries(value as Handlers)) element.addEventListener(event, heard as EventListener);
    } else if (PROPERTIES.has(name)) {
      Reflect.set(element, name, value);
    } else if (value !== undefined && value !== false && value !== null) {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  element.append(...nodes(children));
  return element;
}

function nodes(children: readonly Child[]): (Node | string)[] {
  return children.flatMap((child) => {
    if (child === null || child === undefined || child === false) return [];
    if (Array.isArray(child)) return nodes(child as readonly Child[]);
    return [typeof child === "number" ? String(child) : (child as Node | string)];
  });
}

/** What ends with the page that is shown. */
let ending: (() => void)[] = [];

/** Noted while a page is drawn: called when another page comes. */
export function atEnd(call: () => void): void {
  ending.push(call);
}

/** Draws a page in a scope of its own; the answer ends it. */
export function scoped<T>(draw: () => T): [T, () => void] {
  const before = ending;
  const mine: (() => void)[] = (ending = []);
  try {
    return [draw(), () => { for (const call of mine.splice(0)) call(); }];
  } finally {
    ending = before;
  }
}

/** A place whose content is drawn again when what it reads changes. It takes no room of its own in the layout. */
export function live(draw: () => Child): HTMLElement {
  const place = h("div", { class: "live" });
  let end: () => void = () => undefined;
  const stop = effect(() => {
    end();
    const [child, ends] = scoped(draw);
    end = ends;
    place.replaceChildren(...nodes([child]));
  });
  atEnd(() => {
    stop();
    end();
  });
  return place;
}
