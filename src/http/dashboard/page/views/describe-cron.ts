/** A cron expression in words. Undefined for the less common kinds. */
export function describeCron(expression: string): string | undefined {
  const fields = expression.replaceAll("?", "*").split(/\s+/);
  const [second = "", minute = "", hour = "", day = "", month, weekday = ""] =
    fields.length < 6 ? ["0", ...fields] : fields;
  const time = timeWords(second, minute, hour);
  const date = month === "*" ? dateWords(day, weekday) : undefined;
  return time && date !== undefined ? time + date : undefined;
}

function timeWords(second: string, minute: string, hour: string): string | undefined {
  if (second !== "0") return minute + hour === "**" ? everyWords(second, "second") : undefined;
  if (hour === "*") return minute === "0" ? "Every hour" : everyWords(minute, "minute");
  if (/^\d+ [\d,]+$/.test(`${minute} ${hour}`))
    return `At ${hour.replace(/\d+/g, (each) => `${each.padStart(2, "0")}:${minute.padStart(2, "0")}`).replaceAll(",", ", ")}`;
  return minute === "0" ? everyWords(hour, "hour") : undefined;
}

function everyWords(field: string, unit: string): string | undefined {
  const [, step] = /^\*\/(\d+)$/.exec(field) ?? [];
  return field === "*" ? `Every ${unit}` : step && `Every ${step} ${unit}s`;
}

function dateWords(day: string, weekday: string): string | undefined {
  if (day === "*") {
    if (weekday === "*") return "";
    const days = weekday.replace(/\d/g, (each) => "SUNMONTUEWEDTHUFRISAT".slice((Number(each) % 7) * 3).slice(0, 3));
    return /[#L]/.test(weekday) ? undefined : ` on ${days.replace("-", " to ").replaceAll(",", ", ")}`;
  }
  if (weekday === "*" && day === "L") return " on the last day of the month";
  return weekday === "*" && Number(day) ? ` on day ${day} of the month` : undefined;
}
