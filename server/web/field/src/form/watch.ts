// Redrawing what changed: state whose reads are noted, and runs that happen again when what they read has changed.
//
// Not here: any state of a form. The engine's state comes through `watched` too (engine.ts).

interface Run {
  go(): void;
  sources: Set<Set<Run>>;
  inner: (() => void)[];
}

/** Whose reads are noted. */
let active: Run | null = null;
/** With whom the runs end that begin now. */
let owner: (() => void)[] | null = null;
const waiting = new Set<Run>();
let scheduled = false;

function note(readers: Set<Run>): void {
  if (active === null) return;
  readers.add(active);
  active.sources.add(readers);
}

function wake(readers: Set<Run> | undefined): void {
  if (readers === undefined || readers.size === 0) return;
  for (const run of readers) waiting.add(run);
  if (scheduled) return;
  scheduled = true;
  queueMicrotask(settle);
}

/** Runs everything that waits, now. */
export function settle(): void {
  scheduled = false;
  // A run that keeps waking itself is a mistake of ours; it must not freeze the phone.
  for (let round = 0; waiting.size > 0 && round < 100; round++) {
    const now = [...waiting];
    waiting.clear();
    for (const run of now) run.go();
  }
  waiting.clear();
}

/** The same object, with its reads noted and its changes told. */
export function watched<T extends object>(state: T): T {
  const readers = new Map<PropertyKey, Set<Run>>();
  return new Proxy(state, {
    get(target, name, self) {
      if (active !== null) {
        let known = readers.get(name);
        if (known === undefined) readers.set(name, (known = new Set()));
        note(known);
      }
      return Reflect.get(target, name, self);
    },
    set(target, name, value, self) {
      const before = Reflect.get(target, name, self);
      const done = Reflect.set(target, name, value, self);
      if (!Object.is(before, value)) wake(readers.get(name));
      return done;
    },
  });
}

/** One value that may change. */
export interface Cell<T> {
  value: T;
}

export function cell<T>(value: T): Cell<T> {
  return watched({ value });
}

function forget(run: Run): void {
  for (const readers of run.sources) readers.delete(run);
  run.sources.clear();
  for (const end of run.inner.splice(0)) end();
  waiting.delete(run);
}

/** Does `what` now, and again whenever something that it read has changed. What it returns ends it; so does the run around it. */
export function watch(what: () => void): () => void {
  let over = false;
  const run: Run = {
    sources: new Set(),
    inner: [],
    go() {
      if (over) return;
      forget(run);
      const outer = [active, owner] as const;
      [active, owner] = [run, run.inner];
      try {
        what();
      } finally {
        [active, owner] = outer;
      }
    },
  };
  const end = () => {
    over = true;
    forget(run);
  };
  owner?.push(end);
  run.go();
  return end;
}

/** Does `end` when the run around it ends or happens again. */
export function atEnd(end: () => void): void {
  owner?.push(end);
}

/** Does `what` apart from the run around it: what begins in it lives until the returned function is called. */
export function apart(what: () => void): () => void {
  const ends: (() => void)[] = [];
  const outer = [active, owner] as const;
  [active, owner] = [null, ends];
  try {
    what();
  } finally {
    [active, owner] = outer;
  }
  return () => {
    for (const end of ends.splice(0)) end();
  };
}

/** Reads without being told of changes. What begins in it still ends with the run around it. */
export function unwatched<T>(read: () => T): T {
  const outer = active;
  active = null;
  try {
    return read();
  } finally {
    active = outer;
  }
}
