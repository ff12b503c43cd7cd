import { invalidRequest, quote } from "../../core/shared/errors.ts";
import { fnv1a } from "../../core/shared/hash.ts";
import { type Cost, sumOf, times } from "../../core/store/meter.ts";
import { isOccurrenceJobId } from "../../core/store/occurrence-id.ts";
import type { ExchangeSize, LocalFacts, NewJob } from "../../core/store/store.ts";
import type { UnreachableParts } from "./unreachable-parts.ts";

/** Spreads texts that differ in their last letters alone: the lower bits of FNV-1a are mixed with its upper ones. */
function hash(text: string): number {
  const value = fnv1a(text);
  return (value ^ (value >>> 16)) >>> 0;
}

/** Which of this many partitions a job is in. Jobs of schedules are where the schedules are. */
export function partitionOf(id: string, count: number): number {
  return isOccurrenceJobId(id) ? 0 : hash(id) % count;
}

/** Which partition all jobs of a flow control key or dedupe key are in. */
export function partitionOfKey(key: string, count: number): number {
  return hash(key) % count;
}

/** What a partitioned queue knows without a request: the maximum cost of its calls, and the partition of a job. */
export class PartitionedFacts implements LocalFacts {
  readonly mostOfPeek: Cost;
  readonly mustPeek = true;
  readonly keepsConnection: boolean;
  readonly mostOfPartitions: Cost;
  /** One partition of each store. */
  readonly #parts: readonly LocalFacts[];
  readonly #count: number;
  readonly #unreachable: UnreachableParts;

  constructor(parts: readonly LocalFacts[], count: number, unreachable: UnreachableParts) {
    this.#parts = parts;
    this.#count = count;
    this.#unreachable = unreachable;
    this.keepsConnection = parts.some(({ keepsConnection }) => keepsConnection);
    this.mostOfPartitions = this.#most((part) => part.mostOfPartitions);
    // The first peek of a process asks each store how the queue is spread. The very first one creates it there, if
    // there are several.
    const checks = parts.length > 1 ? 2 * parts.length : 1;
    const peeks = this.#most((part) => part.mostOfPeek);
    this.mostOfPeek = sumOf(times(peeks, count + 1), times(this.mostOfPartitions, checks));
  }

  /** The most that something costs in one partition, in any store. */
  #most(costOf: (part: LocalFacts) => Cost): Cost {
    return this.#parts.map(costOf).reduce((one, other) => ({
      roundTrips: Math.max(one.roundTrips, other.roundTrips),
      commands: Math.max(one.commands, other.commands),
    }));
  }

  mostOfExchange({
    settles = 0,
    followUps = 0,
    fires = 0,
    firedJobs = 0,
    claims = 0,
    hasKeys = false,
  }: ExchangeSize): Cost {
    const inParts = (parts: number, size: ExchangeSize) =>
      times(
        this.#most((part) => part.mostOfExchange({ ...size, hasKeys })),
        parts,
      );
    // Each in another partition, at worst: and each of these partitions also reads what is due next there.
    const settling = inParts(Math.min(settles, this.#count), { settles, followUps });
    const firing = inParts(Math.min(fires, 1), { fires, firedJobs });
    const claiming = inParts(1, { claims });
    const { roundTrips, commands } = [settling, firing, claiming].reduce(sumOf);
    return { roundTrips: Math.min(roundTrips, this.#count), commands };
  }

  mostOfExtend(leases: number): Cost {
    return times(
      this.#most((part) => part.mostOfExtend(leases)),
      Math.min(leases, this.#count),
    );
  }

  mostOfDeclare(schedules: number): Cost {
    return this.#most((part) => part.mostOfDeclare(schedules));
  }

  idSource(newId: () => string): (key?: string) => string {
    const count = this.#count;
    const all = Array.from({ length: count }, (_, part) => part);
    const reachable = all.filter((part) => !this.#unreachable.isAvoided(part));
    const open = reachable.length > 0 ? reachable : all;
    const target = open[Math.floor(Math.random() * open.length)] ?? 0;
    return (key) => {
      const wanted = key === undefined ? target : partitionOfKey(key, count);
      let id = newId();
      // A few tries per partition: the chance of failing 50 times is one in e^50, and then the id is merely stored
      // elsewhere.
      for (let tries = 50 * count; tries > 0 && partitionOf(id, count) !== wanted; tries--) id = newId();
      return id;
    };
  }

  idBeside(id: string, make: () => string): string {
    const count = this.#count;
    const wanted = partitionOf(id, count);
    let made = make();
    // As above. If chance fails, no job is made: it would be searched for elsewhere.
    for (let tries = 50 * count; tries > 0 && partitionOf(made, count) !== wanted; tries--) made = make();
    return made;
  }

  partitionOf({ id, isFreshId, dedupe, flow }: Omit<NewJob, "record">): number {
    if (dedupe && !isFreshId)
      throw invalidRequest("A partitioned queue takes dedupe only for jobs without an id of their own.");
    const index = partitionOf(id, this.#count);
    if (flow && index !== partitionOfKey(flow.key, this.#count))
      throw invalidRequest(
        `The id ${quote(id)} lies in another partition than the flow control key ${quote(flow.key)}, whose jobs are all in one. Leave out the id, choose another key, or open the queue without partitions.`,
      );
    return index;
  }
}
