/** The address that everything here listens on: nothing is reachable from another machine. */
export const HOST = "127.0.0.1";
