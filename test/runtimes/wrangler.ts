/**
 * How wrangler runs a Worker for a test: on a free port of 127.0.0.1, and without a trace in the terminal or on disk.
 */
export const dev = {
  server: { hostname: "127.0.0.1", port: 0 },
  inspector: false,
  watch: false,
  logLevel: "none",
  persist: false,
} as const;
