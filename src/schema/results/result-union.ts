import type { ErrorCode } from '../../kernel/errors.ts';
import type { Builder } from '../builder.ts';
import type { TypeMap } from '../type-map.ts';
import { ErrorData, errorTypeName } from './error-data.ts';

type ObjectName = keyof TypeMap['Objects'] & string;

interface ResultUnionOptions<Success extends ObjectName, Code extends ErrorCode> {
  /** The types of success, and the errors that can happen. */
  types: readonly Success[];
  codes: readonly Code[];
  /** Default: the types of success, or an error. */
  description?: string;
  /** Which of several types of success the value is; the only one when left out. */
  successType?: (value: TypeMap['Objects'][Success]) => string;
}

/** Declares the result of a field: a type of success, or one of the errors as data. */
export function resultUnion<Success extends ObjectName, Code extends ErrorCode>(
  builder: Builder,
  name: string,
  options: ResultUnionOptions<Success, Code>,
) {
  const { types, codes, successType = () => types[0] as string } = options;
  const { description = `${types.join(', ')}, or an error that a caller can act on.` } = options;
  const members = [...types, ...codes.map((code) => errorTypeName(code))];
  return builder.unionType(name, {
    description,
    types: members,
    resolveType: (value) =>
      value instanceof ErrorData
        ? errorTypeName(value.code)
        : successType(value as TypeMap['Objects'][Success]),
  });
}
