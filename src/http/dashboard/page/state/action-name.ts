/** What buttons, boxes and forms do. An element names it in `data-click` and the like; actions/index.ts does it. */
export type ActionName =
  | ("pauseFlowControlKey" | "pauseSchedule" | "resume" | "resumeFlowControlKey" | "resumeJobs")
  | ("resumeSchedule" | "runSchedule")
  | ("again" | "cancel" | "cancel-type" | "copy" | "edit" | "enqueue" | "pause" | "pause-type" | "reschedule" | "run")
  | ("edit-newest" | "remove" | "remove-group" | "retry" | "retry-children" | "retry-group" | "run-selected")
  | ("signal" | "stop")
  | ("limits" | "unpin" | "preview" | "schedule" | "unschedule")
  | ("find" | "search" | "search-all" | "search-in" | "search-stop" | "select" | "select-all" | "select-page" | "sort")
  | ("choose" | "close" | "confirm" | "help" | "leave" | "open" | "refresh" | "setting" | "skip" | "switch")
  | ("point" | "read" | "sign-in" | "sign-out");
