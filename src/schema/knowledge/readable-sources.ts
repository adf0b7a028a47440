import type { Citation, SearchHit } from '../../kernel/run.ts';
import type { GraphQLContext } from '../context.ts';

/** A passage as a caller sees it. */
export interface PassageView extends SearchHit {
  /** Its document may not be read: nothing of it is left but its place in the list. */
  withheld?: boolean;
}

const isReadable = async (documentId: string, { loaders }: GraphQLContext): Promise<boolean> =>
  (await loaders.document.load(documentId)) !== null;

/**
 * An answer's sources as the caller may see them now: of a document that it may not read (any more), or that is gone, only
 * the place in the list is left.
 */
export const readableSources = (
  sources: readonly SearchHit[],
  context: GraphQLContext,
): Promise<PassageView[]> =>
  Promise.all(
    sources.map(async (source) =>
      (await isReadable(source.documentId, context))
        ? source
        : { ...source, ...nothing, withheld: true },
    ),
  );

const nothing = { source: '', title: null, content: '', metadata: {}, headingPath: [] };

/** A citation of a run's answer; without its words where the caller may not read the document that they stand in. */
export async function readableCitation(
  citation: Citation,
  runId: string,
  context: GraphQLContext,
): Promise<Citation> {
  const documentId = citation.documentId ?? (await citedDocument(citation, runId, context));
  const isShown = documentId !== undefined && (await isReadable(documentId, context));
  return isShown ? citation : { ...citation, citedText: '' };
}

/** Of a citation that an older release stored. */
async function citedDocument(
  { sourceIndex }: Citation,
  runId: string,
  { loaders }: GraphQLContext,
): Promise<string | undefined> {
  const events = await loaders.eventsOfRun.load(runId);
  const found = events.find((event) => event.type === 'SourcesFound');
  return found?.type === 'SourcesFound' ? found.sources[sourceIndex]?.documentId : undefined;
}
