/** The parameters of one SQL statement: `of(value)` takes a value in and returns its placeholder. */
export class SqlValues {
  readonly values: unknown[] = [];

  of(value: unknown): string {
    return `$${this.values.push(value)}`;
  }
}
