import type { Json, Snapshot } from "../../snapshot.ts";
import { type Route, readRoute } from "./route.ts";

/** What the page asks before it does something. */
export interface Question {
  readonly title: string;
  readonly text: string;
  readonly confirm: string;
  readonly isDangerous?: boolean;
  /** A payload to edit on the way, as JSON. */
  readonly payload?: string;
  /** Does it, with what became of the payload, and tells what was done. */
  act(payload: string): Promise<string>;
}

export interface State {
  readonly route: Route;
  /** What was seen last of the queue; without the contents of a view that was left. */
  readonly snapshot?: Json<Snapshot> | undefined;
  /** When it was seen, by the clock of the browser (ms), and how far that of the queue is ahead of it. */
  readonly seenAt: number;
  readonly aheadMs: number;
  readonly nextRefreshAt: number;
  /** Why the last refresh failed, and since when looks do; ms by the clock of the browser. */
  readonly failure?: { readonly message: string; readonly since: number; readonly isLasting: boolean } | undefined;
  /** True where a token must be asked for. */
  readonly isSignedOut?: boolean;
  /** The ids of dead jobs. */
  readonly selected: ReadonlySet<string>;
  /** Whether all that the list would show on all its pages are selected. */
  readonly isAllSelected?: boolean;
  readonly question?: Question | undefined;
  /** What went wrong in the dialog that is open. */
  readonly refusal?: string | undefined;
  /** Whether what the dialog asks for is being done. */
  readonly isActing?: boolean;
  /** What became of the last action, and when: to do the same again shall be told again. */
  readonly notice?: { readonly text: string; readonly at: number; readonly isBad?: boolean } | undefined;
}

export let state: State = {
  route: readRoute(location.hash),
  seenAt: 0,
  aheadMs: 0,
  nextRefreshAt: 0,
  selected: new Set(),
  refusal: document.body.dataset["refused"],
};

let show: () => void;

/** Calls `listener` after each change. */
export function onChange(listener: () => void): void {
  show = listener;
}

export function change(part: Partial<State>): void {
  state = { ...state, ...part };
  show();
}

/** The time of the queue, in ms. */
export const queueNow = (): number => Date.now() + state.aheadMs;
