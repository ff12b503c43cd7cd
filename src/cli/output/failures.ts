import type { FailureGroup } from "../../core/manage/failures.ts";
import type { Column } from "./table.ts";
import { type Colors, count } from "./text.ts";
import { shortAgo } from "./time.ts";

export function failureColumns(now: number, colors: Colors): readonly Column<FailureGroup>[] {
  return [
    { title: "GROUP", cell: ({ group }) => group },
    { title: "JOBS", cell: (group) => count(group.count), align: "right" },
    { title: "FIRST", cell: ({ firstAt }) => shortAgo(firstAt, now), align: "right" },
    { title: "LAST", cell: ({ lastAt }) => shortAgo(lastAt, now), align: "right" },
    { title: "NAME", cell: ({ name }) => name, givesWay: true },
    { title: "ERROR", cell: ({ error }) => `${error.name}: ${error.message}`, paint: (text) => colors.red(text) },
  ];
}
