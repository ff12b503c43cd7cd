import type { FailureGroup } from "../../core/manage/failures.ts";
import { failureAge } from "../../http/dashboard/shown-texts.ts";
import type { Column } from "./table.ts";
import { type Colors, count } from "./text.ts";
import { shortAgo } from "./time.ts";

/** @param isSince whether groups that are too old are left out: the others still count all of their jobs. */
export function failureColumns(now: number, colors: Colors, isSince = false): readonly Column<FailureGroup>[] {
  return [
    { title: "GROUP", cell: ({ group }) => group },
    { title: isSince ? "ALL JOBS" : "JOBS", cell: (group) => count(group.count), align: "right" },
    { title: "FIRST", cell: ({ firstAt }) => shortAgo(firstAt, now), align: "right" },
    { title: "LAST", cell: ({ lastAt }) => shortAgo(lastAt, now), align: "right" },
    {
      title: "AGE",
      cell: (group) => ageOf(group, now) ?? "",
      paint: (text, group) => (ageOf(group, now) === "new" ? colors.red(text) : colors.dim(text)),
    },
    { title: "NAME", cell: ({ name }) => name, givesWay: true },
    {
      title: "ERROR",
      cell: ({ error }) => `${error.name}: ${error.message}`,
      tightCell: ({ error }) => error.message || error.name,
      paint: (text) => colors.red(text),
    },
  ];
}

/** Whether a group is new or over. */
export function ageOf({ firstAt, lastAt }: FailureGroup, now: number): "new" | "over" | undefined {
  return failureAge(firstAt.getTime(), lastAt.getTime(), now);
}
