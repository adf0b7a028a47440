export type WithoutUndefined<Input extends object> = {
  [Key in keyof Input]: Exclude<Input[Key], undefined>;
};

/** The same object without keys whose value is undefined: what `exactOptionalPropertyTypes` asks of an argument. */
export function withoutUndefined<Input extends object>(input: Input): WithoutUndefined<Input> {
  const entries = Object.entries(input).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as WithoutUndefined<Input>;
}
