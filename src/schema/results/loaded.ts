/** What was loaded by a reference that the database keeps whole; throws should it be gone after all. */
export function loaded<Value>(value: Value | null | undefined, what: string): Value {
  if (value == null) throw new Error(`${what} is gone`);
  return value;
}
