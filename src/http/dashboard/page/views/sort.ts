import { type Html, html } from "../dom/html.ts";
import { state } from "../state/state.ts";
import { button } from "./parts.ts";

/** A column to sort by: its name in the URL, its title, and what to compare. */
export type Column<Row> = readonly [string, string, (row: Row) => string | number];

/** A heading that sorts: by figures the largest first, and then the other way. @param initial as in `sortedBy`. */
export function sortable(name: string, text: string, style = "", initial?: string): Html {
  const { sort = initial } = state.route;
  const down = `-${name}`;
  const order = sort === name ? "ascending" : sort === down && "descending";
  const isDownNext = style.includes("figure") ? sort !== down : sort === name;
  return html`<th class="${style}" aria-sort="${order}">${button(text, "sort", isDownNext ? down : name, "link", `Sort by ${text}`)}</th>`;
}

/** @param initial the column that sorts until the user chooses, with a minus for the other direction. */
export function sortedBy<Row>(rows: readonly Row[], columns: readonly Column<Row>[], initial = ""): readonly Row[] {
  const { sort = initial } = state.route;
  const [, , value] = columns.find(([name]) => name === sort.replace("-", "")) ?? [];
  if (!value) return rows;
  const first = sort.startsWith("-") ? 1 : -1;
  const compare = (one: Row, other: Row) =>
    value(one) < value(other) ? first : value(one) > value(other) ? -first : 0;
  return [...rows].sort(compare);
}
