import type { Json, Snapshot } from "../../snapshot.ts";
import type { Html } from "../dom/html.ts";
import { type Route, readRoute } from "./route.ts";

/** A field of a dialog. */
export interface Field {
  readonly name: string;
  readonly label: string;
  readonly value?: string | undefined;
  /** Several lines, for JSON. */
  readonly isLong?: boolean;
  readonly isOptional?: boolean;
  /** The only values that there are, each with its text. */
  readonly choices?: readonly (readonly [string, string])[];
  /** What it may look like. */
  readonly example?: string;
  /** Values to choose from; others can be typed. */
  readonly options?: readonly string[];
  /** Whether each change is shown in the dialog: an expression with its next occurrences. */
  readonly isPreviewed?: boolean;
}

/** What the user has filled in, by the names of the fields. */
export type Filled = Readonly<Record<string, string>>;

/** A question to the user before an action. */
export interface Question {
  readonly title: string;
  /** What it is about: a job, a group, several jobs. */
  readonly subject?: Html | undefined;
  readonly text: string;
  readonly confirm: string;
  readonly isDangerous?: boolean;
  readonly fields?: readonly Field[];
  /** Does it with what was filled in, and returns what to show. */
  act(filled: Filled): Promise<string>;
}

/** The occurrences of an expression that is being typed, or why it has none. */
export interface Preview {
  readonly words?: string | undefined;
  readonly timeZone?: string | undefined;
  readonly occurrences: readonly string[];
  readonly error?: string | undefined;
}

/** How a chart is read. */
export interface ChartReading {
  /** The part that is shown: from one index to before another one. */
  readonly zoom?: readonly [number, number] | undefined;
  /** The point that is read, as an index of that part. */
  readonly point?: number | undefined;
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
  /** The ids of selected jobs. */
  readonly selected: ReadonlySet<string>;
  /** Whether every job of the list is selected, on all pages. */
  readonly isAllSelected?: boolean;
  readonly question?: Question | undefined;
  /** Whether the keys are shown. */
  readonly isHelp?: boolean;
  readonly preview?: Preview | undefined;
  /** The error shown in the open dialog. */
  readonly refusal?: string | undefined;
  /** Whether the dialog's action is under way, and how far it is. */
  readonly isActing?: boolean;
  readonly progress?: string | undefined;
  /** How each chart is read, by the points that it shows. */
  readonly charts: Readonly<Record<string, ChartReading>>;
  /** The outcome of the last action, and when: the same outcome is announced again. */
  readonly notice?: { readonly text: string; readonly at: number; readonly isBad?: boolean } | undefined;
}

export let state: State = {
  route: readRoute(location.hash),
  seenAt: 0,
  aheadMs: 0,
  nextRefreshAt: 0,
  selected: new Set(),
  charts: {},
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
