import { deepStrictEqual } from "node:assert/strict";
import { type CrashFigures, type CrashSeries, crashSeries, newFigures } from "../../support/crashes.ts";
import { killInSeries, shownKills } from "../kills.ts";
import type { Figures, Part, PartRun } from "../part.ts";

const TRIALS_A_SERIES = 50;

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
export async function killTrials(run: PartRun, trials: number, kinds: Kinds): Promise<Figures> {
  const series = { file: "crash-child.ts", trials, most: TRIALS_A_SERIES };
  const total = await killInSeries(run, series, newFigures(), (each) => crashSeries({ ...each, ...kinds }));
  const { lost, doubled, unexplained, exceeded, kept, early, stepsAgain } = total;
  const broken = { lost, doubled, unexplained, exceeded, kept, early, stepsAgain };
  deepStrictEqual(broken, { lost: 0, doubled: 0, unexplained: 0, exceeded: 0, kept: 0, early: 0, stepsAgain: 0 });
  return shown(total, kinds);
}

function shown(counts: CrashFigures, { hasKeys, hasParents, hasSteps }: Kinds): Figures {
  return {
    ...shownKills(counts),
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
