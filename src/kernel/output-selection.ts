/**
 * Which parts of a structured output are asked of the model. `true` takes a value whole; an object names its fields. A list
 * has the selection of its items; a discriminated union has one for each member, under `=` and the member's value.
 */
export type OutputSelection = true | { readonly [field: string]: OutputSelection };

/** The selection that asks for all that either asks for. */
export function mergeSelections(one: OutputSelection, other: OutputSelection): OutputSelection {
  if (one === true || other === true) return true;
  const merged: Record<string, OutputSelection> = { ...one };
  for (const [field, selection] of Object.entries(other)) {
    const known = Object.hasOwn(merged, field) ? merged[field] : undefined;
    merged[field] = known === undefined ? selection : mergeSelections(known, selection);
  }
  return merged;
}

/** Does an output of the selection `wide` hold all that `narrow` asks for? */
export function covers(wide: OutputSelection, narrow: OutputSelection): boolean {
  if (wide === true) return true;
  if (narrow === true) return false;
  return Object.entries(narrow).every(([field, selection]) => {
    const found = Object.hasOwn(wide, field) ? wide[field] : undefined;
    return found !== undefined && covers(found, selection);
  });
}

/** Dotted names of the selected leaves, in order: `verdict`, `items.name`; a member of a union as `pet=cat.name`. */
export function selectedFields(selection: OutputSelection, path = ''): string[] {
  if (selection === true) return path === '' ? [] : [path];
  return Object.entries(selection).flatMap(([field, part]) => {
    const separator = path === '' || field.startsWith('=') ? '' : '.';
    return selectedFields(part, `${path}${separator}${field}`);
  });
}
