import { setTimeout as wait } from "node:timers/promises";
import type { Child, Program } from "./child.ts";
import type { Stage } from "./stage.ts";

/** Trials with one queue: in each, a process is started that `dying.ts` may let die. */
export interface Series {
  readonly stage: Stage;
  readonly program: Program;
  readonly trials: number;
  readonly random: () => number;
  readonly progress?: (done: number) => void;
}

/** What a process gets whose clock is so far ahead, and that dies when it passes a point so often. */
export function variables({ shim }: Stage, prefix: string, ahead: number, dieAt = "", dieOn = 0) {
  return {
    ...{ STORE_URL: shim.url, STORE_TOKEN: shim.token, STORE_PREFIX: prefix },
    ...{ AHEAD_MS: String(ahead), DIE_AT: dieAt, DIE_ON: String(dieOn) },
  };
}

/** Kills a process soon after it has begun. */
export async function killAtAnyMoment(child: Child, random: () => number): Promise<void> {
  await child.says(/ready/).catch(() => {});
  await wait(random() * 25);
  child.process.kill("SIGKILL");
}

/** How many processes were killed at each point: none. */
export function noneAt<Point extends string>(points: readonly Point[]): Record<Point, number> {
  return Object.fromEntries(points.map((point) => [point, 0])) as Record<Point, number>;
}
