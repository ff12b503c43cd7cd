import type { OperationName } from "../../../../contract/operations.ts";

/** The operations that a button does at once, without a question. */
export type OperationAtOnce = Extract<
  OperationName,
  | "resume"
  | "resumeJobs"
  | "pauseSchedule"
  | "resumeSchedule"
  | "runSchedule"
  | "pauseFlowControlKey"
  | "resumeFlowControlKey"
>;

/** What buttons, boxes and forms do. An element names it in `data-click` and the like; actions/index.ts does it. */
export type ActionName =
  | OperationAtOnce
  | (
      | "again"
      | "cancel"
      | "copy"
      | "edit"
      | "enqueue"
      | "pause"
      | "pause-type"
      | "reschedule"
      | "run"
      | "run-selected"
      | "signal"
      | "stop"
    )
  | ("edit-newest" | "remove" | "remove-group" | "retry" | "retry-group")
  | ("limits" | "unpin" | "preview" | "schedule" | "unschedule")
  | ("find" | "search" | "search-all" | "search-in" | "select" | "select-all" | "select-page" | "sort")
  | ("choose" | "confirm" | "help" | "leave" | "open" | "refresh" | "setting" | "skip" | "switch")
  | ("sign-in" | "sign-out")
  | ("point" | "read");
