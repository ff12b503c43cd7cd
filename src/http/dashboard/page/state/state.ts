import type { QueueStats } from "../../../../core/manage/stats.ts";
import type { JobState } from "../../../../core/store/store.ts";
import type { Json, Snapshot } from "../../snapshot.ts";
import type { Html } from "../dom/html.ts";
import { type Route, readRoute } from "./route.ts";

export interface Field {
  readonly name: string;
  readonly label: string;
  readonly value?: string | undefined;
  /** Whether it has several lines, for JSON. */
  readonly isLong?: boolean;
  readonly isOptional?: boolean;
  /** All possible values, each with its text. */
  readonly choices?: readonly (readonly [string, string])[];
  readonly example?: string;
  /** Suggested values. */
  readonly options?: readonly string[];
  /** Whether the dialog shows the next occurrences after each change. */
  readonly isPreviewed?: boolean;
}

/** What the user has typed, by the names of the fields. */
export type Filled = Readonly<Record<string, string>>;

/** A text, or one that follows what is chosen in the fields with choices. */
export type ChosenText = string | ((chosen: Filled) => string);

export interface Question {
  readonly title: ChosenText;
  /** Its queue, if that is not the one on screen. */
  readonly queue?: string | undefined;
  /** The job, group or jobs that it is about. */
  readonly subject?: Html | undefined;
  readonly text: ChosenText;
  readonly confirm: ChosenText;
  readonly isDangerous?: boolean;
  readonly fields?: readonly Field[];
  /** Where to see what became of it. The notice with this link stays until the user closes it. */
  readonly leadsTo?: (() => Html) | false | undefined;
  /** The id of the job on screen, if nothing is left of it then: there is nothing to load. */
  readonly removes?: string | undefined;
  /** Acts, and returns what to show. */
  act(filled: Filled): Promise<string>;
}

/** The occurrences of an expression that the user is typing, or why it has none. */
export interface Preview {
  readonly words?: string | undefined;
  readonly timeZone?: string | undefined;
  readonly occurrences: readonly string[];
  readonly error?: string | undefined;
}

export interface State {
  readonly route: Route;
  /** The last data loaded. It lacks the contents of a view that the user has left. */
  readonly snapshot?: Json<Snapshot> | undefined;
  /** When the contents of the view were loaded, in ms by the browser's clock. */
  readonly seenAt: number;
  /** How far the queue's clock is ahead of the browser's. */
  readonly aheadMs: number;
  readonly nextRefreshAt: number;
  /** Why the last refresh failed. */
  readonly failure?:
    | {
        readonly message: string;
        readonly isLasting: boolean;
        /** Whether the request is still under way. */
        readonly isSlow?: boolean;
        /** What the URL names that does not exist. */
        readonly nowhere?: string | undefined;
      }
    | undefined;
  readonly isSignedOut?: boolean;
  /** Whether the data of this view is on its way for the first time. */
  readonly isLoading?: boolean;
  /** What a search has found while it goes on, and how long its first request took. */
  readonly searching?: Json<Snapshot>["jobs"];
  /** Why the search stopped, and what it had found. */
  readonly stopped?: { readonly at: Json<Snapshot>["jobs"]; readonly message: string } | undefined;
  readonly tookMs?: number;
  readonly selected: ReadonlySet<string>;
  /** Their queue: a selection is of one. */
  readonly selectedIn?: string | undefined;
  /** Whether every job of the list is selected, on all pages. */
  readonly isAllSelected?: boolean;
  readonly question?: Question | undefined;
  /** What is chosen in its fields with choices, by their names. */
  readonly chosen?: Filled | undefined;
  readonly isHelp?: boolean;
  readonly preview?: Preview | undefined;
  /** The error in the open dialog. */
  readonly refusal?: string | undefined;
  /** What the user has just copied of the job on screen. */
  readonly copied?: string | undefined;
  readonly isActing?: boolean;
  readonly progress?: string | undefined;
  /** How much of the work is done, up to 1. */
  readonly share?: number | undefined;
  /** The index of the point whose values a legend shows, by the name of the points. */
  readonly charts: Readonly<Record<string, number>>;
  /** The outcome of the last action. The time makes the same outcome a new one. */
  readonly notice?:
    | { readonly text: string; readonly at: number; readonly isBad?: boolean; readonly leadsTo?: Html | undefined }
    | undefined;
}

/** What the URL says now. */
export const routeNow = (): Route => readRoute(location.hash, document.body.dataset["start"] !== undefined);

export let state: State = {
  route: routeNow(),
  seenAt: 0,
  aheadMs: 0,
  nextRefreshAt: 0,
  isLoading: true,
  selected: new Set(),
  charts: {},
  refusal: document.body.dataset["refused"],
};

let show: () => void;

export function onChange(listener: () => void): void {
  show = listener;
}

export function change(part: Partial<State>): void {
  state = { ...state, ...part };
  show();
}

export const countOf = (
  stats: Pick<QueueStats, "deadLetterCount" | `${Exclude<JobState, "dead">}Count`>,
  of: JobState,
): number => (of === "dead" ? stats.deadLetterCount : stats[`${of}Count`]);

/** The current time by the queue's clock, in ms. */
export const queueNow = (): number => Date.now() + state.aheadMs;

/** What buttons, boxes and forms do. An element names it in `data-click` and the like; actions/index.ts does it. */
export type ActionName =
  | ("pause-key" | "pauseSchedule" | "resume" | "resumeFlowControlKey" | "resumeJobs")
  | ("resumeSchedule" | "runSchedule")
  | ("again" | "cancel" | "cancel-type" | "copy" | "edit" | "enqueue" | "pause" | "pause-type" | "reschedule" | "run")
  | (
      | "edit-newest"
      | "remove"
      | "remove-group"
      | "retry"
      | "retry-children"
      | "retry-group"
      | "retry-type"
      | "run-selected"
    )
  | ("signal" | "stop")
  | ("limits" | "unpin" | "preview" | "schedule" | "unschedule")
  | ("find" | "search" | "search-all" | "search-in" | "select" | "select-all" | "select-page" | "sort")
  | ("choose" | "confirm" | "help" | "leave" | "open" | "refresh" | "setting" | "skip" | "switch")
  | ("point" | "read" | "sign-in" | "sign-out");
