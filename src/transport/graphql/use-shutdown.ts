import { type DocumentNode, getOperationAST, Kind, OperationTypeNode } from 'graphql';
import type { Plugin } from 'graphql-yoga';
import type { Admission } from '../http/admission.ts';

/** What a client needs of a server that stops: to follow what is in flight, and to cancel it. */
const allowedWhileStopping: readonly string[] = ['cancelRun', 'runEvents'];

/** Does the operation begin anything? Queries do not; a root fragment is not looked into. */
function beginsWork(document: DocumentNode, operationName: string | null | undefined): boolean {
  const operation = getOperationAST(document, operationName);
  if (!operation || operation.operation === OperationTypeNode.QUERY) return false;
  return !operation.selectionSet.selections.every(
    (selection) =>
      selection.kind === Kind.FIELD && allowedWhileStopping.includes(selection.name.value),
  );
}

/** Yoga plugin: a server that stops refuses what would begin work, before it is executed. */
export function useShutdown(
  admission: Pick<Admission, 'stopping' | 'beginWork'>,
): Plugin<{ params?: { operationName?: string | null } }> {
  return {
    onParse({ context }) {
      if (!admission.stopping()) return undefined;
      return ({ result }) => {
        if (result && 'kind' in result && beginsWork(result, context.params?.operationName)) {
          admission.beginWork();
        }
      };
    },
  };
}
