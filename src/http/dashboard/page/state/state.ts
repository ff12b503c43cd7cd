import type { Json, Snapshot } from "../../snapshot.ts";
import { type Route, readRoute } from "./route.ts";

/** A question to the user before an action. */
export interface Question {
  readonly title: string;
  readonly text: string;
  readonly confirm: string;
  readonly isDangerous?: boolean;
  /** A payload that the user can edit first, as JSON. */
  readonly payload?: string;
  /** Does it with the edited payload, and returns what to show. */
  act(payload: string): Promise<string>;
}

export interface State {
  readonly route: Route;
  /** The last data loaded. It lacks the contents of a view that the user has left. */
  readonly snapshot?: Json<Snapshot> | undefined;
  /** When the data was loaded, in ms by the browser's clock, and how far the queue's clock is ahead. */
  readonly seenAt: number;
  readonly aheadMs: number;
  readonly nextRefreshAt: number;
  /** Why the last refresh failed, and since when refreshes fail, in ms by the browser's clock. */
  readonly failure?: { readonly message: string; readonly since: number; readonly isLasting: boolean } | undefined;
  /** True if the user must sign in. */
  readonly isSignedOut?: boolean;
  /** The ids of selected dead jobs. */
  readonly selected: ReadonlySet<string>;
  /** Whether every job of the list is selected, on all pages. */
  readonly isAllSelected?: boolean;
  readonly question?: Question | undefined;
  /** The error shown in the open dialog. */
  readonly refusal?: string | undefined;
  /** Whether the dialog's action is under way. */
  readonly isActing?: boolean;
  /** The outcome of the last action, and when: the same outcome is announced again. */
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

/** The current time by the queue's clock, in ms. */
export const queueNow = (): number => Date.now() + state.aheadMs;
