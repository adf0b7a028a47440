/** A value loaded by a foreign key. Throws if it is gone. */
export function loaded<Value>(value: Value | null | undefined, what: string): Value {
  if (value == null) throw new Error(`${what} is gone`);
  return value;
}
