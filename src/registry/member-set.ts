/** A set of version numbers as bits, one byte for eight versions, so that it stays small with thousands of them. Never changed in place. */
export type MemberSet = Uint8Array;

/** Whether `member` is in the set. */
export function hasMember(set: MemberSet, member: number): boolean {
  return ((set[member >> 3] ?? 0) & (1 << (member & 7))) !== 0;
}

/** The set with `member` in it or not. */
export function withMember(set: MemberSet, member: number, present: boolean): MemberSet {
  if (hasMember(set, member) === present) return set;
  const next = new Uint8Array(Math.max(set.length, (member >> 3) + 1));
  next.set(set);
  next[member >> 3]! ^= 1 << (member & 7);
  return next;
}
