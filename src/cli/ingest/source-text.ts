/** What a file says. */
export interface SourceText {
  text: string;
  title: string | null;
}
