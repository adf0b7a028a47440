/** The name of the type of an output object that may not be whole yet. */
export const partialName = (name: string): string => `${name}Partial`;
