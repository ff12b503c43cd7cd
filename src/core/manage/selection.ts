import { idText, nameText } from "../job/options.ts";
import type { Duration, PointInTime } from "../shared/duration.ts";
import { MOST_AT_ONCE } from "../shared/limits.ts";
import { described, type Fields, list, object, oneBy, since, time, word, yes } from "../shared/schema.ts";
import { groupText } from "./failures.ts";

/** One of these ways to select jobs, and no other. */
export type OneOf<Ways> = {
  readonly [Way in keyof Ways]: { readonly [Chosen in Way]: Ways[Chosen] } & {
    readonly [Other in Exclude<keyof Ways, Way>]?: undefined;
  };
}[keyof Ways];

/** Selects dead jobs: these ids, all of one name, all of one group of failures (see `getFailures`), or all. */
export type DeadSelection = Period &
  (
    | OneOf<{ ids: readonly string[]; name: string; group: string; all: true }>
    | { readonly group: string; readonly name: string; readonly ids?: undefined; readonly all?: undefined }
  );

/** Limits of a selection of dead jobs. */
export interface Period {
  /** Only jobs that died since this time, or in this time. Default: all. */
  readonly since?: PointInTime | Duration | undefined;
  /** Leaves out jobs that died after this time: what you have counted is then what you change. Default: none. */
  readonly before?: PointInTime | undefined;
}

export const pendingStates = ["scheduled", "ready"] as const;

/** The states of a job that waits. */
export type PendingState = (typeof pendingStates)[number];

/** Selects waiting jobs: these ids, all of one name, or all. Without a `state`, scheduled and ready ones. */
export type PendingSelection = OneOf<{ ids: readonly string[]; name: string; all: true }> &
  ({ readonly ids?: undefined; readonly state?: PendingState | undefined } | { readonly state?: undefined });

const ids = list(idText, MOST_AT_ONCE);

export const period = {
  since: described(since, "Only jobs that died since: a time that has passed, or how long ago. Default: all."),
  before: described(time, "Leaves out jobs that died after this time. Default: none."),
};

/** A selection of dead jobs. @param more further fields of a request. @param paged those of several calls. */
export const deadSelection = <const More extends Fields, const Paged extends Fields>(more: More, paged: Paged) =>
  oneBy({
    ids: object({ ids, ...period, ...more }, ["ids"]),
    name: object({ name: nameText, ...period, ...more, ...paged }, ["name"]),
    group: object({ group: groupText, name: nameText, ...period, ...more, ...paged }, ["group"]),
    all: object({ all: yes, ...period, ...more, ...paged }, ["all"]),
  });

/** A selection of waiting jobs. @param more further fields of a request. @param paged those of several calls. */
export const pendingSelection = <const More extends Fields, const Paged extends Fields>(more: More, paged: Paged) => {
  const state = word(pendingStates);
  return oneBy({
    ids: object({ ids, ...more }, ["ids"]),
    name: object({ name: nameText, state, ...more, ...paged }, ["name"]),
    all: object({ all: yes, state, ...more, ...paged }, ["all"]),
  });
};
