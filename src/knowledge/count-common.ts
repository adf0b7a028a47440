/** How many members two sets have in common. */
export function countCommon<Member>(a: ReadonlySet<Member>, b: ReadonlySet<Member>): number {
  const [small, large] = a.size < b.size ? [a, b] : [b, a];
  let common = 0;
  for (const member of small) if (large.has(member)) common += 1;
  return common;
}
