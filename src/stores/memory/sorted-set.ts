export type Entry = readonly [member: string, score: number];

/** Members in the order of their scores, and of themselves where scores are equal: what a Redis sorted set is. */
export class SortedSet {
  readonly #scores = new Map<string, number>();
  readonly #members: string[] = [];

  get size(): number {
    return this.#members.length;
  }

  score(member: string): number | undefined {
    return this.#scores.get(member);
  }

  set(member: string, score: number): void {
    this.delete(member);
    this.#members.splice(this.countBefore(score, member), 0, member);
    this.#scores.set(member, score);
  }

  delete(member: string): boolean {
    const score = this.#scores.get(member);
    if (score === undefined) return false;
    this.#members.splice(this.countBefore(score, member), 1);
    return this.#scores.delete(member);
  }

  first(count: number): readonly Entry[] {
    return this.#members.slice(0, count).map((_, index) => this.#at(index));
  }

  *from(index: number): Generator<Entry> {
    for (let i = Math.max(index, 0); i < this.#members.length; i++) yield this.#at(i);
  }

  *downFrom(index: number): Generator<Entry> {
    for (let i = Math.min(index, this.#members.length - 1); i >= 0; i--) yield this.#at(i);
  }

  #at(index: number): Entry {
    const member = this.#members[index] as string;
    return [member, this.#scores.get(member) as number];
  }

  /** How many come before a member with this score, whether it is in the set or not. */
  countBefore(score: number, member = ""): number {
    let low = 0;
    let high = this.#members.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const [other, otherScore] = this.#at(middle);
      if (otherScore < score || (otherScore === score && other < member)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
