import stringWidth from "string-width";
import { type Colors, printable } from "./text.ts";

export interface Column<Row> {
  readonly title: string;
  /** The cell's text. It is made printable, and cut if the terminal is too narrow. */
  readonly cell: (row: Row) => string;
  readonly align?: "left" | "right";
  /** Whether the column shrinks to a quarter of a terminal that is too narrow, so that the last column gets some space. */
  readonly givesWay?: boolean;
  /** Colours the text of `cell`. */
  readonly paint?: (text: string, row: Row) => string;
}

export interface TableOptions {
  readonly colors: Colors;
  /** The largest width. Columns that give way are cut first, then the last one. Default: unlimited. */
  readonly width?: number | undefined;
}

const GAP = "  ";
/** The smallest width of the last column. */
const LEAST_WIDTH = 10;
/** The smallest width of other columns that give way. */
const LEAST_SHARE = 24;

/** A table with titles. It counts columns on screen, where some characters take two and some none. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], options: TableOptions): string {
  const { width = Number.POSITIVE_INFINITY } = options;
  const gaps = GAP.length * (columns.length - 1);
  const whole = rows.map((row) => columns.map(({ cell }) => printable(cell(row))));
  const share = sum(widthsOf(columns, whole)) + gaps > width ? Math.max(width / 4, LEAST_SHARE) : width;
  const cells = whole.map((line) => line.map((text, index) => (columns[index]?.givesWay ? cut(text, share) : text)));
  const widths = widthsOf(columns, cells);
  const lastWidth = width - sum(widths.slice(0, -1)) - gaps;
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

function widthsOf<Row>(columns: readonly Column<Row>[], cells: readonly (readonly string[])[]): readonly number[] {
  return columns.map(({ title }, index) =>
    // Not as arguments of Math.max, which takes fewer arguments than there can be jobs.
    cells.reduce((widest, line) => Math.max(widest, stringWidth(line[index] ?? "")), stringWidth(title)),
  );
}

/** Facts with their names, one a line. */
export function facts(entries: readonly (readonly [name: string, value: string])[], colors: Colors): string {
  const width = Math.max(...entries.map(([name]) => name.length));
  return entries.map(([name, value]) => `${colors.dim(name.padEnd(width))}${GAP}${value}`).join("\n");
}

/** What people see as one letter can be several characters. */
const letters = new Intl.Segmenter();

/** Cuts text to a width on screen. */
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
