import { capital, plural } from "./format.ts";

const MONTHS = "January February March April May June July August September October November December".split(" ");
const DAYS = "Sunday Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split(" ");
const presets: Readonly<Record<string, string>> = {
  "@yearly": "0 0 1 1 *",
  "@annually": "0 0 1 1 *",
  "@monthly": "0 0 1 * *",
  "@weekly": "0 0 * * 0",
  "@daily": "0 0 * * *",
  "@hourly": "0 * * * *",
  "@minutely": "* * * * *",
  "@secondly": "* * * * * *",
  "@weekdays": "0 0 * * 1-5",
  "@weekends": "0 0 * * 0,6",
};

const units: Readonly<Record<string, string>> = { s: "second", m: "minute", h: "hour", d: "day" };

/** Describes an interval such as "30m" in words. */
export function describeEvery(every: string): string {
  const [, count, unit] = /^(\d+)([smhd])$/.exec(every) ?? [];
  const name = units[unit ?? ""];
  if (!name) return `Every ${every}`;
  return count === "1" ? `Every ${name}` : `Every ${plural(Number(count), name)}`;
}

/** Describes a cron expression in words. Undefined for less common kinds, and if no few words are exact. */
export function describeCron(expression: string): string | undefined {
  const known = presets[expression.trim()] ?? expression;
  const fields = known.trim().replaceAll("?", "*").split(/\s+/);
  const [second = "", minute = "", hour = "", day = "", month = "", weekday = ""] =
    fields.length < 6 ? ["0", ...fields] : fields;
  const time = timeWords(second, minute, hour);
  const date = dateWords(day, month, weekday);
  if (!time || date === undefined) return undefined;
  const words = time.startsWith("at ") ? `${date || "every day"} ${time}` : `${time}${date && `, ${date}`}`;
  return capital(words);
}

function timeWords(second: string, minute: string, hour: string): string | undefined {
  if (second !== "0") return minute + hour === "**" ? everyWords(second, "second", 60) : undefined;
  if (hour === "*") {
    if (minute === "0") return "every hour";
    return /^\d+$/.test(minute) ? `every hour at :${minute.padStart(2, "0")}` : everyWords(minute, "minute", 60);
  }
  if (/^\d+ [\d,]+$/.test(`${minute} ${hour}`))
    return `at ${list(hour.split(",").map((each) => `${each.padStart(2, "0")}:${minute.padStart(2, "0")}`))}`;
  return minute === "0" ? everyWords(hour, "hour", 24) : undefined;
}

/** Each hour, steps start again at 0. So "every 45 minutes" would be wrong: 45 does not divide 60. */
function everyWords(field: string, unit: string, inAll: number): string | undefined {
  const step = Number(/^\*(?:\/(\d+))?$/.exec(field)?.[1] ?? (field === "*" ? 1 : 0));
  if (step === 1) return `every ${unit}`;
  return inAll % step === 0 ? `every ${step} ${unit}s` : undefined;
}

/** Empty for every day. */
function dateWords(day: string, month: string, weekday: string): string | undefined {
  if (day !== "*" && weekday !== "*") return undefined;
  const months = month === "*" ? "" : namesOf(month, MONTHS, 1);
  if (months === undefined) return undefined;
  if (day === "*" && weekday === "*") return months && `every day in ${months}`;
  if (day === "*") {
    const days = namesOf(weekday, DAYS, 0);
    return days && `every ${days}${months && ` in ${months}`}`;
  }
  if (day === "L") return `on the last day of ${months || "every month"}`;
  if (!/^[\d,]+$/.test(day) || day.split(",").some((each) => Number(each) > lastDayOf(months))) return undefined;
  const dates = list(day.split(","));
  return months ? `every year on ${dates} ${months}` : `every month on day ${dates}`;
}

/** The last day that each of these months has in every year. Treats every range as one with February. */
function lastDayOf(months: string): number {
  if (months === "" || /Feb| to /.test(months)) return 28;
  return /Apr|Jun|Sep|Nov/.test(months) ? 30 : 31;
}

/** The names of months or weekdays, as a list or a range. */
function namesOf(field: string, names: readonly string[], first: number): string | undefined {
  const nameOf = (each: string) =>
    /^\d+$/.test(each) ? names[Number(each) - first] : names.find((name) => name.slice(0, 3).toUpperCase() === each);
  const parts = field.toUpperCase().split(",");
  const read = parts.map((part) => part.split("-").map(nameOf));
  if (read.some((part) => part.length > 2 || part.includes(undefined))) return undefined;
  return list(read.map((part) => part.join(" to ")));
}

const list = (all: readonly string[]): string =>
  all.length < 2 ? all.join("") : `${all.slice(0, -1).join(", ")} and ${all.at(-1)}`;
