import { buildProgram } from "../support/child.ts";
import type { Series } from "../support/kills.ts";
import { seededRandom } from "../support/random.ts";
import { openStage } from "../support/stage.ts";
import type { Figures, PartRun } from "./part.ts";

const AT_ONCE = 2;

/** What a series counts. */
interface Counts {
  readonly trials: number;
  readonly killed: Readonly<Record<string, number>>;
  readonly ended: number;
  readonly restarts: number;
  readonly flushes: number;
}

/**
 * Kills processes of a program in series of trials, two at a time, and adds up what the series count.
 *
 * @param file the program, beside those in `test/support`.
 * @param most how many trials a series has.
 */
export async function killInSeries<Found extends Counts>(
  { seed, progress }: PartRun,
  { file, trials, most }: { readonly file: string; readonly trials: number; readonly most: number },
  total: Found,
  run: (series: Series) => Promise<Found>,
): Promise<Found> {
  const program = await buildProgram(file);
  const left = Array.from({ length: Math.ceil(trials / most) }, (_, index) => ({
    random: seededRandom(seed + index),
    trials: Math.min(most, trials - index * most),
  }));
  let done = 0;
  // One Redis per runner: none may crash while another runner reads it.
  const work = async () => {
    const stage = await openStage({ persist: true });
    try {
      for (let next = left.shift(); next; next = left.shift())
        add(total, await run({ stage, program, ...next, progress: () => progress(++done, trials) }));
    } finally {
      await stage.close();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work)).finally(program.remove);
  return total;
}

/** Adds numbers to those of the same names, also within `killed`. */
function add(total: object, more: object): void {
  const sums = total as Record<string, number | object>;
  for (const [name, count] of Object.entries(more)) {
    const sum = sums[name];
    if (typeof sum === "object") add(sum, count);
    else sums[name] = (sum ?? 0) + count;
  }
}

/** What each part that kills shows first. */
export function shownKills({ trials, killed, ended, restarts, flushes }: Counts): Figures {
  const points = Object.entries(killed).map(([point, count]) => [`killed at ${point}`, count] as const);
  return {
    trials,
    ...Object.fromEntries(points),
    "ended by themselves": ended,
    "crashes of Redis": restarts,
    "SCRIPT FLUSH": flushes,
  };
}
