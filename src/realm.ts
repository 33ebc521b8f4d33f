/**
 * What a value is, also if it comes from another realm (a `vm` context, a frame, Jest), where `instanceof` says no: `Date`,
 * `ArrayBuffer`, `Float32Array`, `URL`.
 */
export function isOf<T extends keyof BuiltIns>(value: unknown, name: T): value is BuiltIns[T] {
  return Object.prototype.toString.call(value) === `[object ${name}]`;
}

interface BuiltIns {
  readonly ArrayBuffer: ArrayBuffer;
  readonly SharedArrayBuffer: SharedArrayBuffer;
  readonly Date: Date;
  readonly URL: URL;
  readonly Uint8Array: Uint8Array;
  readonly Float32Array: Float32Array;
  readonly Float64Array: Float64Array;
}

/** Whether a value is a plain object of any realm: `{…}`, or one without a prototype. */
export function isPlainObject(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
