import { deepStrictEqual } from "node:assert/strict";
import { buildProgram } from "../../support/child.ts";
import { type CrashFigures, type CrashSeries, crashSeries, newFigures } from "../../support/crashes.ts";
import { seededRandom } from "../../support/random.ts";
import { openStage } from "../../support/stage.ts";
import type { Figures, Part, PartRun } from "../part.ts";

const TRIALS_A_SERIES = 50;
const AT_ONCE = 2;

/** Kills draining processes, while Redis crashes and forgets its scripts. */
export const crashes: Part = {
  about: "processes killed while they drain, Redis crashing meanwhile: nothing lost, nothing twice but after its lease",
  sizes: { trials: 1_000 },
  run: (run) => killTrials(run, run.size("trials"), {}),
};

/** The same with keys of flow control. */
export const keys: Part = {
  about: "the same with keys of flow control: no limit exceeded, no slot of a key held for good",
  sizes: { kills: 300 },
  run: (run) => killTrials(run, run.size("kills"), { hasKeys: true }),
};

type Kinds = Pick<CrashSeries, "hasKeys" | "hasParents" | "hasSteps">;

/** Kills draining processes, as the part of that name. */
export async function killTrials({ seed, progress }: PartRun, trials: number, kinds: Kinds): Promise<Figures> {
  const program = await buildProgram("crash-child.ts");
  const total = newFigures();
  const series = Array.from({ length: Math.ceil(trials / TRIALS_A_SERIES) }, (_, index) => ({
    random: seededRandom(seed + index),
    trials: Math.min(TRIALS_A_SERIES, trials - index * TRIALS_A_SERIES),
  }));
  let done = 0;
  // One Redis per runner: none may crash while another runner reads it.
  const work = async () => {
    const stage = await openStage({ persist: true });
    try {
      for (let next = series.shift(); next; next = series.shift()) {
        add(total, await crashSeries({ stage, program, ...kinds, ...next, progress: () => progress(++done, trials) }));
      }
    } finally {
      await stage.close();
    }
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  } finally {
    await program.remove();
  }
  const { lost, doubled, unexplained, exceeded, kept, early, stepsAgain } = total;
  const broken = { lost, doubled, unexplained, exceeded, kept, early, stepsAgain };
  deepStrictEqual(broken, { lost: 0, doubled: 0, unexplained: 0, exceeded: 0, kept: 0, early: 0, stepsAgain: 0 });
  return shown(total, kinds);
}

function add(total: CrashFigures, { killed, ...counts }: CrashFigures): void {
  for (const [point, count] of Object.entries(killed)) total.killed[point as keyof typeof killed] += count;
  for (const [name, count] of Object.entries(counts)) total[name as keyof typeof counts] += count;
}

function shown({ killed, ...counts }: CrashFigures, { hasKeys, hasParents, hasSteps }: Kinds): Figures {
  const points = Object.entries(killed).map(([point, count]) => [`killed at ${point}`, count] as const);
  return {
    trials: counts.trials,
    ...Object.fromEntries(points),
    "ended by themselves": counts.ended,
    "crashes of Redis": counts.restarts,
    "SCRIPT FLUSH": counts.flushes,
    "jobs acknowledged": counts.acknowledged,
    "jobs of slots": counts.slots,
    "attempts begun": counts.started,
    "jobs run again after their lease": counts.repeated,
    "jobs run again while a lease held": counts.unexplained,
    "jobs lost": counts.lost,
    "jobs enqueued twice by others": counts.doubled,
    ...(hasKeys && {
      "attempts begun under a key": counts.keyed,
      "limits exceeded": counts.exceeded,
      "keys of which something was left at the end": counts.kept,
    }),
    ...(hasParents && {
      "jobs with children": counts.parents,
      "of these, started early": counts.early,
    }),
    ...(hasSteps && {
      "jobs with steps acknowledged": counts.stepped,
      "their steps run": counts.stepsRun,
      "of these, again after they were stored": counts.stepsAgain,
    }),
  };
}
