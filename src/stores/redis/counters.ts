import {
  COUNTERS,
  DAYS_KEPT,
  FIRST_RUNNING,
  FIRST_WAITING,
  HOURS_KEPT,
  MINUTES_KEPT,
  MOST_COUNTED,
  NAMES_KEPT,
  outcomeNames,
  PACE_MINUTES,
  PACES,
  SLOWEST,
  TENS_KEPT,
  TREND_MINUTES,
} from "../../core/store/stats.ts";

// Where each counter is in `stats`: totals of 64 bits first, then windows of time, then the job types, each with totals
// and windows of its own.

const OUTCOMES = outcomeNames.length;
const TOTAL_BYTES = 8;
/** In a window, and of a job type. */
const COUNTER_BYTES = 6;
const WINDOW_BYTES = COUNTERS * COUNTER_BYTES;
/** Minutes count outcomes, and the pace. */
const MINUTE_COUNTERS = OUTCOMES + PACES;
const MINUTE_BYTES = MINUTE_COUNTERS * COUNTER_BYTES;

/** The totals behind those of the counters, by their positions. */
const WAITED = COUNTERS;
const RAN = COUNTERS + 1;
const CANCELLED = COUNTERS + 2;
const RETRIED_DEAD = COUNTERS + 3;
const REMOVED = COUNTERS + 4;
/** How many exchanges have settled something. */
const SETTLED = COUNTERS + 5;
/** When the order of completed jobs was last trimmed. */
const TRIMMED_IN = COUNTERS + 6;

const MINUTES_AT = (TRIMMED_IN + 1) * TOTAL_BYTES;
const HOURS_AT = MINUTES_AT + MINUTES_KEPT * MINUTE_BYTES;
const NAMES_AT = HOURS_AT + HOURS_KEPT * WINDOW_BYTES;

const TENS_AT = OUTCOMES * COUNTER_BYTES;
const DAYS_AT = TENS_AT + TENS_KEPT * WINDOW_BYTES;
const NAME_BYTES = DAYS_AT + DAYS_KEPT * WINDOW_BYTES;

/** The scripts know them by these names. */
export const counterConstants = {
  ...{ COUNTERS, OUTCOMES, FIRST_WAITING, FIRST_RUNNING, TOTAL_BYTES, COUNTER_BYTES, WINDOW_BYTES, MINUTE_BYTES },
  ...{ WAITED, RAN, CANCELLED, RETRIED_DEAD, REMOVED, SETTLED, TRIMMED_IN },
  ...{ SLOWEST, MOST_COUNTED, PACES, PACE_MINUTES, TREND_MINUTES },
  ...{ MINUTES_KEPT, HOURS_KEPT, TENS_KEPT, DAYS_KEPT, NAMES_KEPT },
  ...{ MINUTES_AT, HOURS_AT, NAMES_AT, TENS_AT, DAYS_AT, NAME_BYTES },
};
