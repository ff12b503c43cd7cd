import { invalidRequest, quote } from "../../core/shared/errors.ts";
import { fnv1a } from "../../core/shared/hash.ts";
import { type Cost, sumOf, times } from "../../core/store/meter.ts";
import { isOccurrenceJobId } from "../../core/store/occurrence-id.ts";
import type { ExchangeSize, LocalFacts, NewJob } from "../../core/store/store.ts";
import type { UnreachableParts } from "./unreachable-parts.ts";

/** Mixes the lower bits of FNV-1a with its upper ones, to spread texts that differ only in their last letters. */
function hash(text: string): number {
  const value = fnv1a(text);
  return (value ^ (value >>> 16)) >>> 0;
}

/** The partition of a job. Jobs of schedules are where the schedules are. */
export function partitionOf(id: string, count: number): number {
  return isOccurrenceJobId(id) ? 0 : hash(id) % count;
}

/** The partition of all jobs of a flow control key or dedupe key. */
export function partitionOfKey(key: string, count: number): number {
  return hash(key) % count;
}

/** What a partitioned queue knows without a request: the maximum cost of its calls, and the partition of a job. */
export class PartitionedFacts implements LocalFacts {
  readonly mostOfPeek: Cost;
  readonly mustPeek = true;
  readonly refusesSignals =
    "A queue in partitions takes no signals: a signal would have to reach the jobs of all partitions in one atomic step. Use a queue without partitions for jobs that wait for signals. Steps and sleeps work.";
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
    // The first peek of a process asks each store how the queue is spread. If there are several, the very first peek
    // also creates the queue there.
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
    // At worst each is in another partition, and reads what is due next there.
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
      // With 50 tries per partition, one in e^50 fails. Then the job is only stored elsewhere.
      for (let tries = 50 * count; tries > 0 && partitionOf(id, count) !== wanted; tries--) id = newId();
      return id;
    };
  }

  idBeside(id: string, make: () => string): string {
    const count = this.#count;
    const wanted = partitionOf(id, count);
    let made = make();
    // As above. If all tries fail, the job would be searched for elsewhere, so none is made.
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
