/** What a field of a cron expression holds. */
export interface CronField {
  /** In rising order. Weekdays count from Sunday, 0. */
  readonly values: readonly number[];
  /** Whether it is `*` or `?`, and so restricts nothing. */
  readonly isWildcard: boolean;
  /** Weekdays of which the last in the month is meant, as in `5L`. For the day of the month: [0] where it has `L`. */
  readonly last: readonly number[];
  /** Which of the month's days of that weekday is meant, as in `5#2`; 0 for each. */
  readonly nth: number;
}

/** What a field may hold. */
export interface FieldRule {
  readonly name: string;
  readonly first: number;
  readonly last: number;
  /** For a message. */
  readonly takes: string;
  /** Names for the values from `first` on. */
  readonly names?: readonly string[];
  readonly lastForm?: RegExp;
}

const months = "JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split(" ");
const weekdays = "SUN MON TUE WED THU FRI SAT".split(" ");

/** The six fields, in their order. */
export const fieldRules: readonly FieldRule[] = [
  { name: "second", first: 0, last: 59, takes: "0-59" },
  { name: "minute", first: 0, last: 59, takes: "0-59" },
  { name: "hour", first: 0, last: 23, takes: "0-23" },
  { name: "day of month", first: 1, last: 31, takes: "1-31, or L for the last", lastForm: /^()L$/ },
  { name: "month", first: 1, last: 12, takes: "1-12 or JAN-DEC", names: months },
  {
    name: "day of week",
    first: 0,
    last: 7,
    takes: "0-7 or SUN-SAT (SAT-SUN is 6-7), 5L for the last Friday or 5#2 for the second",
    names: weekdays,
    lastForm: /^([0-7])L$/,
  },
];

/** Reads one field; undefined where it cannot be read. */
export function readField(text: string, rule: FieldRule): CronField | undefined {
  const named = rule.names ? text.replace(/[a-z]{3}/gi, (name) => numberOf(name, rule)) : text;
  const [, day, nth] = (rule.last === 7 && /^([0-7?*])#([1-5])$/.exec(named)) || [];
  const items = (day ?? named).split(",").map((item) => readItem(item, rule));
  if (items.some((item) => item === undefined)) return undefined;
  const values = items.flatMap((item) => item?.values ?? []).sort((a, b) => a - b);
  const last = items.flatMap((item) => item?.last ?? []);
  if (new Set(values).size < values.length || new Set(last).size < last.length) return undefined;
  return {
    values,
    last: [...new Set(last.map((day) => day % 7))],
    nth: Number(nth ?? 0),
    isWildcard: /^[*?]$/.test(text),
  };
}

function numberOf(name: string, { names = [], first }: FieldRule): string {
  const index = names.indexOf(name.toUpperCase());
  return index < 0 ? name : String(first + index);
}

function readItem(item: string, rule: FieldRule): Pick<CronField, "values" | "last"> | undefined {
  const [, lastOf] = rule.lastForm?.exec(item) ?? [];
  if (lastOf !== undefined) return { values: [], last: [Number(lastOf)] };
  const [matches, from, to, step] = /^(?:[*?]|(\d+)(?:-(\d+))?)(?:\/(\d+))?$/.exec(item) ?? [];
  const start = Number(from ?? rule.first);
  const end = Number(to ?? (from !== undefined && step === undefined ? from : rule.last));
  const by = Number(step ?? 1);
  if (matches === undefined || start < rule.first || end > rule.last || start > end || by < 1) return undefined;
  const values = Array.from({ length: Math.floor((end - start) / by) + 1 }, (_, index) => start + index * by);
  // Sunday is both 0 and 7; a range may begin and end with it.
  return { values: rule.last === 7 ? [...new Set(values.map((value) => value % 7))] : values, last: [] };
}
