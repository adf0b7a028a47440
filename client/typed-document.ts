/** An operation with its types, as GraphQL Code Generator makes it: a `DocumentNode`, a `TypedDocumentString`, or a plain string. */
export type TypedDocument<Data, Variables> = (
  | string
  | { readonly kind: 'Document'; readonly definitions: readonly unknown[] }
  | { toString(): string }
) & {
  /** Never there at run time: TypeScript reads the types from it (as `@graphql-typed-document-node/core` has it). */
  __apiType?: ((variables: Variables) => Data) | undefined;
};

/** What the operation's one root field gives. */
export type RootOf<Data> = Data extends object
  ? NonNullable<Data[Exclude<keyof Data, '__typename'>]>
  : unknown;

/** Variables may be left out when the operation has none, or only optional ones. */
export type VariablesArgument<Variables> =
  Record<string, never> extends Variables ? Variables | undefined : Variables;
