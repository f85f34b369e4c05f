/* tslint:disable */
/* eslint-disable */

/**
 * One profile in memory.
 */
export class Face {
    free(): void;
    [Symbol.dispose](): void;
    /**
     * Answers `verify`: 1 for each signature that holds, in its order.
     */
    answer(verdicts: Uint8Array | number[]): void;
    /**
     * The body of the request that the last step made.
     */
    body(): Uint8Array;
    /**
     * The values of those rows with their briefs, one behind the other: each with its length before it, four bytes,
     * little-endian.
     */
    changed(): Uint8Array;
    /**
     * The names of the rows that the last step changed: `[[table, key, is there], …]`.
     */
    changes(): string;
    /**
     * The changes are durable.
     */
    commit(): void;
    /**
     * Takes the brief of a record.
     */
    loadBrief(key: string, brief: Uint8Array | number[]): void;
    /**
     * Takes a row as it was kept; false if it does not read.
     */
    load(table: string, key: string, value: Uint8Array | number[]): boolean;
    /**
     * Nothing is loaded yet.
     */
    constructor();
    /**
     * They are not: nothing of the step counts.
     */
    rollback(): void;
    /**
     * Runs a step; the outcome is `{"ok":…}`, `{"missing":[…]}`, `{"verify":[…]}` or `{"refused":{…}}`.
     */
    step(step: string, body: Uint8Array | number[]): string;
}

/**
 * A file of shared vectors, made again from what stands in it; what does not read says why, beginning with `!`.
 */
export function vector(name: string, text: string): string;

export type InitInput = RequestInfo | URL | Response | BufferSource | WebAssembly.Module;

export interface InitOutput {
    readonly memory: WebAssembly.Memory;
    readonly __wbg_face_free: (a: number, b: number) => void;
    readonly face_answer: (a: number, b: number, c: number) => void;
    readonly face_body: (a: number) => [number, number];
    readonly face_changed: (a: number) => [number, number];
    readonly face_changes: (a: number) => [number, number];
    readonly face_commit: (a: number) => void;
    readonly face_load: (a: number, b: number, c: number, d: number, e: number, f: number, g: number) => number;
    readonly face_loadBrief: (a: number, b: number, c: number, d: number, e: number) => void;
    readonly face_new: () => number;
    readonly face_rollback: (a: number) => void;
    readonly face_step: (a: number, b: number, c: number, d: number, e: number) => [number, number];
    readonly vector: (a: number, b: number, c: number, d: number) => [number, number];
    readonly __wbindgen_externrefs: WebAssembly.Table;
    readonly __wbindgen_malloc: (a: number, b: number) => number;
    readonly __wbindgen_free: (a: number, b: number, c: number) => void;
    readonly __wbindgen_realloc: (a: number, b: number, c: number, d: number) => number;
    readonly __wbindgen_start: () => void;
}

export type SyncInitInput = BufferSource | WebAssembly.Module;

/**
 * Instantiates the given `module`, which can either be bytes or
 * a precompiled `WebAssembly.Module`.
 *
 * @param {{ module: SyncInitInput }} module - Passing `SyncInitInput` directly is deprecated.
 *
 * @returns {InitOutput}
 */
export function initSync(module: { module: SyncInitInput } | SyncInitInput): InitOutput;

/**
 * If `module_or_path` is {RequestInfo} or {URL}, makes a request and
 * for everything else, calls `WebAssembly.instantiate` directly.
 *
 * @param {{ module_or_path: InitInput | Promise<InitInput> }} module_or_path - Passing `InitInput` directly is deprecated.
 *
 * @returns {Promise<InitOutput>}
 */
export default function __wbg_init (module_or_path: { module_or_path: InitInput | Promise<InitInput> } | InitInput | Promise<InitInput>): Promise<InitOutput>;
