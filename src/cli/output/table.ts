import stringWidth from "string-width";
import { type Colors, printable } from "./text.ts";

export interface Column<Row> {
  readonly title: string;
  /** What stands in the cell: made printable, and cut where it is too long for the terminal. */
  readonly cell: (row: Row) => string;
  readonly align?: "left" | "right";
  /** Colours what `cell` gave. */
  readonly paint?: (text: string, row: Row) => string;
}

export interface TableOptions {
  readonly colors: Colors;
  /** How wide the table may be. Only the last column gives way. Default: as wide as it gets. */
  readonly width?: number | undefined;
}

const GAP = "  ";
/** The last column keeps at least so much. */
const LEAST_WIDTH = 10;

/** Rows under their titles, in columns. Widths are those on screen, where some letters take two places and some none. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], options: TableOptions): string {
  const cells = rows.map((row) => columns.map(({ cell }) => printable(cell(row))));
  const widths = columns.map(({ title }, index) =>
    // Not as arguments of Math.max, of which there may not be so many as there are jobs.
    cells.reduce((widest, line) => Math.max(widest, stringWidth(line[index] ?? "")), stringWidth(title)),
  );
  const lastWidth =
    (options.width ?? Number.POSITIVE_INFINITY) - sum(widths.slice(0, -1)) - GAP.length * (columns.length - 1);
  const line = (texts: readonly string[], paint: (text: string, index: number) => string) =>
    columns
      .map(({ align }, index) => {
        const isLast = index === columns.length - 1;
        const text = isLast ? cut(texts[index] ?? "", Math.max(lastWidth, LEAST_WIDTH)) : (texts[index] ?? "");
        const space = " ".repeat(Math.max(0, (widths[index] ?? 0) - stringWidth(text)));
        if (align === "right") return space + paint(text, index);
        return paint(text, index) + (isLast ? "" : space);
      })
      .join(GAP)
      .trimEnd();
  const titles = line(
    columns.map(({ title }) => title),
    (text) => options.colors.dim(text),
  );
  const lines = rows.map((row, at) =>
    line(cells[at] ?? [], (text, index) => columns[index]?.paint?.(text, row) ?? text),
  );
  return [titles, ...lines].join("\n");
}

/** Facts with their names before them. */
export function facts(entries: readonly (readonly [name: string, value: string])[], colors: Colors): string {
  const width = Math.max(...entries.map(([name]) => name.length));
  return entries.map(([name, value]) => `${colors.dim(name.padEnd(width))}${GAP}${value}`).join("\n");
}

/** What people take for a letter may be several characters. */
const letters = new Intl.Segmenter();

/** Text that takes at most so many places. */
export function cut(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  let kept = "";
  let left = width - 1;
  for (const { segment } of letters.segment(text)) {
    left -= stringWidth(segment);
    if (left < 0) break;
    kept += segment;
  }
  return `${kept}…`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
