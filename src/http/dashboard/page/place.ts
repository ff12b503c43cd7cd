import type { JobState } from "../../../core/store/store.ts";

/** What is looked at. It stands in the address behind the #, so that it can be shared, and Back leads to the one before. */
export interface Place {
  readonly view: "overview" | "jobs" | "job" | "schedules";
  /** Default: the first. */
  readonly queue?: string | undefined;
  readonly state?: JobState | undefined;
  readonly search?: string | undefined;
  readonly id?: string;
  readonly cursor?: string | undefined;
}

const fields = ["view", "queue", "state", "search", "id", "cursor"];

/** Reads a place from an address; the handler refuses one that makes no sense. */
export function readPlace(hash: string): Place {
  const given = [...new URLSearchParams(hash.slice(1))].filter(([name]) => fields.includes(name));
  return { view: "overview", ...Object.fromEntries(given) };
}

export function placeQuery(place: Place): string {
  return `${new URLSearchParams(Object.entries(place).filter(([, value]) => value))}`;
}
