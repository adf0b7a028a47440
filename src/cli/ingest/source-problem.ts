/** Why a file cannot be ingested, as the end of a sentence that begins with its name. */
export class SourceProblem extends Error {
  override name = 'SourceProblem';
}
