/**
 * Values that tell when they change, and what is redrawn then.
 * Not here: elements (dom.ts).
 */
type Run = () => void;
let active: { run: Run; of: Set<Set<Run>> } | undefined;

export interface Signal<T> {
  value: T;
  /** Without hearing of changes. */
  peek(): T;
}

export function signal<T>(first: T): Signal<T> {
  const heard = new Set<Run>();
  let value = first;
  return {
    get value() {
      if (active) active.of.add(heard.add(active.run));
      return value;
    },
    set value(next) {
      if (next === value) return;
      value = next;
      for (const run of [...heard]) run();
    },
    peek: () => value,
  };
}

/** Runs now, and again whenever a signal that it read has changed; until it is ended. */
export function effect(work: () => void): () => void {
  const of = new Set<Set<Run>>();
  const forget = () => {
    for (const heard of of) heard.delete(run);
    of.clear();
  };
  const run = () => {
    forget();
    const before = active;
    active = { run, of };
    try {
      work();
    } finally {
      active = before;
    }
  };
  run();
  return forget;
}
